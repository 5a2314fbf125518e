/**
 * Hands out the smallest item first. Items that are no longer wanted stay until they come up or outnumber the others,
 * so that ending one costs nothing.
 */
export class LazyHeap<T> {
  #items: T[] = []
  readonly #compare: (a: T, b: T) => number
  readonly #isWanted: (item: T) => boolean
  /** Size after the last time that unwanted items were removed. */
  #cleanSize = 32

  constructor(compare: (a: T, b: T) => number, isWanted: (item: T) => boolean) {
    this.#compare = compare
    this.#isWanted = isWanted
  }

  push(item: T): void {
    if (this.#items.length >= 2 * this.#cleanSize) this.#rebuild()
    this.#items.push(item)
    this.#siftUp(this.#items.length - 1)
  }

  /** Returns the smallest wanted item and leaves it there. */
  peek(): T | undefined {
    for (;;) {
      const [first] = this.#items
      if (first === undefined || this.#isWanted(first)) return first
      this.#removeFirst()
    }
  }

  pop(): T | undefined {
    const first = this.peek()
    if (first !== undefined) this.#removeFirst()
    return first
  }

  #rebuild(): void {
    this.#items = this.#items.filter(this.#isWanted).sort(this.#compare)
    this.#cleanSize = Math.max(32, this.#items.length)
  }

  #removeFirst(): void {
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return
    this.#items[0] = last
    this.#siftDown(0)
  }

  #siftUp(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isLess(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #siftDown(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1
      if (left >= this.#items.length) return
      const smaller = left + 1 < this.#items.length && this.#isLess(left + 1, left) ? left + 1 : left
      if (!this.#isLess(smaller, at)) return
      this.#swap(at, smaller)
      at = smaller
    }
  }

  #isLess(a: number, b: number): boolean {
    const [left, right] = [this.#items[a], this.#items[b]]
    return left !== undefined && right !== undefined && this.#compare(left, right) < 0
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#items[a], this.#items[b]]
    if (left === undefined || right === undefined) return
    this.#items[a] = right
    this.#items[b] = left
  }
}
