/** Ends what was begun; `close()` twice is fine. */
export interface Subscription {
  close(): void
}

/** Synchronous callbacks in the order they were added. A throwing one does not stop the others. */
export class Listeners<T> {
  readonly #listeners = new Set<{ readonly call: (event: T) => void }>()
  readonly #onThrow: (error: unknown) => void

  constructor(onThrow: (error: unknown) => void) {
    this.#onThrow = onThrow
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
        this.#onThrow(error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
