import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { Liveliness, type LivelinessCause, type VerdictEvidence } from '../liveliness/verdict.js'
import type { FleetModel } from './fleet-model.js'
import type { OwnerRef } from './freshness/owner-lag.js'
import type { FleetReadOptions } from './freshness/read-options.js'
import type { ReadWitness } from './freshness/read-witness.js'
import type { VerdictOf } from './rows/source-status.js'
import type { WorkerProcess } from './status/liveliness-history.js'
import type { WorkerStatus } from './status/status-document.js'
import { tokenOf } from './token/view-token.js'

export interface FetchWorkerOptions extends FleetReadOptions {
  /** Asks for this process of the worker. @default the process that holds the name */
  readonly incarnation?: number
}

/** Why there is no row of a worker that runs. */
export const LookupReason = {
  /** No row of it, and no record of its end. */
  unknown: 'unknown',
  /** The process that was asked for does not hold the name any more, and is not known to be dead. */
  replaced: 'replaced',
  dead: 'dead',
  /** Of several processes with a claim to the name any may hold it: the servers that know are not received. */
  ambiguous: 'ambiguous',
} as const
export type LookupReason = (typeof LookupReason)[keyof typeof LookupReason]

/** The row of a worker, its owner and its token, or the reason why there is none. */
export type WorkerLookup =
  | {
      readonly found: true
      readonly worker: WorkerStatus
      /** The server that wrote the row: the collector of the worker's node, or its stand-in. */
      readonly owner: OwnerRef
      /** Names the row: a read with this `requiredToken` includes it, or a newer one. */
      readonly token: string
    }
  | { readonly found: false; readonly reason: 'unknown' }
  | {
      readonly found: false
      readonly reason: 'replaced'
      /** The process that holds the name now. */
      readonly by: WorkerProcess
    }
  | {
      readonly found: false
      readonly reason: 'dead'
      readonly incarnation: number
      readonly cause: LivelinessCause | null
      readonly detail: string | null
      /** What the verdict rests on; null where the record does not contain it. */
      readonly evidence: VerdictEvidence | null
      /** How long ago it was found dead; null where the record does not contain it. */
      readonly deadForMs: number | null
      /** The process that holds the name now; null when there is none. */
      readonly by: WorkerProcess | null
    }
  | {
      readonly found: false
      readonly reason: 'ambiguous'
      /** The processes of which any may hold the name; the view shows the first. */
      readonly candidates: readonly WorkerProcess[]
    }

/** The answer to the question for one worker, and what can be claimed of that answer. */
export type FetchedWorker = WorkerLookup & { readonly witness: ReadWitness }

/** What a lookup looks at. */
export interface LookupContext {
  readonly fleet: FleetModel
  readonly nowMs: number
  readonly verdictOf: VerdictOf
  readonly refOf: (participant: Guid) => OwnerRef
}

/** Looks a worker up in what the view shows. Pure. */
export function lookUpWorker(workerId: string, incarnation: number | undefined, context: LookupContext): WorkerLookup {
  const { fleet, nowMs, verdictOf, refOf } = context
  const contenders = fleet.contenders(workerId, verdictOf)
  const worker = fleet.worker(workerId, nowMs, verdictOf)
  const [chosen] = contenders
  const holder = worker === undefined ? undefined : processOf(worker)
  if (incarnation !== undefined && incarnation !== holder?.incarnation) {
    return lookUpFormer(workerId, incarnation, holder, context)
  }
  if (chosen === undefined || worker === undefined) return { found: false, reason: LookupReason.unknown }
  if (worker.liveliness === Liveliness.dead) {
    const { cause, detail, evidence, livelinessForMs: deadForMs } = worker
    return {
      found: false,
      reason: 'dead',
      incarnation: worker.incarnation,
      cause,
      detail,
      evidence,
      deadForMs,
      by: null,
    }
  }
  if (contenders.length > 1) {
    const candidates = contenders.map(({ held }) => processOf(held.value))
    return { found: false, reason: LookupReason.ambiguous, candidates }
  }
  const { writer, seq } = chosen.held
  return {
    found: true,
    worker,
    owner: refOf(participantOf(writer)),
    token: tokenOf({ writer: writer as EntityGuid, seq }),
  }
}

/** Looks for a process that does not hold the name. */
function lookUpFormer(
  workerId: string,
  incarnation: number,
  by: WorkerProcess | undefined,
  { fleet, nowMs, verdictOf }: LookupContext,
): WorkerLookup {
  const fate = fleet.fate(workerId, incarnation, nowMs, verdictOf)
  if (fate.fate === 'dead') {
    const { cause, detail, evidence, deadForMs } = fate
    return { found: false, reason: 'dead', incarnation, cause, detail, evidence, deadForMs, by: by ?? null }
  }
  const isKnown = fate.fate === 'alive' || fate.reason === 'unreachable'
  // A later process than the holder may not have been received from yet.
  if (by === undefined || (!isKnown && incarnation > by.incarnation))
    return { found: false, reason: LookupReason.unknown }
  return { found: false, reason: 'replaced', by }
}

function processOf({ workerId, host, numaNode, pid, incarnation }: WorkerProcess): WorkerProcess {
  return { workerId, host, numaNode, pid, incarnation }
}
