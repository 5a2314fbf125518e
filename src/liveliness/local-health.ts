/** The worst score. Timeouts are (score + 1) times as long, so nine times at worst. */
export const maxHealthScore = 8
/** Checks in time that make up for a missed one. */
const checksPerRecovery = 2
/** Reports of peers that miss this participant count once in this time, which bounds a hostile peer. */
const missedPauseMs = 1_000

/**
 * How well an observer can judge others, as a count of recent failures of its own: 0 is healthy, 8 the worst. After the
 * local health multiplier of Lifeguard (Dadgar, Phillips, Currey: Lifeguard: Local Health Awareness for More Accurate
 * Failure Detection, 2017), with the events that exist here:
 *
 * - each check of its own that was due and did not run raises it by one, so a loop blocked for long counts for more;
 * - an unanswered request to a peer that is received raises it, if the request before, to another peer, was unanswered
 *   too and no peer answered in between. One such peer proves nothing about the observer; two in a row may;
 * - reports of most peers that they no longer receive from this participant raise it, at most once a second;
 * - two checks in time in a row lower it by one.
 */
export class LocalHealth {
  #score = 0
  #lateness = 0
  #checksInTime = 0
  #unanswering: string | undefined
  #missedMs = Number.NEGATIVE_INFINITY

  get score(): number {
    return this.#score
  }

  /** The part of the score that is its own lateness. */
  get lateness(): number {
    return this.#lateness
  }

  checkedInTime(): void {
    if (++this.#checksInTime < checksPerRecovery) return
    this.#checksInTime = 0
    this.#score = Math.max(0, this.#score - 1)
    this.#lateness = Math.max(0, this.#lateness - 1)
  }

  missedChecks(count: number): void {
    this.#checksInTime = 0
    this.#lateness = Math.min(maxHealthScore, this.#lateness + count)
    this.#raise(count)
  }

  answered(): void {
    this.#unanswering = undefined
  }

  unanswered(peer: string): void {
    if (this.#unanswering !== undefined && this.#unanswering !== peer) this.#raise(1)
    this.#unanswering = peer
  }

  missedByPeer(nowMs: number): void {
    if (nowMs - this.#missedMs < missedPauseMs) return
    this.#missedMs = nowMs
    this.#raise(1)
  }

  #raise(by: number): void {
    this.#score = Math.min(maxHealthScore, this.#score + by)
  }
}
