import type { Clock, Timer } from '../core/clock.js'

/** How often verdicts, lifespans and purges are looked at. */
const tickMs = 250
/** A tick this late is the observer's own stall. */
const stallMs = 100

/** Regular work on the main loop, and by its lateness the measure of that loop. */
export class Pulse {
  readonly #clock: Clock
  readonly #holdMs: number
  readonly #onTick: (nowMs: number, stalledMs: number) => void
  #timer: Timer | undefined
  #closed = false
  #delayMs = 0
  #delayHoldsUntilMs = 0

  /**
   * @param holdMs how long the longest delay stands, so that the beacons of every partition can carry it
   * @param onTick `stalledMs` is how late this process itself is when that is more than a scheduler's whim, else 0
   */
  constructor(clock: Clock, holdMs: number, onTick: (nowMs: number, stalledMs: number) => void) {
    this.#clock = clock
    this.#holdMs = holdMs
    this.#onTick = onTick
    this.#schedule()
  }

  /** The longest that the main loop was late of late. */
  get loopDelayMs(): number {
    return this.#delayMs
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    const dueMs = this.#clock.nowMs() + tickMs
    this.#timer = this.#clock.after(tickMs, () => {
      const nowMs = this.#clock.nowMs()
      const lateMs = nowMs - dueMs
      if (lateMs >= this.#delayMs || nowMs >= this.#delayHoldsUntilMs) {
        this.#delayMs = lateMs
        this.#delayHoldsUntilMs = nowMs + this.#holdMs
      }
      this.#onTick(nowMs, lateMs > stallMs ? lateMs : 0)
      if (!this.#closed) this.#schedule()
    })
  }
}
