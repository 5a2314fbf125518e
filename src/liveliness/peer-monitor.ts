import { Liveliness, LivelinessCause, ProcessProbe, type Verdict } from './verdict.js'

export interface LeaseTerms {
  /** Silence after which a peer that nobody can ask about is given up. */
  readonly leaseMs: number
  /** The peer's own beacon interval, until a beacon says otherwise. */
  readonly intervalMs: number
  /** Whether silence past the lease means the peer (`dead`) or its host (`unreachable`). */
  readonly sameHost: boolean
}

/** Beacons that may be missing before a peer counts as overdue: two lost ones are loss, three are news. */
const overdueIntervals = 3
/** A main loop this late is `stalled` even though its beacons arrive. */
const stallMs = 1_000

/**
 * One peer's evidence and what follows from it: numbers in, verdict out, `nowMs` always an argument. The caller
 * brings the evidence (frames, beacons, the kernel's word) and asks for a verdict now and then.
 */
export class PeerMonitor {
  #terms: LeaseTerms
  #lastHeardMs: number
  #loopDelayMs = 0
  #verdict: Verdict
  /** The verdict is a fact that nothing heard since has put in question. */
  #isFact = false

  constructor(terms: LeaseTerms, nowMs: number) {
    this.#terms = terms
    this.#lastHeardMs = nowMs
    this.#verdict = { liveliness: Liveliness.alive, cause: null, detail: null, sinceMs: nowMs }
  }

  get verdict(): Verdict {
    return this.#verdict
  }
  get lastHeardMs(): number {
    return this.#lastHeardMs
  }
  get loopDelayMs(): number {
    return this.#loopDelayMs
  }

  setSameHost(sameHost: boolean): void {
    this.#terms = { ...this.#terms, sameHost }
  }

  /** Any frame is evidence of life. */
  heard(nowMs: number): void {
    this.#lastHeardMs = nowMs
    this.#isFact = false
  }

  beacon(intervalMs: number, loopDelayMs: number, nowMs: number): void {
    this.heard(nowMs)
    this.#loopDelayMs = loopDelayMs
    if (intervalMs !== this.#terms.intervalMs) this.#terms = { ...this.#terms, intervalMs }
  }

  /** Signs of life come this often from now on: the peer gives others than before. */
  expectEvery(intervalMs: number): void {
    if (intervalMs !== this.#terms.intervalMs) this.#terms = { ...this.#terms, intervalMs }
  }

  /** The observer itself was late by this much, so its peers' silence says that much less. */
  credit(lateMs: number, nowMs: number): void {
    this.#lastHeardMs = Math.min(nowMs, this.#lastHeardMs + lateMs)
  }

  /** Whether {@link judge} will want to know what the kernel says. */
  isOverdue(nowMs: number): boolean {
    return nowMs - this.#lastHeardMs > overdueIntervals * this.#terms.intervalMs
  }

  /**
   * A fact (kernel, goodbye) that beats every lease. `dead` is final; another one holds until the peer is heard again
   * or is overdue.
   */
  fact(liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null, nowMs: number): Verdict {
    if (this.#verdict.liveliness === Liveliness.dead) return this.#verdict
    this.#isFact = true
    this.#conclude(liveliness, cause, detail, nowMs)
    return this.#verdict
  }

  judge(nowMs: number, probe: ProcessProbe): Verdict {
    if (this.#verdict.liveliness === Liveliness.dead) return this.#verdict
    if (!this.isOverdue(nowMs)) {
      if (this.#isFact) return this.#verdict
      if (this.#loopDelayMs >= stallMs) {
        return this.#conclude(Liveliness.stalled, LivelinessCause.loopBusy, `loop ${this.#loopDelayMs} ms late`, nowMs)
      }
      return this.#conclude(Liveliness.alive, null, null, nowMs)
    }
    switch (probe) {
      case ProcessProbe.gone:
        return this.#conclude(Liveliness.dead, LivelinessCause.exited, null, nowMs)
      case ProcessProbe.stopped:
        return this.#conclude(Liveliness.stalled, LivelinessCause.stopped, null, nowMs)
      case ProcessProbe.ioWait:
        return this.#conclude(Liveliness.stalled, LivelinessCause.ioWait, null, nowMs)
      case ProcessProbe.running:
        return this.#conclude(Liveliness.stalled, LivelinessCause.loopBusy, null, nowMs)
      case ProcessProbe.unknown:
        return this.#judgeUnasked(nowMs)
    }
  }

  #judgeUnasked(nowMs: number): Verdict {
    if (nowMs - this.#lastHeardMs < this.#terms.leaseMs) return this.#conclude(Liveliness.suspect, null, null, nowMs)
    return this.#terms.sameHost
      ? this.#conclude(Liveliness.dead, LivelinessCause.leaseExpired, null, nowMs)
      : this.#conclude(Liveliness.unreachable, LivelinessCause.hostSilent, null, nowMs)
  }

  #conclude(liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null, nowMs: number): Verdict {
    const before = this.#verdict
    if (before.liveliness !== liveliness || before.cause !== cause) {
      this.#verdict = { liveliness, cause, detail, sinceMs: nowMs }
    }
    return this.#verdict
  }
}
