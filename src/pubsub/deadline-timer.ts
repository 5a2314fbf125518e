import { Deadlines } from '../cache/deadlines.js'
import type { Clock, Timer } from '../core/clock.js'

/** One timer for the deadlines of all instances of a writer, set to the earliest of them. */
export class DeadlineTimer {
  readonly #clock: Clock
  readonly #onMissed: (key: string) => void
  readonly #deadlines: Deadlines
  #timer: Timer | undefined

  constructor(clock: Clock, periodMs: number, onMissed: (key: string) => void) {
    this.#clock = clock
    this.#onMissed = onMissed
    this.#deadlines = new Deadlines(periodMs)
  }

  touch(key: string, nowMs: number): void {
    this.#deadlines.touch(key, nowMs)
    // A timer that is set already is not later than this: when it fires it looks again.
    if (this.#timer === undefined) this.#arm(nowMs)
  }

  end(key: string): void {
    this.#deadlines.end(key)
  }

  /** Twice is fine. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(nowMs: number): void {
    const { nextMs } = this.#deadlines
    if (nextMs === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.after(Math.max(0, nextMs - nowMs), () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    const missed = this.#deadlines.missed(this.#clock.nowMs())
    this.#arm(this.#clock.nowMs())
    for (const key of missed) this.#onMissed(key)
  }
}
