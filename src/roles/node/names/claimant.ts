import { type EntityGuid, type EntityId, entityGuid, type Guid, participantOf } from '../../../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict } from '../../../liveliness/verdict.js'
import type { Predecessor, RosterRow } from '../../../plane/node/node-roster.js'
import {
  type ClaimRank,
  compareObservedClaims,
  type ObservedClaim,
  type WorkerClaim,
} from '../../../plane/worker/worker-claim.js'
import type { WorkerState } from '../../../plane/worker/worker-state.js'
import type { Peer } from '../../../pubsub/model/peer.js'

/** The parts of a worker's state that its row needs. */
export type WorkerFacts = Pick<
  WorkerState,
  | 'workerId'
  | 'bootId'
  | 'host'
  | 'numaNode'
  | 'pid'
  | 'startTimeTicks'
  | 'pidNamespace'
  | 'incarnation'
  | 'ownershipStrength'
  | 'standby'
  | 'state'
  | 'inFlight'
  | 'concurrency'
  | 'inFlightByQueue'
  | 'vramUsedBytes'
  | 'jobsCompleted'
  | 'jobsFailed'
  | 'admissionOpen'
  | 'admissionReason'
  | 'appliedIntents'
>

/** A participant that claims a workerId: its last report, and the verdict on it. */
export interface Claimant {
  readonly participant: Guid
  readonly writer: EntityGuid
  readonly seq: number
  readonly facts: WorkerFacts
  /** When it wrote them, on this process's monotonic clock. */
  readonly originTimeMs: number
  readonly load: Pick<RosterRow, 'eventLoopUtilization' | 'memoryHeadroomBytes'>
  readonly verdict: Verdict
  /** Known only from the row of an earlier server of the node. Its own report has not come yet. */
  readonly inherited: boolean
  /** A claimant that took its name from another process does not count as reliable before this. */
  readonly reliableFromMs: number
}

export const unknownLoad: Claimant['load'] = Object.freeze({ eventLoopUtilization: null, memoryHeadroomBytes: null })

export function isLive({ verdict }: Claimant): boolean {
  return verdict.liveliness !== Liveliness.dead
}

export function rankOf({ participant, facts }: Claimant): ClaimRank {
  const { ownershipStrength, incarnation } = facts
  return { ownershipStrength, incarnation, claimant: participant }
}

/** Positive when `a` has the better right to the name: live before dead, then the stronger claim. */
export function compareClaimants(a: Claimant, b: Claimant): number {
  return Number(isLive(a)) - Number(isLive(b)) || compareObservedClaims(observed(a), observed(b))
}

function observed(claimant: Claimant): ObservedClaim {
  return { ...rankOf(claimant), isAlive: claimant.verdict.liveliness === Liveliness.alive }
}

export function nameClaimOf({ participant, facts }: Claimant): WorkerClaim {
  const { workerId, incarnation, ownershipStrength, bootId, host, numaNode, pid } = facts
  return { workerId, claimant: participant, incarnation, ownershipStrength, bootId, host, numaNode, pid }
}

/** Returns how the claimant lost its name. */
export function asPredecessor({ facts, verdict }: Claimant): Predecessor {
  const { incarnation, pid } = facts
  const lives = verdict.liveliness !== Liveliness.dead
  return lives
    ? { incarnation, pid, cause: LivelinessCause.replaced, detail: null, lives }
    : { incarnation, pid, cause: verdict.cause ?? LivelinessCause.exited, detail: verdict.detail, lives }
}

export function rowOf(
  claimant: Claimant,
  { predecessor, adopted }: Pick<RosterRow, 'predecessor' | 'adopted'>,
  nowMs: number,
): RosterRow {
  const { facts, verdict, load } = claimant
  const isAlive = verdict.liveliness === Liveliness.alive
  const reliableFromMs = Math.max(claimant.reliableFromMs, verdict.reliableFromMs ?? 0)
  return {
    workerId: facts.workerId,
    bootId: facts.bootId,
    host: facts.host,
    numaNode: facts.numaNode,
    pid: facts.pid,
    startTimeTicks: facts.startTimeTicks,
    pidNamespace: facts.pidNamespace,
    incarnation: facts.incarnation,
    ownershipStrength: facts.ownershipStrength,
    state: facts.state,
    liveliness: verdict.liveliness,
    cause: verdict.cause,
    detail: verdict.detail,
    livelinessForMs: Math.max(0, nowMs - verdict.sinceMs),
    evidence: verdict.evidence,
    probationMs: isAlive ? Math.max(0, reliableFromMs - nowMs) : 0,
    predecessor,
    adopted,
    inFlight: facts.inFlight,
    concurrency: facts.concurrency,
    inFlightByQueue: facts.inFlightByQueue,
    vramUsedBytes: facts.vramUsedBytes,
    jobsCompleted: facts.jobsCompleted,
    jobsFailed: facts.jobsFailed,
    admissionOpen: facts.admissionOpen,
    admissionReason: facts.admissionReason,
    appliedIntents: facts.appliedIntents,
    eventLoopUtilization: load.eventLoopUtilization,
    memoryHeadroomBytes: load.memoryHeadroomBytes,
    sourceWriter: claimant.writer,
    sourceSeq: claimant.seq,
    sourceAgeMs: Math.max(0, nowMs - claimant.originTimeMs),
  }
}

/** Returns a worker as the row of another server describes it. */
export function inheritedClaimant(row: RosterRow, rowTimeMs: number, verdict: Verdict): Claimant {
  const writer = row.sourceWriter as EntityGuid
  return {
    participant: participantOf(writer),
    writer,
    seq: row.sourceSeq,
    facts: { ...row, standby: false },
    originTimeMs: rowTimeMs - row.sourceAgeMs,
    load: row,
    verdict,
    inherited: true,
    reliableFromMs: rowTimeMs + row.probationMs,
  }
}

/** Returns a worker that ended before its first report, from its descriptor. */
export function silentClaimant(
  { guid, identity, incarnation, verdict }: Peer,
  workerId: string,
  numaNode: number,
): Claimant {
  const { bootId, host, pid, startTimeTicks, pidNamespace } = identity
  return {
    participant: guid,
    writer: entityGuid(guid, 0 as EntityId),
    seq: 0,
    facts: {
      workerId,
      bootId,
      host,
      numaNode,
      pid,
      startTimeTicks,
      pidNamespace,
      incarnation,
      ownershipStrength: 0,
      standby: false,
      state: 'unhealthy',
      inFlight: 0,
      concurrency: 0,
      inFlightByQueue: {},
      vramUsedBytes: 0,
      jobsCompleted: 0,
      jobsFailed: 0,
      admissionOpen: false,
      admissionReason: null,
      appliedIntents: [],
    },
    originTimeMs: verdict.sinceMs,
    load: unknownLoad,
    verdict,
    inherited: true,
    reliableFromMs: verdict.sinceMs,
  }
}
