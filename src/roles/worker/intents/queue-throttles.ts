import { KeyedHeap } from '../../../core/keyed-heap.js'

/** How many slots a worker may take at once of each throttled queue. */
export class QueueThrottles {
  readonly #maxInFlight = new Map<string, number>()
  readonly #byTightness = new KeyedHeap<string>()

  get byQueue(): ReadonlyMap<string, number> {
    return this.#maxInFlight
  }

  /** The lowest of all: what bounds a slot that may hold a job of any queue. `Infinity` without a throttle. */
  get tightest(): number {
    return this.#byTightness.least ?? Infinity
  }

  /** `Infinity` for a queue that is not throttled. */
  limitOf(queue: string): number {
    return this.#maxInFlight.get(queue) ?? Infinity
  }

  set(queue: string, maxInFlight: number): void {
    this.#maxInFlight.set(queue, maxInFlight)
    this.#byTightness.set(queue, maxInFlight)
  }

  delete(queue: string): void {
    this.#maxInFlight.delete(queue)
    this.#byTightness.delete(queue)
  }
}
