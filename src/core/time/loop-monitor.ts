import type { Clock, Timer } from './clock.js'

/** How often a participant checks itself, its peers, lifespans and purges. */
export const checkMs = 250

/**
 * Does regular work on the main loop and measures the loop by how late that runs. Each check waits for its timer and
 * then until the loop has polled its sockets. So it has passed every phase: a callback that blocks in any of them makes
 * it late, and frames that arrived meanwhile have been read.
 */
export class LoopMonitor {
  readonly #clock: Clock
  readonly #holdMs: number
  readonly #onCheck: (nowMs: number) => void
  #timer: Timer | undefined
  #closed = false
  #delayMs = 0
  #delayHoldsUntilMs = 0

  /** @param holdMs how long the longest delay is kept, so that the beacons of every partition can carry it */
  constructor(clock: Clock, holdMs: number, onCheck: (nowMs: number) => void) {
    this.#clock = clock
    this.#holdMs = holdMs
    this.#onCheck = onCheck
    this.#schedule()
  }

  /** The longest delay of the main loop recently. */
  get loopDelayMs(): number {
    return this.#delayMs
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    const dueMs = this.#clock.nowMs() + checkMs
    this.#timer = this.#clock.after(checkMs, () => {
      this.#timer = this.#clock.afterPoll(() => this.#check(dueMs))
    })
  }

  #check(dueMs: number): void {
    const nowMs = this.#clock.nowMs()
    const lateMs = nowMs - dueMs
    if (lateMs >= this.#delayMs || nowMs >= this.#delayHoldsUntilMs) {
      this.#delayMs = lateMs
      this.#delayHoldsUntilMs = nowMs + this.#holdMs
    }
    this.#onCheck(nowMs)
    if (!this.#closed) this.#schedule()
  }
}
