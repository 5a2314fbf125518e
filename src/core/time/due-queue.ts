import { LinkedSet } from '../linked-set.js'

interface Entry<T> {
  readonly item: T
  readonly dueMs: number
}

/**
 * Orders items that all wait equally long by their due times. They fall due in the order in which they were set, so the
 * next is always the first. Pure; the time comes from the caller.
 */
export class DueQueue<T> {
  readonly #periodMs: number
  readonly #entries = new Map<T, Entry<T>>()
  readonly #order = new LinkedSet<Entry<T>>()

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  get size(): number {
    return this.#entries.size
  }
  has(item: T): boolean {
    return this.#entries.has(item)
  }
  /** When the first item is due. */
  get nextMs(): number | undefined {
    return this.#order.first?.dueMs
  }

  /** Makes the item due one period after `sinceMs`, which must not be earlier than in any call before. */
  set(item: T, sinceMs: number): void {
    this.delete(item)
    const entry = { item, dueMs: sinceMs + this.#periodMs }
    this.#entries.set(item, entry)
    this.#order.add(entry)
  }

  delete(item: T): void {
    const entry = this.#entries.get(item)
    if (entry === undefined) return
    this.#entries.delete(item)
    this.#order.delete(entry)
  }

  /** Removes and returns the first item, if it is due. */
  shift(nowMs: number): T | undefined {
    const { first } = this.#order
    if (first === undefined || first.dueMs > nowMs) return undefined
    this.delete(first.item)
    return first.item
  }
}
