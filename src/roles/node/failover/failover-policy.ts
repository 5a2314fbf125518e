import type { Guid } from '../../../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict } from '../../../liveliness/verdict.js'

/** A process that could serve a node without a collector: another collector of the host, or a scheduler on it. */
export interface FailoverCandidate {
  readonly guid: Guid
  /** The collector's own node; null for a scheduler. */
  readonly numaNode: number | null
}

/** Negative when `a` comes first: collectors before schedulers, the lowest node first, then the lower GUID. */
export function compareCandidates(a: FailoverCandidate, b: FailoverCandidate): number {
  const nodeA = a.numaNode ?? Number.POSITIVE_INFINITY
  const nodeB = b.numaNode ?? Number.POSITIVE_INFINITY
  if (nodeA !== nodeB) return nodeA < nodeB ? -1 : 1
  return a.guid === b.guid ? 0 : a.guid < b.guid ? -1 : 1
}

/** How a node is being served, as one candidate sees it. */
export interface FailoverFacts {
  /** See {@link serves}. */
  readonly ownerServes: boolean
  /** Since when the owner has not served; undefined while it does. */
  readonly ownerGoneMs: number | undefined
  /** The owner's process has ended or is stopped, which does not depend on what this process receives. */
  readonly isOwnerDown: boolean
  /** A candidate that comes before this process is alive. */
  readonly isOutranked: boolean
  readonly isServing: boolean
  /** This process may itself be late. An owner that seems busy may only share this process's lack of CPU. */
  readonly isDegraded: boolean
  /** Since when a candidate with a better right has served the node beside this process. */
  readonly relievedMs: number | undefined
  /** The rows of that candidate name every live worker of this process. */
  readonly isCovered: boolean
  /** The node has or had a collector of its own, or one of its workers reports that no collector serves it. */
  readonly isNeeded: boolean
  /** How long this process has served a node that has neither a collector of its own nor workers. */
  readonly idleForMs: number
}

export interface FailoverTerms {
  /** Time for a collector to restart before its node is adopted. */
  readonly adoptAfterMs: number
  /** Time for which both serve side by side, so that no view misses a worker in between. */
  readonly overlapMs: number
  /** The longest wait for rows that do not arrive. */
  readonly patienceMs: number
  /** A busy owner serves late. It keeps the node for this time. */
  readonly busyMs: number
  /** A degraded process leaves a node to an existing owner for this time. */
  readonly degradedWaitMs: number
  /** A node without a collector of its own and without workers is released after this. */
  readonly idleMs: number
}

export const failoverTerms: FailoverTerms = Object.freeze({
  adoptAfterMs: 1_000,
  overlapMs: 1_000,
  patienceMs: 10_000,
  busyMs: 10_000,
  degradedWaitMs: 60_000,
  idleMs: 60_000,
})

/**
 * Returns whether a server in this state does its work: it runs, is merely overdue, or has not been busy for long.
 * @param stalledForMs whatever the cause: a process short of memory alternates between computing and waiting for the
 * disk
 */
export function serves({ liveliness, cause }: Verdict, stalledForMs: number, { busyMs }: FailoverTerms): boolean {
  if (liveliness === Liveliness.alive || liveliness === Liveliness.suspect) return true
  return liveliness === Liveliness.stalled && !isHalted(cause) && stalledForMs < busyMs
}

/** Whether its process was stopped or frozen from outside. It does nothing until it is resumed. */
export function isHalted(cause: LivelinessCause | null): boolean {
  return cause === LivelinessCause.stopped || cause === LivelinessCause.frozen
}

/** Returns what a candidate does with a node other than its own. */
export function decideFailover(
  facts: FailoverFacts,
  terms: FailoverTerms,
  nowMs: number,
): 'adopt' | 'release' | 'keep' {
  if (facts.isServing) {
    if (facts.idleForMs >= terms.idleMs) return 'release'
    if (facts.relievedMs === undefined) return 'keep'
    const overlapMs = nowMs - facts.relievedMs
    return overlapMs >= terms.patienceMs || (facts.isCovered && overlapMs >= terms.overlapMs) ? 'release' : 'keep'
  }
  const { ownerGoneMs } = facts
  if (facts.ownerServes || facts.isOutranked || !facts.isNeeded || ownerGoneMs === undefined) return 'keep'
  const waitMs = facts.isDegraded && !facts.isOwnerDown ? terms.degradedWaitMs : terms.adoptAfterMs
  return nowMs - ownerGoneMs >= waitMs ? 'adopt' : 'keep'
}
