import { invalidArgument } from '../../core/errors.js'
import { Mailbox } from '../../core/mailbox.js'
import type { Subscription } from '../../core/reporting/listeners.js'

export interface EventStreamOptions {
  /** Ends the iteration when it aborts. @default none */
  readonly signal?: AbortSignal
  /** Events that may wait for a slow consumer; the oldest are dropped first. @default 1024 */
  readonly capacity?: number
}

/**
 * Iterates over the events of a listener interface. Subscribes at once, so no event is missed before the first `next()`.
 * Ends, after the events that wait, when its source ends or the signal aborts.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event> {
  readonly #mailbox: Mailbox<Event>
  readonly #subscription: Subscription
  readonly #signal: AbortSignal | undefined
  readonly #end = (): void => this.#close()

  /** @param ended resolves when the source ends */
  constructor(
    listen: (listener: (event: Event) => void) => Subscription,
    ended: Promise<void>,
    { signal, capacity = 1024 }: EventStreamOptions,
  ) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw invalidArgument(`capacity must be a positive integer, not ${capacity}`)
    }
    this.#mailbox = new Mailbox({ capacity })
    this.#signal = signal
    this.#subscription = listen((event) => this.#mailbox.push(event))
    void ended.then(this.#end)
    if (signal?.aborted === true) this.#close()
    else signal?.addEventListener('abort', this.#end, { once: true })
  }

  /** Events that a slow consumer has cost so far. */
  get dropped(): number {
    return this.#mailbox.dropped
  }

  next(): Promise<IteratorResult<Event>> {
    return this.#mailbox.next()
  }

  return(): Promise<IteratorResult<Event>> {
    this.#close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #close(): void {
    this.#subscription.close()
    this.#signal?.removeEventListener('abort', this.#end)
    this.#mailbox.close()
  }
}
