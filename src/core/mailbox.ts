import { invalidArgument } from './errors.js'

/** What a full mailbox drops. */
export const DropPolicy = {
  /** The oldest waiting item makes room for the new one. */
  oldest: 'oldest',
  /** The new item is refused. */
  newest: 'newest',
} as const
export type DropPolicy = (typeof DropPolicy)[keyof typeof DropPolicy]

export interface MailboxOptions<T> {
  /** Items that may wait. @default 1024 */
  readonly capacity?: number
  /** @default 'oldest' */
  readonly drop?: DropPolicy
  /** Items with the same key replace each other while they wait, keeping the place of the first. */
  readonly conflateBy?: (item: T) => unknown
  /** Called with each item that is dropped. */
  readonly onDrop?: (item: T) => void
}

/**
 * A bounded queue between a producer that never waits and one consumer that may be slow. Everything it
 * discards is counted: `dropped` by the limit, `conflated` by a newer item of the same key.
 */
export class Mailbox<T> implements AsyncIterable<T> {
  readonly #capacity: number
  readonly #drop: DropPolicy
  readonly #conflateBy: ((item: T) => unknown) | undefined
  readonly #onDrop: ((item: T) => void) | undefined
  /** Insertion-ordered: the key of an entry is its conflation key, or a fresh number. */
  readonly #items = new Map<unknown, T>()
  readonly #waiting: ((result: IteratorResult<T>) => void)[] = []
  #nextPlace = 0
  #closed = false
  #dropped = 0
  #conflated = 0

  constructor(options: MailboxOptions<T> = {}) {
    this.#capacity = options.capacity ?? 1024
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1) {
      throw invalidArgument(`mailbox capacity must be a positive integer, not ${this.#capacity}`)
    }
    this.#drop = options.drop ?? DropPolicy.oldest
    this.#conflateBy = options.conflateBy
    this.#onDrop = options.onDrop
  }

  get size(): number {
    return this.#items.size
  }
  get dropped(): number {
    return this.#dropped
  }
  get conflated(): number {
    return this.#conflated
  }
  get closed(): boolean {
    return this.#closed
  }

  /** Never blocks, never throws. False when the item was refused (full with `drop: 'newest'`, or closed). */
  push(item: T): boolean {
    if (this.#closed) return false
    if (this.#conflateBy === undefined) {
      const waiter = this.#waiting.shift()
      if (waiter !== undefined) {
        waiter({ done: false, value: item })
        return true
      }
    }
    const place = this.#conflateBy === undefined ? this.#nextPlace++ : this.#conflateBy(item)
    if (this.#items.has(place)) this.#conflated++
    else if (this.#items.size >= this.#capacity) {
      this.#dropped++
      if (this.#drop === DropPolicy.newest) {
        this.#onDrop?.(item)
        return false
      }
      const [oldest] = this.#items
      if (oldest !== undefined) {
        this.#items.delete(oldest[0])
        this.#onDrop?.(oldest[1])
      }
    }
    this.#items.set(place, item)
    // What follows within the tick still conflates with it, so the consumer is woken after that.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#wake())
    return true
  }

  /** The next waiting item, without waiting for one. */
  take(): T | undefined {
    const first = this.#items.entries().next()
    if (first.done === true) return undefined
    this.#items.delete(first.value[0])
    return first.value[1]
  }

  /** Ends iteration once what is waiting has been taken. */
  close(): void {
    this.#closed = true
    this.#wake()
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.size > 0 && this.#waiting.length === 0)
      return Promise.resolve({ done: false, value: this.take() as T })
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    while (this.#items.size > 0) {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) return
      waiter({ done: false, value: this.take() as T })
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () => this.next(),
      return: () => {
        this.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }
}
