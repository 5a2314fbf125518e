import type { Clock, Timer } from './clock.js'

/**
 * Runs something that many small events ask for: at once after a quiet time, and during a burst once per interval,
 * the last time after the last event. So one event is not delayed, and a thousand do not cost a thousand runs.
 */
export class Coalescer {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #run: () => void
  #lastMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #closed = false

  constructor(clock: Clock, intervalMs: number, run: () => void) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#run = run
  }

  /** Something has happened. May run before it returns. */
  touch(): void {
    if (this.#closed || this.#timer !== undefined) return
    const waitMs = this.#lastMs + this.#intervalMs - this.#clock.nowMs()
    if (waitMs <= 0) this.#fire()
    else this.#timer = this.#clock.after(waitMs, () => this.#fire())
  }

  /** What is waiting never runs. Twice is fine. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #fire(): void {
    this.#timer = undefined
    this.#lastMs = this.#clock.nowMs()
    this.#run()
  }
}
