/** Rows of a snapshot lie in chunks of this many slots. */
export const slotsPerChunk = 64
/** 32-bit words that hold one bit for each slot of a chunk. */
export const wordsPerChunk = slotsPerChunk / 32

/**
 * Holds slot numbers as bits, chunk by chunk, and never changes. A chunk without members takes no memory, so an index
 * with one member per term stays small however many slots there are.
 */
export class SlotSet implements Iterable<number> {
  readonly #chunks: ReadonlyMap<number, Uint32Array>
  readonly size: number

  constructor(chunks: ReadonlyMap<number, Uint32Array>, size: number) {
    this.#chunks = chunks
    this.size = size
  }

  has(slot: number): boolean {
    const words = this.#chunks.get(Math.floor(slot / slotsPerChunk))
    return words !== undefined && isSet(words, slot % slotsPerChunk)
  }

  /** Returns the bits of one chunk; undefined when none is set. */
  words(chunk: number): Uint32Array | undefined {
    return this.#chunks.get(chunk)
  }

  /** Yields the members in ascending order. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (const chunk of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const words = this.#chunks.get(chunk)
      if (words === undefined) continue
      for (let index = 0; index < slotsPerChunk; index++) {
        if (isSet(words, index)) yield chunk * slotsPerChunk + index
      }
    }
  }
}

/** Changes a {@link SlotSet} from one version to the next, copying the chunks that change. */
export class SlotSetBuilder {
  #chunks = new Map<number, Uint32Array>()
  /** Chunks that no snapshot shares. */
  readonly #owned = new Set<number>()
  #size = 0
  #latest: SlotSet | undefined

  get size(): number {
    return this.#size
  }

  add(slot: number): void {
    this.#write(slot, true)
  }

  delete(slot: number): void {
    this.#write(slot, false)
  }

  /** Returns the present version; the same object until something changes. */
  snapshot(): SlotSet {
    if (this.#latest === undefined) {
      this.#latest = new SlotSet(this.#chunks, this.#size)
      this.#owned.clear()
    }
    return this.#latest
  }

  #write(slot: number, member: boolean): void {
    const chunk = Math.floor(slot / slotsPerChunk)
    const index = slot % slotsPerChunk
    const present = this.#chunks.get(chunk)
    if ((present !== undefined && isSet(present, index)) === member) return
    if (this.#latest !== undefined) {
      this.#chunks = new Map(this.#chunks)
      this.#latest = undefined
    }
    const words = this.#owned.has(chunk) ? present : present?.slice()
    this.#flip(chunk, index, words ?? new Uint32Array(wordsPerChunk))
    this.#size += member ? 1 : -1
  }

  #flip(chunk: number, index: number, words: Uint32Array): void {
    const word = index >>> 5
    words[word] = (words[word] ?? 0) ^ (1 << (index & 31))
    if (words.every((bits) => bits === 0)) {
      this.#chunks.delete(chunk)
      this.#owned.delete(chunk)
      return
    }
    this.#chunks.set(chunk, words)
    this.#owned.add(chunk)
  }
}

function isSet(words: Uint32Array, index: number): boolean {
  return (((words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1
}
