import { Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from '../../liveliness/verdict.js'
import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'
import type { PublishedProfile } from '../../plane/worker/worker-profile.js'
import type { RecordedEnd } from '../rows/end-records.js'
import type { WorkerDetail } from '../rows/worker-details.js'
import type { ChosenRow } from '../rows/worker-rows.js'
import type { CapacityStatus, ProfileStatus, WorkerStatus } from './status-document.js'

/** Rows are written every five seconds. Three missed writes make the row of a stalled server meaningless. */
export const staleRowMs = 15_000

/** What a worker's status depends on besides its row. */
export interface WorkerStatusFacts {
  readonly nowMs: number
  /** The record of the end of the row's process, if there is one. */
  readonly end: RecordedEnd | undefined
  /** The verdict on the row's server, or how it ended. */
  readonly serverVerdict: Verdict | undefined
  /** Since when the row's server has been gone. */
  readonly serverGoneMs: number | undefined
  /** A worker that is unreachable for this long counts as dead; null: never. */
  readonly unreachableDeadAfterMs: number | null
}

/** The view's own verdict on a worker. */
export type Judgement = Pick<
  WorkerStatus,
  'liveliness' | 'cause' | 'detail' | 'evidence' | 'livelinessForMs' | 'probationMs'
>

export function workerStatusOf(chosen: ChosenRow, facts: WorkerStatusFacts, detail?: WorkerDetail): WorkerStatus {
  const { profile, capacity } = detail ?? {}
  const { value, originTimeMs } = chosen.held
  const rowAgeMs = Math.max(0, facts.nowMs - originTimeMs)
  const judgement = judgeWorker(chosen, facts)
  return {
    workerId: value.workerId,
    bootId: value.bootId,
    host: value.host,
    numaNode: value.numaNode,
    pid: value.pid,
    incarnation: value.incarnation,
    state: value.state,
    liveliness: judgement.liveliness,
    cause: judgement.cause,
    detail: judgement.detail,
    evidence: judgement.evidence,
    livelinessForMs: Math.round(judgement.livelinessForMs),
    probationMs: Math.ceil(judgement.probationMs),
    inFlight: value.inFlight,
    concurrency: value.concurrency,
    jobsCompleted: value.jobsCompleted,
    jobsFailed: value.jobsFailed,
    admissionOpen: value.admissionOpen,
    admissionReason: value.admissionReason,
    appliedIntents: value.appliedIntents,
    eventLoopUtilization: value.eventLoopUtilization,
    memoryHeadroomBytes: value.memoryHeadroomBytes,
    profile: profile === undefined ? null : profileStatusOf(profile.value),
    capacity: capacity === undefined ? null : capacityStatusOf(capacity.value),
    capacityAgeMs: capacity === undefined ? null : Math.round(Math.max(0, facts.nowMs - capacity.writtenMs)),
    ageMs: Math.round(value.sourceAgeMs + rowAgeMs),
  }
}

/** All statuses of a worker share one object for each value that it published. */
const profileStatuses = new WeakMap<PublishedProfile, ProfileStatus>()
const capacityStatuses = new WeakMap<WorkerCapacity, CapacityStatus>()

function profileStatusOf(published: PublishedProfile): ProfileStatus {
  const known = profileStatuses.get(published)
  if (known !== undefined) return known
  const { workerId: _, incarnation: __, ...status } = published
  profileStatuses.set(published, status)
  return status
}

function capacityStatusOf(measured: WorkerCapacity): CapacityStatus {
  const known = capacityStatuses.get(measured)
  if (known !== undefined) return known
  const { workerId: _, incarnation: __, numaNode: ___, ...status } = measured
  capacityStatuses.set(measured, status)
  return status
}

/** A worker of which no server can know is `unreachable`, not dead, unless policy makes it so. */
export function judgeWorker({ held, standing }: ChosenRow, facts: WorkerStatusFacts): Judgement {
  const { value } = held
  const { end, nowMs } = facts
  const rowAgeMs = Math.max(0, nowMs - held.originTimeMs)
  if (value.liveliness !== Liveliness.dead && end !== undefined) {
    const { cause, detail, evidence } = end.end
    const livelinessForMs = Math.max(0, nowMs - end.endedMs)
    return { liveliness: Liveliness.dead, cause, detail, evidence, livelinessForMs, probationMs: 0 }
  }
  const { liveliness, cause, detail, evidence } = value
  const livelinessForMs = value.livelinessForMs + rowAgeMs
  const probationMs = Math.max(0, value.probationMs - rowAgeMs)
  const reported: Judgement = { liveliness, cause, detail, evidence, livelinessForMs, probationMs }
  if (liveliness === Liveliness.dead) return reported
  if (liveliness === Liveliness.unreachable) return orDead(reported, facts)
  if (standing === 0) {
    const goneForMs = Math.max(0, nowMs - (facts.serverGoneMs ?? nowMs))
    return orDead(unreachable(...absence(facts.serverVerdict), goneForMs), facts)
  }
  if (standing === 1 && rowAgeMs >= staleRowMs) {
    return orDead(unreachable(LivelinessCause.unserved, 'its collector stands still', rowAgeMs - staleRowMs), facts)
  }
  return reported
}

/** Returns when the passing of time alone changes the judgement next; undefined when it never does. */
export function nextJudgementMs(
  { held, standing }: ChosenRow,
  judgement: Judgement,
  { nowMs, unreachableDeadAfterMs: afterMs }: Pick<WorkerStatusFacts, 'nowMs' | 'unreachableDeadAfterMs'>,
): number | undefined {
  const { liveliness, livelinessForMs } = judgement
  if (liveliness === Liveliness.unreachable) return afterMs === null ? undefined : nowMs + afterMs - livelinessForMs
  const staleMs = held.originTimeMs + staleRowMs
  return standing === 1 && liveliness !== Liveliness.dead && staleMs > nowMs ? staleMs : undefined
}

/** Returns what is known of the server. An unreachable one may be running, also on a host that is received from. */
function absence(verdict: Verdict | undefined): [LivelinessCause, string] {
  const { hostSilent, unserved } = LivelinessCause
  if (verdict?.liveliness !== Liveliness.unreachable) return [unserved, 'its collector is gone']
  if (verdict.cause === hostSilent) return [hostSilent, 'its host is silent']
  return [unserved, 'its collector is unreachable']
}

function unreachable(cause: LivelinessCause, detail: string, livelinessForMs: number): Judgement {
  return {
    liveliness: Liveliness.unreachable,
    cause,
    detail,
    evidence: VerdictEvidence.lease,
    livelinessForMs,
    probationMs: 0,
  }
}

function orDead(judgement: Judgement, { unreachableDeadAfterMs: afterMs }: WorkerStatusFacts): Judgement {
  if (afterMs === null || judgement.livelinessForMs < afterMs) return judgement
  const detail = `unreachable for ${afterMs} ms, after which it counts as dead here`
  return {
    ...judgement,
    liveliness: Liveliness.dead,
    detail,
    livelinessForMs: judgement.livelinessForMs - afterMs,
  }
}
