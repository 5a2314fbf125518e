import { CorrelatedFailureGuard, MassSilence, type SilenceSurvey } from './correlated-failure-guard.js'
import { LocalHealth } from './local-health.js'
import { DegradedReason, type ObserverHealth } from './observer-health.js'

/** A check this late is the observer's own stall, not a scheduler's whim. */
const lateMs = 100
/**
 * After a check as late as this the next one must be in time before anybody is judged: what waits in the sockets is
 * read in turns of a few dozen frames, and one turn may not have been enough.
 */
const blindMs = 500
/**
 * After so many of these in a row the next one is judged by all the same: one whose loop is never in time would else
 * find nobody gone, and introduce itself to nobody. What it was late is off everybody's silence by then, and its patience
 * the longest.
 */
const maxBlindChecks = 8
/** Degraded by lateness of this much, until it is 0 again. */
const degradedLateness = 4

/** What a check found of the observer itself. */
export interface SelfCheck {
  /** How much of its peers' silence is its own fault; 0 when it was in time. */
  readonly lateMs: number
  /** False when it has been blind for so long that what was said meanwhile may still wait to be read. */
  readonly mayJudge: boolean
}

/** How well somebody hears, for whoever measures the silence of others by it. */
export interface ReceptionQuality {
  /** How long it has listened as of its last check: time that it was late itself does not count. */
  readonly listenedMs: number
  /** By how much it lengthens its patience: 1 in health. */
  readonly timeoutMultiplier: number
  /** False while it doubts that it hears at all. */
  readonly canDeclareDead: boolean
}

/**
 * The observer's doubt of itself: how late its own checks run, how well it hears, and so how far its verdicts on
 * others can be trusted. Told of each check by the monotonic clock; whatever kept it from checking (a callback of any
 * phase of the loop, SIGSTOP, a suspended machine) shows as the same gap.
 */
export class SelfMonitor implements ReceptionQuality {
  readonly #checkMs: number
  readonly #local = new LocalHealth()
  readonly #silence: CorrelatedFailureGuard
  #checkedMs: number
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

  /** The same object for as long as nothing in it changes. */
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
  /** For questions to peers, and what they say of us. */
  get local(): LocalHealth {
    return this.#local
  }

  /** To be called regularly, after the loop has read its sockets. */
  check(nowMs: number): SelfCheck {
    const gapMs = nowMs - this.#checkedMs
    const overMs = Math.max(0, gapMs - this.#checkMs)
    this.#checkedMs = nowMs
    this.#listenedMs += overMs <= lateMs ? gapMs : this.#checkMs
    this.#blindChecks = overMs >= blindMs && this.#blindChecks < maxBlindChecks ? this.#blindChecks + 1 : 0
    if (overMs <= lateMs) {
      this.#local.checkedInTime()
      this.#update(nowMs)
      return { lateMs: 0, mayJudge: true }
    }
    this.#local.missedChecks(Math.max(1, Math.floor(overMs / this.#checkMs)))
    this.#silence.credit(overMs, nowMs)
    this.#update(nowMs)
    return { lateMs: overMs, mayJudge: this.#blindChecks === 0 }
  }

  /**
   * Who is late, before they are judged. True when the observer hears again after it had doubted that it did: then the
   * silence of those that it has not heard yet says nothing either, and is to be forgiven.
   */
  survey(survey: SilenceSurvey, nowMs: number): boolean {
    const doubt = this.#silence.look(survey, nowMs)
    const recovered = this.#isIsolated && doubt === MassSilence.none
    this.#isIsolated = doubt === MassSilence.abstain
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
