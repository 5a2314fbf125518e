import type { CatchUpAction } from '../wire/pull.js'
import type { DegradedMode, Freshness } from './freshness/freshness.js'
import type { OwnerLag } from './freshness/owner-lag.js'
import type { ReadWitness } from './freshness/read-witness.js'
import type { RefusalReason } from './freshness/refusals.js'

/** What a view has counted since it was opened. */
export interface FleetCounters {
  /** Reads that were served, by the freshness that they asked for. */
  readonly reads: Readonly<Record<Freshness, number>>
  /** Reads that were refused, by reason; a read counts once for each of its reasons. */
  readonly refusals: Readonly<Record<RefusalReason, number>>
  /** Catch-ups that brought the copy on, by what they brought. */
  readonly catchUps: Readonly<Record<CatchUpAction, number>>
  /** Times at which changes of a writer were found to be missing. */
  readonly gaps: number
  /** Catch-ups that brought missing changes. */
  readonly repairs: number
  /** Changes of the mode, without the first. */
  readonly modeChanges: number
}

/** How a view is, and how it has been: plain data, for people and for metrics. */
export interface FleetDiagnostics {
  readonly degradedMode: DegradedMode
  /** How long that mode has lasted, as far as the view has looked: once a second, and when an owner comes or goes. */
  readonly modeForMs: number
  readonly witness: ReadWitness
  readonly counters: FleetCounters
  /** How far the view is behind each owner. */
  readonly owners: readonly OwnerLag[]
}
