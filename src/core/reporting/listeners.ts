import type { Counters } from './counters.js'

/** Ends what was begun; `close()` is idempotent. */
export interface Subscription {
  close(): void
}

/**
 * Synchronous callbacks of the application, in the order they were added. A callback that throws does not stop the
 * others; its error is counted and reported.
 */
export class Listeners<T> {
  readonly #listeners = new Set<{ readonly call: (event: T) => void }>()
  readonly #counters: Counters
  readonly #thrownCounter: string

  /** @param thrownCounter the name that counts what listeners throw */
  constructor(counters: Counters, thrownCounter: string) {
    this.#counters = counters
    this.#thrownCounter = thrownCounter
  }

  get size(): number {
    return this.#listeners.size
  }

  add(call: (event: T) => void): Subscription {
    const entry = { call }
    this.#listeners.add(entry)
    return { close: () => void this.#listeners.delete(entry) }
  }

  emit(event: T): void {
    for (const { call } of this.#listeners) {
      try {
        call(event)
      } catch (error) {
        this.#counters.addCallbackError(this.#thrownCounter, error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
