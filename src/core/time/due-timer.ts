import type { Clock, Timer } from './clock.js'

/** A timer that fires later than this shows that the process itself was busy or stopped. */
const stallMs = 100

/**
 * One timer for many due times, always set for the earliest. When it fires late because this process was busy, it lets
 * the sockets be read first: peers are not blamed for the delay.
 */
export class DueTimer {
  readonly #clock: Clock
  readonly #onDue: (nowMs: number) => void
  #timer: Timer | undefined
  #dueMs = Infinity
  #closed = false

  constructor(clock: Clock, onDue: (nowMs: number) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Fires at `dueMs`, or earlier if it is armed for earlier. `undefined` means never. */
  arm(dueMs: number | undefined): void {
    if (this.#closed || dueMs === undefined || (this.#timer !== undefined && this.#dueMs <= dueMs)) return
    this.#timer?.cancel()
    this.#dueMs = dueMs
    this.#schedule(dueMs - this.#clock.nowMs(), true)
  }

  /** Ignores every later {@link arm}: the owner may close in the middle of a call that arms. Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(delayMs: number, mayStall: boolean): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const nowMs = this.#clock.nowMs()
      const lateMs = nowMs - this.#dueMs
      // A platform's timer may fire a little early.
      if (lateMs < 0) this.#schedule(Math.max(1, -lateMs), mayStall)
      else if (mayStall && lateMs > stallMs) this.#schedule(0, false)
      else {
        this.#timer = undefined
        this.#onDue(nowMs)
      }
    })
  }
}
