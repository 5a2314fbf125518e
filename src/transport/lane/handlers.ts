import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { FrameHandler, FrameSource } from './transport.js'

/**
 * The handlers of one group's frames. Each handler gets a buffer of its own: the first handler the given buffer, the
 * others a copy. An exception in a handler is counted, because it must not end the receive loop.
 */
export class Handlers {
  readonly #handlers = new Set<{ readonly handle: FrameHandler }>()
  readonly #counters: Counters
  readonly #failedCounter: string

  constructor(counters: Counters, failedCounter: string) {
    this.#counters = counters
    this.#failedCounter = failedCounter
  }

  get size(): number {
    return this.#handlers.size
  }

  /** `onClose` is called once, after the handler is removed. */
  add(handle: FrameHandler, onClose: () => void): Subscription {
    const entry = { handle }
    this.#handlers.add(entry)
    return {
      close: () => {
        if (this.#handlers.delete(entry)) onClose()
      },
    }
  }

  deliver(body: Buffer, from: FrameSource): void {
    const original = this.#handlers.size > 1 ? Buffer.from(body) : body
    let own = body
    for (const { handle } of this.#handlers) {
      try {
        handle(own, from)
      } catch (error) {
        this.#counters.addError(this.#failedCounter, error)
      }
      if (original !== body) own = Buffer.from(original)
    }
  }

  clear(): void {
    this.#handlers.clear()
  }
}
