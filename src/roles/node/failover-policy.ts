import type { Guid } from '../../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict } from '../../liveliness/verdict.js'

/** One who could serve a node whose own collector is away: another collector of the host, or a scheduler on it. */
export interface Candidate {
  readonly guid: Guid
  /** The node that a collector serves for good; null for a scheduler. */
  readonly numaNode: number | null
}

/** Negative when `a` comes first: collectors before schedulers, the lowest node first, then the lower GUID. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  const nodeA = a.numaNode ?? Number.POSITIVE_INFINITY
  const nodeB = b.numaNode ?? Number.POSITIVE_INFINITY
  if (nodeA !== nodeB) return nodeA < nodeB ? -1 : 1
  return a.guid === b.guid ? 0 : a.guid < b.guid ? -1 : 1
}

/** How a node is being served, as one candidate sees it. */
export interface FailoverFacts {
  /** See {@link serves}. */
  readonly ownerServes: boolean
  /** Since when it is not; undefined while it is. */
  readonly ownerGoneMs: number | undefined
  /** Its process has ended or is stopped: no doubt about this one's own hearing changes that. */
  readonly isOwnerDown: boolean
  /** A candidate that comes before this one lives. */
  readonly isOutranked: boolean
  readonly isServing: boolean
  /** This one doubts itself: whom it finds busy may only be as short of CPU as it is, and more work helps nobody. */
  readonly isDegraded: boolean
  /** Since when somebody with a better right has been serving the node beside this one. */
  readonly relievedMs: number | undefined
  /** That one's rows name every living worker of this one's. */
  readonly isCovered: boolean
}

export interface FailoverTerms {
  /** A collector that restarts at once is waited for. */
  readonly adoptAfterMs: number
  /** Both serve side by side for so long, so that no view misses a worker in between. */
  readonly overlapMs: number
  /** Longer than this nobody waits for rows that do not come. */
  readonly patienceMs: number
  /** One that is only busy serves late, and is left to it for so long. */
  readonly busyMs: number
  /** So long one that doubts itself leaves a node to an owner that is there, and is only not heard in time. */
  readonly doubtMs: number
}

export const failoverTerms: FailoverTerms = Object.freeze({
  adoptAfterMs: 1_000,
  overlapMs: 1_000,
  patienceMs: 10_000,
  busyMs: 10_000,
  doubtMs: 60_000,
})

/**
 * Whether one that is in this state does its work: it runs, is merely overdue, or has not been busy for long.
 * @param stalledForMs whatever the cause: one that is short of memory computes and waits for the disk in turns
 */
export function serves({ liveliness, cause }: Verdict, stalledForMs: number, { busyMs }: FailoverTerms): boolean {
  if (liveliness === Liveliness.alive || liveliness === Liveliness.suspect) return true
  return liveliness === Liveliness.stalled && !isHalted(cause) && stalledForMs < busyMs
}

/** Whether its process was stopped or frozen from outside: it does nothing until it is let go on. */
export function isHalted(cause: LivelinessCause | null): boolean {
  return cause === LivelinessCause.stopped || cause === LivelinessCause.frozen
}

/** What a candidate does about a node that is not its own. */
export function decideFailover(
  facts: FailoverFacts,
  terms: FailoverTerms,
  nowMs: number,
): 'adopt' | 'release' | 'keep' {
  if (facts.isServing) {
    if (facts.relievedMs === undefined) return 'keep'
    const overlapMs = nowMs - facts.relievedMs
    return overlapMs >= terms.patienceMs || (facts.isCovered && overlapMs >= terms.overlapMs) ? 'release' : 'keep'
  }
  const { ownerGoneMs } = facts
  if (facts.ownerServes || facts.isOutranked || ownerGoneMs === undefined) return 'keep'
  const waitMs = facts.isDegraded && !facts.isOwnerDown ? terms.doubtMs : terms.adoptAfterMs
  return nowMs - ownerGoneMs >= waitMs ? 'adopt' : 'keep'
}
