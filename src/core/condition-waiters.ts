import { raceSignal } from './abort.js'

/** Fails by returning false or undefined. */
type Attempt<T> = () => T | false | undefined

interface Waiting<T> {
  readonly attempt: Attempt<T>
  readonly resolve: (result: T) => void
  readonly reject: (error: unknown) => void
}

/**
 * Holds callers until a condition is met, first come first served. Each passes an attempt: a test of the condition, which
 * may take something for its caller and return it. Call {@link check} when an attempt may succeed.
 */
export class ConditionWaiters<T = true> {
  readonly #waiting = new Set<Waiting<T>>()

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Resolves with what the attempt returns; at once if it succeeds now.
   * @param discard receives a result without a caller: the signal aborted in the turn in which the attempt succeeded
   * @throws the signal's reason when it aborts first, and what {@link reject} is given
   */
  async wait(attempt: Attempt<T>, signal: AbortSignal | undefined, discard?: (result: T) => void): Promise<T> {
    signal?.throwIfAborted()
    const now = attempt()
    if (succeeded(now)) return now
    let waiting: Waiting<T> | undefined
    const result = new Promise<T>((resolve, reject) => {
      waiting = { attempt, resolve, reject }
      this.#waiting.add(waiting)
    })
    try {
      return await raceSignal(result, signal)
    } catch (error) {
      if (waiting !== undefined && !this.#waiting.delete(waiting)) result.then(discard).catch(() => {})
      throw error
    }
  }

  /** Resolves every wait whose attempt succeeds, in the order of arrival. */
  check(): void {
    for (const waiting of [...this.#waiting]) {
      // An attempt may reject or resolve others.
      if (!this.#waiting.has(waiting)) continue
      const result = waiting.attempt()
      if (!succeeded(result)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(result)
    }
  }

  /** Rejects every wait. */
  reject(error: unknown): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}

function succeeded<T>(result: T | false | undefined): result is T {
  return result !== undefined && result !== false
}
