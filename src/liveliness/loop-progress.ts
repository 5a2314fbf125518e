/** A main loop this late is stalled even though its beacons arrive … */
const stallMs = 1_000
/** … and has recovered when it is no later than this for a whole beacon interval. */
const recoveredMs = 500
/** Half the range of a counter that wraps at 2³²: a step further than this was a step back. */
const maxStep = 0x7fffffff

/**
 * What a participant's beacons tell of its main loop: how late it is, and whether work gets done all the same. A loop
 * that is late between jobs that complete is at work, not stalled. Between the two bounds nothing changes, so that a
 * loop at the edge does not flap.
 */
export class LoopProgress {
  #delayMs = 0
  #completed: number | undefined
  #completedMs: number | undefined
  #isStalled = false
  #lastLateMs = 0

  get delayMs(): number {
    return this.#delayMs
  }
  /** Work that it has completed, by its own count; wraps at 2³². */
  get completed(): number {
    return this.#completed ?? 0
  }
  /** When that count was last seen to rise; undefined until it has. */
  get completedMs(): number | undefined {
    return this.#completedMs
  }
  get isStalled(): boolean {
    return this.#isStalled
  }
  /** Late enough to distort the intervals of its beacons. */
  get isLate(): boolean {
    return this.#isStalled || this.#delayMs >= recoveredMs
  }

  beacon(delayMs: number, completed: number, intervalMs: number, nowMs: number): void {
    this.#delayMs = delayMs
    this.#count(completed, nowMs)
    // The delay is the worst of a while, and stands in several beacons: work since before it counts for all of them.
    const isAtWork = this.#completedMs !== undefined && nowMs - this.#completedMs <= delayMs + 2 * intervalMs
    if (isAtWork) {
      this.#isStalled = false
    } else if (delayMs >= (this.#isStalled ? recoveredMs : stallMs)) {
      this.#isStalled = true
      this.#lastLateMs = nowMs
    } else if (nowMs - this.#lastLateMs >= intervalMs) {
      this.#isStalled = false
    }
  }

  /** Beacons overtake each other, so a lower count is an older one. The first is no rise. */
  #count(completed: number, nowMs: number): void {
    const before = this.#completed
    const step = before === undefined ? 0 : (completed - before) >>> 0
    if (before !== undefined && (step === 0 || step > maxStep)) return
    this.#completed = completed
    if (before !== undefined) this.#completedMs = nowMs
  }
}
