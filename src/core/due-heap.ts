interface Entry<T> {
  readonly item: T
  readonly dueMs: number
}

/**
 * Orders items by their own due times, in any order of insertion: O(log n) per item. Where all items wait equally long,
 * `DueQueue` is cheaper. Pure; the time comes from the caller.
 */
export class DueHeap<T> {
  readonly #heap: Entry<T>[] = []
  /** The valid due time of each item; other entries of the heap are outdated. */
  readonly #dueMs = new Map<T, number>()

  get size(): number {
    return this.#dueMs.size
  }
  has(item: T): boolean {
    return this.#dueMs.has(item)
  }

  /** Makes the item due at `dueMs`, unless it is due earlier. */
  set(item: T, dueMs: number): void {
    const before = this.#dueMs.get(item)
    if (before !== undefined && before <= dueMs) return
    this.#dueMs.set(item, dueMs)
    this.#push({ item, dueMs })
  }

  delete(item: T): void {
    this.#dueMs.delete(item)
    if (this.#heap.length > 2 * this.#dueMs.size + 64) this.#rebuild()
  }

  /** Returns and removes the item that is due first, if it is due. */
  shift(nowMs: number): T | undefined {
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop()
      if (this.#dueMs.get(first.item) !== first.dueMs) continue
      this.#dueMs.delete(first.item)
      return first.item
    }
    return undefined
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt] as Entry<T>
      if (parent.dueMs <= entry.dueMs) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      const right = heap[childAt + 1]
      if (right !== undefined && right.dueMs < (heap[childAt] as Entry<T>).dueMs) childAt++
      const child = heap[childAt]
      if (child === undefined || child.dueMs >= last.dueMs) break
      heap[at] = child
      at = childAt
    }
    heap[at] = last
  }

  #rebuild(): void {
    this.#heap.length = 0
    for (const [item, dueMs] of this.#dueMs) this.#push({ item, dueMs })
  }
}
