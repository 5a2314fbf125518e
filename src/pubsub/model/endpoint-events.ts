import type { Counters } from '../../core/reporting/counters.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'

/**
 * Reports what happens to a writer or a reader. An event during its creation (a match or a mismatch) waits until the
 * end of the tick, so that the caller can add a listener first.
 */
export class EndpointEvents<Event> {
  readonly #listeners: Listeners<Event>
  /** Undefined once they have been reported. */
  #early: Event[] | undefined = []

  /** @param thrownCounter the name that counts what listeners throw */
  constructor(counters: Counters, thrownCounter: string) {
    this.#listeners = new Listeners(counters, thrownCounter)
    queueMicrotask(() => this.#reportEarly())
  }

  listen(listener: (event: Event) => void): Subscription {
    if (this.#early?.length === 0) this.#early = undefined
    return this.#listeners.add(listener)
  }

  emit(event: Event): void {
    if (this.#early === undefined) this.#listeners.emit(event)
    else this.#early.push(event)
  }

  /** Reports nothing more. */
  close(): void {
    this.#early = undefined
    this.#listeners.clear()
  }

  #reportEarly(): void {
    // An event that is emitted meanwhile comes after the earlier ones.
    for (const event of this.#early ?? []) this.#listeners.emit(event)
    this.#early = undefined
  }
}
