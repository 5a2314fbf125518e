const bucketCount = 256

type Bucket<V> = ReadonlyMap<string, V>

/** Holds entries by text key and never changes. Two versions share every bucket in which they agree. */
export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  readonly #buckets: readonly (Bucket<V> | undefined)[]
  readonly size: number

  constructor(buckets: readonly (Bucket<V> | undefined)[], size: number) {
    this.#buckets = buckets
    this.size = size
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) ?? false
  }

  *[Symbol.iterator](): IterableIterator<[string, V]> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket
  }

  *keys(): IterableIterator<string> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.keys()
  }

  *values(): IterableIterator<V> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.values()
  }
}

/**
 * Changes a {@link PersistentMap} from one version to the next. The first write to a bucket after a snapshot copies
 * that bucket, so a change costs 1/256 of the map at most, and a snapshot without changes costs nothing.
 */
export class PersistentMapBuilder<V> {
  readonly #buckets: (Map<string, V> | undefined)[] = new Array(bucketCount).fill(undefined)
  /** Buckets that no snapshot shares. */
  readonly #owned = new Uint8Array(bucketCount)
  #size = 0
  #latest: PersistentMap<V> | undefined

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key)
  }

  set(key: string, value: V): void {
    const bucket = this.#writableBucket(bucketOf(key))
    const before = bucket.size
    bucket.set(key, value)
    this.#size += bucket.size - before
  }

  /** Returns false when the key is not there. */
  delete(key: string): boolean {
    const index = bucketOf(key)
    if (!this.#buckets[index]?.has(key)) return false
    this.#writableBucket(index).delete(key)
    this.#size--
    return true
  }

  values(): IterableIterator<V> {
    return this.snapshot().values()
  }

  /** Returns the present version; the same object until something changes. */
  snapshot(): PersistentMap<V> {
    if (this.#latest === undefined) {
      this.#latest = new PersistentMap(this.#buckets.slice(), this.#size)
      this.#owned.fill(0)
    }
    return this.#latest
  }

  #writableBucket(index: number): Map<string, V> {
    this.#latest = undefined
    const bucket = this.#buckets[index]
    if (bucket !== undefined && this.#owned[index] === 1) return bucket
    const own = new Map(bucket)
    this.#buckets[index] = own
    this.#owned[index] = 1
    return own
  }
}

/** Computes FNV-1a over the UTF-16 units, folded to a bucket number. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & (bucketCount - 1)
}
