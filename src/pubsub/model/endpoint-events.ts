import type { Counters } from '../../core/counters.js'
import { Listeners, type Subscription } from '../../core/listeners.js'

/**
 * What happens to a writer or a reader, for those who asked to be told. What happens while it is being made (it is
 * matched with those who are known already, or cannot be) is told at the end of the tick, when whoever made it has had
 * the chance to listen.
 */
export class EndpointEvents<Event> {
  readonly #listeners: Listeners<Event>
  /** Undefined once they have been told. */
  #early: Event[] | undefined = []

  /** @param thrownCounter the name that counts what listeners throw */
  constructor(counters: Counters, thrownCounter: string) {
    this.#listeners = new Listeners(counters, thrownCounter)
    queueMicrotask(() => this.#tellEarly())
  }

  listen(listener: (event: Event) => void): Subscription {
    if (this.#early?.length === 0) this.#early = undefined
    return this.#listeners.add(listener)
  }

  emit(event: Event): void {
    if (this.#early === undefined) this.#listeners.emit(event)
    else this.#early.push(event)
  }

  /** Nothing more is told. */
  close(): void {
    this.#early = undefined
    this.#listeners.clear()
  }

  #tellEarly(): void {
    // One that is emitted meanwhile comes after those that were before it.
    for (const event of this.#early ?? []) this.#listeners.emit(event)
    this.#early = undefined
  }
}
