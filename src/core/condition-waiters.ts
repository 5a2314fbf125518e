import { raceSignal } from './abort.js'
import type { NumacastError } from './errors.js'

interface Waiting {
  readonly holds: () => boolean
  readonly resolve: () => void
  readonly reject: (error: NumacastError) => void
}

/** Promises that resolve once something holds. Whoever changes what they depend on calls {@link look}. */
export class ConditionWaiters {
  readonly #waiting = new Set<Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  /** @throws the signal's reason when it aborts first, and what {@link abandon} is given */
  async wait(holds: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (holds()) return
    let waiting: Waiting | undefined
    const held = new Promise<void>((resolve, reject) => {
      waiting = { holds, resolve, reject }
      this.#waiting.add(waiting)
    })
    try {
      await raceSignal(held, signal)
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting)
    }
  }

  look(): void {
    for (const waiting of [...this.#waiting]) {
      if (!waiting.holds()) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }

  abandon(error: NumacastError): void {
    for (const { reject } of this.#waiting) reject(error)
    this.#waiting.clear()
  }
}
