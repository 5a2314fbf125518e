import type { Clock, Timer } from './clock.js'

export interface CoalescerOptions {
  /**
   * When the first event after a quiet time is acted on: before `request` returns, or once the event loop has polled its
   * sockets, together with what else has happened by then.
   * @default 'now'
   */
  readonly leading?: 'now' | 'after-poll'
  /** Without an event, it runs again after this. @default Infinity */
  readonly refreshMs?: number
}

/**
 * Runs what many small events ask for: at once after a quiet time, and during a burst once per interval, the last time
 * after the last event. One event is not delayed, and a thousand do not cost a thousand runs.
 */
export class Coalescer {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #run: () => void
  readonly #isDeferred: boolean
  readonly #refreshMs: number
  #lastMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  /** An event is waiting for its run. */
  #isRequested = false
  #closed = false

  constructor(clock: Clock, intervalMs: number, run: () => void, options: CoalescerOptions = {}) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#run = run
    this.#isDeferred = options.leading === 'after-poll'
    this.#refreshMs = options.refreshMs ?? Infinity
  }

  /** Requests a run. It may happen before this returns, if `leading` is `now`. */
  request(): void {
    if (this.#closed || this.#isRequested) return
    this.#isRequested = true
    const waitMs = Math.max(0, this.#lastMs + this.#intervalMs - this.#clock.nowMs())
    if (waitMs === 0 && !this.#isDeferred) this.now()
    else this.#arm(waitMs)
  }

  /** Runs before it returns, whatever the interval. */
  now(): void {
    if (this.#closed) return
    this.#lastMs = this.#clock.nowMs()
    this.#isRequested = false
    this.#arm(this.#refreshMs)
    this.#run()
  }

  /** What is waiting never runs. Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    const fire = (): void => this.now()
    this.#timer = delayMs === 0 ? this.#clock.afterPoll(fire) : this.#clock.after(delayMs, fire)
  }
}
