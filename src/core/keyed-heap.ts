interface Entry<K> {
  readonly key: K
  readonly rank: number
  index: number
}

/**
 * Keys ordered by a number each, such as the time at which they are due: a binary heap, so that setting, removing and
 * taking one costs O(log n). `DueQueue` is cheaper where all wait equally long.
 */
export class KeyedHeap<K> {
  readonly #entries = new Map<K, Entry<K>>()
  readonly #heap: Entry<K>[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The lowest rank; undefined when empty. */
  get least(): number | undefined {
    return this.#heap[0]?.rank
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Adds the key, or gives it another rank. */
  set(key: K, rank: number): void {
    this.delete(key)
    const entry = { key, rank, index: this.#heap.length }
    this.#entries.set(key, entry)
    this.#heap.push(entry)
    this.#siftUp(entry)
  }

  /** Adds the key, or lowers its rank: a lower rank that it has already stays. */
  advance(key: K, rank: number): void {
    const before = this.#entries.get(key)
    if (before === undefined || rank < before.rank) this.set(key, rank)
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    const last = this.#heap.pop()
    if (last !== undefined && last !== entry) {
      this.#put(last, entry.index)
      this.#siftUp(last)
      this.#siftDown(last)
    }
    return true
  }

  /** Removes and returns the key of the lowest rank, if that is at most `most`. */
  shift(most: number): K | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.rank > most) return undefined
    this.delete(first.key)
    return first.key
  }

  #siftUp(entry: Entry<K>): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1]
      if (parent === undefined || parent.rank <= entry.rank) return
      this.#swap(entry, parent)
    }
  }

  #siftDown(entry: Entry<K>): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1]
      const right = this.#heap[2 * entry.index + 2]
      const least = right !== undefined && left !== undefined && right.rank < left.rank ? right : left
      if (least === undefined || least.rank >= entry.rank) return
      this.#swap(entry, least)
    }
  }

  #swap(one: Entry<K>, other: Entry<K>): void {
    const { index } = one
    this.#put(one, other.index)
    this.#put(other, index)
  }

  #put(entry: Entry<K>, index: number): void {
    this.#heap[index] = entry
    entry.index = index
  }
}
