/**
 * When each instance has to change again: numbers in, keys out. The period is the same for all, so the order in which
 * instances were last touched is the order in which they fall due, and a touch costs O(1).
 */
export class Deadlines {
  readonly #periodMs: number
  /** Earliest first. */
  readonly #dueMs = new Map<string, number>()

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  /** The instance has changed. */
  touch(key: string, nowMs: number): void {
    this.#dueMs.delete(key)
    this.#dueMs.set(key, nowMs + this.#periodMs)
  }

  /** The instance has ended: nothing is expected of it. */
  end(key: string): void {
    this.#dueMs.delete(key)
  }

  /** When the next instance falls due; infinite when none does. */
  get nextMs(): number {
    const first = this.#dueMs.values().next()
    return first.done === true ? Number.POSITIVE_INFINITY : first.value
  }

  /** Instances that did not change in time. Each gets another period from now on. */
  missed(nowMs: number): string[] {
    const keys: string[] = []
    for (const [key, dueMs] of this.#dueMs) {
      if (dueMs > nowMs) break
      keys.push(key)
    }
    for (const key of keys) this.touch(key, nowMs)
    return keys
  }
}
