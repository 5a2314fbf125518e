import { CorrelatedFailureGuard, MassSilence, type SilenceSurvey } from './correlated-failure-guard.js'
import { LocalHealth } from './local-health.js'
import { DegradedReason, type ObserverHealth } from './observer-health.js'

/** A check this late is the observer's own stall, not a scheduler's whim. */
const lateMs = 100
/**
 * After a check as late as this the next one must be in time before peers are judged: frames that wait in the sockets
 * are read a few dozen at a time, and one turn may not have been enough.
 */
const blindMs = 500
/**
 * After this many late checks in a row the peers are judged all the same. Otherwise a participant whose loop is never in
 * time would find no peer gone and send no hello. By then its lateness is subtracted from every silence, and its timeouts
 * are the longest.
 */
const maxBlindChecks = 8
/** Degraded by lateness of this much, until it is 0 again. */
const degradedLateness = 4

/** What a check found of the observer itself. */
export interface SelfCheck {
  /** The time to subtract from its peers' silence; 0 when it was in time. */
  readonly lateMs: number
  /** False after a long gap: frames that arrived meanwhile may still wait to be read. */
  readonly mayJudge: boolean
}

/** How well a participant receives, for measuring the silence of others. */
export interface ReceptionQuality {
  /** How long it has received as of its last check: time for which it was late itself does not count. */
  readonly listenedMs: number
  /** By how much it lengthens its timeouts: 1 in health. */
  readonly timeoutMultiplier: number
  /** False while it may be isolated. */
  readonly canDeclareDead: boolean
}

/**
 * Measures the observer itself: how late its own checks run, how well it receives, and so how far its verdicts on others
 * can be trusted. Called for each check with the monotonic time. Anything that kept it from checking (a callback in any
 * phase of the loop, SIGSTOP, a suspended machine) shows as the same gap.
 */
export class SelfMonitor implements ReceptionQuality {
  readonly #checkMs: number
  readonly #local = new LocalHealth()
  readonly #silence: CorrelatedFailureGuard
  #checkedMs: number
  #wasLate = false
  #listenedMs = 0
  #blindChecks = 0
  #isIsolated = false
  #isLate = false
  #health: ObserverHealth

  /** @param checkMs how long after a check the next one is due */
  constructor(checkMs: number, leaseMs: number, nowMs: number) {
    this.#checkMs = checkMs
    this.#silence = new CorrelatedFailureGuard(leaseMs)
    this.#checkedMs = nowMs
    this.#health = { score: 0, degraded: false, reason: null, sinceMs: nowMs }
  }

  /** The same object while nothing in it changes. */
  get health(): ObserverHealth {
    return this.#health
  }
  get listenedMs(): number {
    return this.#listenedMs
  }
  get timeoutMultiplier(): number {
    return this.#local.score + 1
  }
  get canDeclareDead(): boolean {
    return !this.#isIsolated
  }
  /** For requests to peers, and what they report of this participant. */
  get local(): LocalHealth {
    return this.#local
  }

  /** Whether the loop is late now, or its last check was: frames that arrived meanwhile may still wait to be read. */
  isLate(nowMs: number): boolean {
    return this.#wasLate || nowMs - this.#checkedMs > this.#checkMs + lateMs
  }

  /** To be called regularly, after the loop has read its sockets. */
  check(nowMs: number): SelfCheck {
    const gapMs = nowMs - this.#checkedMs
    const overMs = Math.max(0, gapMs - this.#checkMs)
    this.#checkedMs = nowMs
    this.#wasLate = overMs > lateMs
    this.#listenedMs += overMs <= lateMs ? gapMs : this.#checkMs
    this.#blindChecks = overMs >= blindMs && this.#blindChecks < maxBlindChecks ? this.#blindChecks + 1 : 0
    if (overMs <= lateMs) {
      this.#local.checkedInTime()
      this.#update(nowMs)
      return { lateMs: 0, mayJudge: true }
    }
    this.#local.missedChecks(Math.max(1, Math.floor(overMs / this.#checkMs)))
    this.#silence.discount(overMs, nowMs)
    this.#update(nowMs)
    return { lateMs: overMs, mayJudge: this.#blindChecks === 0 }
  }

  /**
   * Counts the late peers before they are judged. True when the observer is no longer isolated: then the silence of peers
   * that it has not received yet proves nothing, and counts from now.
   */
  assessSilence(survey: SilenceSurvey, nowMs: number): boolean {
    const correlation = this.#silence.assess(survey, nowMs)
    const recovered = this.#isIsolated && correlation === MassSilence.none
    this.#isIsolated = correlation === MassSilence.abstain
    this.#update(nowMs)
    return recovered
  }

  #update(nowMs: number): void {
    const { score, lateness } = this.#local
    this.#isLate = lateness >= degradedLateness || (this.#isLate && lateness > 0)
    const reason = this.#isIsolated ? DegradedReason.mostPeersLate : this.#isLate ? DegradedReason.loopLate : null
    const before = this.#health
    if (before.score === score && before.reason === reason) return
    const sinceMs = before.reason === reason ? before.sinceMs : nowMs
    this.#health = { score, degraded: reason !== null, reason, sinceMs }
  }
}
