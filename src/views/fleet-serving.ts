import { CatchUpState } from '../cache/writer-progress.js'
import type { Guid } from '../core/ids.js'
import { Liveliness } from '../liveliness/verdict.js'
import type { WriterLag } from '../pubsub/reader/reader.js'
import type { CatchUpAction } from '../wire/pull.js'
import type { FleetReaders } from './fleet-readers.js'
import { DegradedMode, Freshness } from './freshness/freshness.js'
import { moreSevereAction, type OwnerLag, worseState } from './freshness/owner-lag.js'
import { defaultFleetReadOptions } from './freshness/read-options.js'
import { type MissingOwner, MissingReason, type ReadWitness } from './freshness/read-witness.js'
import { type ReadFacts, refusalsOf } from './freshness/refusals.js'
import type { NodeStatus, WorkerStatus } from './status/status-document.js'
import { type ViewConsistency, ViewMode } from './status/view-consistency.js'

/** What a view shows at one moment. */
export interface ShownFleet {
  readonly nodes: readonly NodeStatus[]
  readonly workers: readonly WorkerStatus[]
  readonly consistency: ViewConsistency
}

/** What a view can claim of what it shows, and what that rests on. */
export interface Assessment {
  readonly facts: ReadFacts
  readonly witness: ReadWitness
}

/** Judges what a view can serve. */
export class FleetServing {
  readonly #readers: FleetReaders

  constructor(readers: FleetReaders) {
    this.#readers = readers
  }

  /** @param of judges only what depends on this owner */
  assess({ nodes, workers, consistency }: ShownFleet, nowMs: number, of?: Guid): Assessment {
    const lags = this.#readers.lags()
    const owners = this.#readers.owners(lags)
    const missing = this.#missing(owners, nodes, consistency, nowMs)
    const mode = modeOf(owners, missing, consistency)
    const facts: ReadFacts = {
      nodes: nodes.length,
      owners: of === undefined ? owners : owners.filter(({ participant }) => participant === of),
      missing: of === undefined ? missing : missing.filter(({ owner }) => owner?.participant === of),
      reportAgeMs: of === undefined ? reportAgeMs(nodes, workers) : reportAgeMs([], workers),
    }
    return { facts, witness: this.#readWitness(facts, lags, mode) }
  }

  /** Returns what the view can serve; cheaper than {@link assess}. */
  mode(nodes: readonly NodeStatus[], consistency: ViewConsistency, nowMs: number): DegradedMode {
    const owners = this.#readers.owners(this.#readers.lags())
    return modeOf(owners, this.#missing(owners, nodes, consistency, nowMs), consistency)
  }

  #readWitness(facts: ReadFacts, lags: readonly WriterLag[], degradedMode: DegradedMode): ReadWitness {
    const { owners, missing } = facts
    const isBounded = refusalsOf({ ...boundedByDefault, freshness: Freshness.bounded }, facts).length === 0
    let lagSamples = 0
    let catchUpState: CatchUpState = facts.nodes === 0 ? CatchUpState.unavailable : CatchUpState.fresh
    let catchUpAction: CatchUpAction | null = null
    for (const owner of owners) {
      lagSamples += owner.lagSamples
      catchUpState = worseState(catchUpState, owner.catchUpState)
      catchUpAction = moreSevereAction(catchUpAction, owner.catchUpAction)
    }
    return {
      servedFreshness: isBounded ? Freshness.bounded : Freshness.bestEffort,
      servedToken: this.#readers.position.servedToken(),
      currentToken: this.#readers.position.currentToken(lags),
      lagSamples,
      ageMs: ageMsOf(facts),
      catchUpState,
      catchUpAction,
      degradedMode,
      missing,
    }
  }

  #missing(
    owners: readonly OwnerLag[],
    nodes: readonly NodeStatus[],
    { reportedElsewhere }: ViewConsistency,
    nowMs: number,
  ): MissingOwner[] {
    const missing: MissingOwner[] = []
    const silent = new Set<Guid>()
    for (const { catchUpState, ageMs, participant } of owners) {
      if (catchUpState !== CatchUpState.unavailable) continue
      silent.add(participant)
      const owner = this.#readers.refOf(participant)
      missing.push({ reason: MissingReason.unavailable, owner, node: null, forMs: Math.round(ageMs ?? 0) })
    }
    for (const { collector, workers, host, bootId, numaNode } of nodes) {
      // A collector that left no live worker behind is not missed.
      const live = workers.available + workers.busy + workers.unhealthy + workers.draining
      if (collector.liveliness !== Liveliness.dead || live === 0) continue
      const node = { host, bootId, numaNode }
      missing.push({ reason: MissingReason.notServed, owner: null, node, forMs: collector.livelinessForMs })
    }
    for (const { owner, sinceMs } of this.#readers.lost()) {
      missing.push({ reason: MissingReason.lost, owner, node: null, forMs: Math.round(nowMs - sinceMs) })
    }
    for (const { host, bootId, numaNode, silentForMs } of reportedElsewhere) {
      const node = { host, bootId, numaNode }
      missing.push({ reason: MissingReason.notReceived, owner: null, node, forMs: silentForMs })
    }
    return missing
  }
}

const boundedByDefault = { ...defaultFleetReadOptions, requiredToken: null }

/** Returns the age of the oldest report that counts: of a live worker, or of a node that is served. */
function reportAgeMs(nodes: readonly NodeStatus[], workers: readonly WorkerStatus[]): number | null {
  let oldest: number | null = null
  for (const { collector, ageMs } of nodes) {
    if (collector.liveliness !== Liveliness.dead) oldest = Math.max(oldest ?? 0, ageMs)
  }
  for (const { liveliness, ageMs } of workers) {
    // Of another worker its collector reports that it does not know more.
    if (liveliness === Liveliness.alive) oldest = Math.max(oldest ?? 0, ageMs)
  }
  return oldest
}

function ageMsOf({ nodes, owners, reportAgeMs: oldest }: ReadFacts): number | null {
  if (nodes === 0) return null
  let ageMs = oldest ?? 0
  for (const owner of owners) {
    if (owner.ageMs === null) return null
    ageMs = Math.max(ageMs, owner.ageMs)
  }
  return Math.round(ageMs)
}

function modeOf(
  owners: readonly OwnerLag[],
  missing: readonly MissingOwner[],
  { degradedMode, unplaced }: ViewConsistency,
): DegradedMode {
  if (degradedMode === ViewMode.blind) return DegradedMode.unavailable
  if (unplaced.length > 0 || missing.some(({ reason }) => reason !== MissingReason.lost)) return DegradedMode.viewOnly
  if (degradedMode === ViewMode.healthy) return DegradedMode.healthy
  const mustBootstrap = owners.some(({ catchUpState }) => catchUpState === CatchUpState.bootstrapRequired)
  return mustBootstrap ? DegradedMode.viewOnly : DegradedMode.lagging
}
