import { NumacastError } from '../core/errors.js'
import type { Seq } from '../core/ids.js'
import type { Origin, OutgoingSample } from '../wire/samples.js'

export interface LastValueCacheOptions {
  /** Changes kept per instance. @default 1 */
  readonly historyDepth?: number
  /** Instances that may be alive at once. @default 1000000 */
  readonly maxInstances?: number
  /** Disposed instances remembered, so that a reader which was away learns of them. @default 10000 */
  readonly maxTombstones?: number
}

/** One change that the cache still holds. Rewritten in place when a newer change of the instance replaces it. */
export interface Change extends OutgoingSample {
  readonly key: string
  /** Monotonic time at which the owner wrote it. */
  readonly writtenMs: number
}

type Slot = { -readonly [P in keyof Change]: Change[P] }

/** Where a change came from when it is a relayed one. */
export interface Provenance {
  readonly origin: Origin
  readonly writtenMs: number
}

const noBytes = Buffer.alloc(0)

/**
 * The owner's side: the last value(s) of each instance, in the order of their sequence numbers.
 *
 * The order lives in a log of (seq, slot) pairs. Replacing a value re-uses its slot under the new seq, which
 * makes the old pair dead (`slot.seq !== seq`); dead pairs are skipped, and swept out when they outnumber the
 * live ones. So a change costs O(1), and "everything after token" is a binary search and a walk. That one walk
 * serves sending, conflation, gap repair and late joiners.
 */
export class LastValueCache {
  readonly #historyDepth: number
  readonly #maxInstances: number
  readonly #maxTombstones: number
  readonly #instances = new Map<string, Slot[]>()
  /** Keys of disposed instances, oldest first. */
  readonly #tombstones = new Set<string>()
  #logSeqs: Seq[] = []
  #logSlots: Slot[] = []
  #live = 0
  #lastSeq: Seq = 0
  #horizon: Seq = 0

  constructor(options: LastValueCacheOptions = {}) {
    this.#historyDepth = options.historyDepth ?? 1
    this.#maxInstances = options.maxInstances ?? 1_000_000
    this.#maxTombstones = options.maxTombstones ?? 10_000
  }

  /** Number of the newest change; 0: none yet. */
  get lastSeq(): Seq {
    return this.#lastSeq
  }
  /** A reader whose token is lower may have missed a disposal that is no longer remembered. */
  get horizon(): Seq {
    return this.#horizon
  }
  /** Instances alive. */
  get size(): number {
    return this.#instances.size - this.#tombstones.size
  }

  /** The newest change of an instance, also when that is its disposal. */
  latest(key: string): Change | undefined {
    return this.#instances.get(key)?.at(-1)
  }

  /** Keys of the instances alive. */
  *keys(): IterableIterator<string> {
    for (const key of this.#instances.keys()) if (!this.#tombstones.has(key)) yield key
  }

  /**
   * Copies `value` and gives the change the next number.
   * @throws NumacastError NUMACAST_LIMIT when a new instance would exceed `maxInstances`
   */
  put(key: string, value: Uint8Array, nowMs: number, from?: Provenance): Seq {
    if (this.size >= this.#maxInstances && !this.#isAlive(key)) {
      throw new NumacastError(
        'NUMACAST_LIMIT',
        `${this.#maxInstances} instances are alive already; '${key}' was refused`,
      )
    }
    const slot = this.#append(key, from?.writtenMs ?? nowMs, from?.origin, this.#historyDepth)
    slot.disposed = false
    if (slot.value.length < value.length) slot.value = Buffer.allocUnsafe(value.length)
    slot.value.set(value)
    slot.valueLength = value.length
    this.#tombstones.delete(key)
    return slot.seq
  }

  /** Replaces the instance by a tombstone. Undefined when there is no such instance alive. */
  dispose(key: string, nowMs: number, from?: Provenance): Seq | undefined {
    if (!this.#isAlive(key)) return undefined
    const slot = this.#append(key, from?.writtenMs ?? nowMs, from?.origin, 1)
    slot.disposed = true
    slot.value = noBytes
    slot.valueLength = 0
    this.#tombstones.add(key)
    if (this.#tombstones.size > this.#maxTombstones) this.#forget(this.#tombstones.values().next().value as string)
    return slot.seq
  }

  /** Forgets tombstones written before `writtenBeforeMs`; readers older than them will have to bootstrap. */
  forgetTombstones(writtenBeforeMs: number): void {
    for (const key of this.#tombstones) {
      if ((this.latest(key)?.writtenMs ?? 0) >= writtenBeforeMs) return
      this.#forget(key)
    }
  }

  /** Changes with a number above `seq` that still hold, in order. Valid until the next `put` or `dispose`. */
  *changesAfter(seq: Seq): IterableIterator<Change> {
    for (let index = this.#search(seq); index < this.#logSeqs.length; index++) {
      const slot = this.#logSlots[index] as Slot
      if (slot.seq === this.#logSeqs[index]) yield slot
    }
  }

  #isAlive(key: string): boolean {
    return this.#instances.has(key) && !this.#tombstones.has(key)
  }

  #append(key: string, writtenMs: number, origin: Origin | undefined, depth: number): Slot {
    let slots = this.#instances.get(key)
    if (slots === undefined) {
      slots = []
      this.#instances.set(key, slots)
    }
    let slot: Slot | undefined
    while (slots.length >= depth) {
      slot = slots.shift() as Slot
      slot.seq = 0
      this.#live--
    }
    const seq = ++this.#lastSeq
    if (slot === undefined) {
      const keyBytes = slots[0]?.keyBytes ?? Buffer.from(key, 'utf8')
      slot = { key, keyBytes, seq, writtenMs, origin, disposed: false, value: noBytes, valueLength: 0 }
    } else {
      slot.seq = seq
      slot.writtenMs = writtenMs
      slot.origin = origin
    }
    slots.push(slot)
    this.#logSeqs.push(seq)
    this.#logSlots.push(slot)
    this.#live++
    if (this.#logSeqs.length > 2 * this.#live + 64) this.#sweep()
    return slot
  }

  #forget(key: string): void {
    for (const slot of this.#instances.get(key) ?? []) {
      this.#horizon = Math.max(this.#horizon, slot.seq)
      slot.seq = 0
      this.#live--
    }
    this.#instances.delete(key)
    this.#tombstones.delete(key)
  }

  /** First log index whose seq is above `seq`. */
  #search(seq: Seq): number {
    let low = 0
    let high = this.#logSeqs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#logSeqs[middle] as Seq) <= seq) low = middle + 1
      else high = middle
    }
    return low
  }

  #sweep(): void {
    const seqs: Seq[] = []
    const slots: Slot[] = []
    for (let index = 0; index < this.#logSeqs.length; index++) {
      const slot = this.#logSlots[index] as Slot
      if (slot.seq !== this.#logSeqs[index]) continue
      seqs.push(slot.seq)
      slots.push(slot)
    }
    this.#logSeqs = seqs
    this.#logSlots = slots
  }
}
