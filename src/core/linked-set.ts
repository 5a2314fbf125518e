interface Node<T> {
  readonly item: T
  before: Node<T> | undefined
  after: Node<T> | undefined
}

/**
 * A set in the order of insertion, for queues. A plain `Set` leaves holes at its front when the oldest are removed,
 * which each new iteration walks over again; here the first item is one step away, however many were removed.
 */
export class LinkedSet<T> implements Iterable<T> {
  readonly #nodes = new Map<T, Node<T>>()
  #first: Node<T> | undefined
  #last: Node<T> | undefined

  get size(): number {
    return this.#nodes.size
  }
  get first(): T | undefined {
    return this.#first?.item
  }
  get last(): T | undefined {
    return this.#last?.item
  }
  has(item: T): boolean {
    return this.#nodes.has(item)
  }

  /** At the end; an item that is there keeps its place. */
  add(item: T): void {
    if (this.#nodes.has(item)) return
    const node: Node<T> = { item, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = node
    else this.#last.after = node
    this.#last = node
    this.#nodes.set(item, node)
  }

  delete(item: T): boolean {
    const node = this.#nodes.get(item)
    if (node === undefined) return false
    this.#nodes.delete(item)
    if (node.before === undefined) this.#first = node.after
    else node.before.after = node.after
    if (node.after === undefined) this.#last = node.before
    else node.after.before = node.before
    return true
  }

  /** The item that is handed out, and any but the one after it, may be removed meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let node = this.#first; node !== undefined; ) {
      const { item } = node
      const { after } = node
      yield item
      // If the item was removed meanwhile, continue behind its place; else include what was added behind it.
      node = this.#nodes.get(item) === node ? node.after : after
    }
  }
}
