import { NumacastError } from '../core/errors.js'
import type { Seq } from '../core/ids.js'
import { KeyedHeap } from '../core/keyed-heap.js'
import { Durability, History } from '../qos/policies.js'
import { defaultQos, type ResolvedQos } from '../qos/qos.js'
import type { ResourceLimits } from '../qos/resource-limits.js'
import type { Origin, OutgoingSample } from '../wire/samples.js'
import { ChangeLog } from './change-log.js'

export interface LastValueCacheOptions extends Partial<CacheQos> {
  /** Name of its owner in messages. @default 'the cache' */
  readonly name?: string
  /** Number of ended instances that are remembered, for readers that were away. @default 10000 */
  readonly maxTombstones?: number
  /** Bytes of last values remembered with unregistered instances. @default 16 MiB */
  readonly maxTombstoneBytes?: number
}

/** The policies that decide what the cache keeps. */
export type CacheQos = Pick<ResolvedQos, 'durability' | 'history' | 'historyDepth' | 'lifespanMs' | 'resourceLimits'>

/** One change that the cache still holds. Rewritten in place when a newer change of the instance replaces it. */
export interface Change extends OutgoingSample {
  readonly key: string
  /** Monotonic time at which the owner wrote the value, or disposed the instance. */
  readonly writtenMs: number
}

type ChangeSlot = { -readonly [P in keyof Change]: Change[P] }

/** Origin of a relayed change. */
export interface Provenance {
  /** Undefined: the writer's own change. */
  readonly origin: Origin | undefined
  readonly writtenMs: number
  /** The owner's wall clock at that time. Left out unless readers order by it. */
  readonly sourceTimeMs?: number | undefined
}

/** A limit that a write would exceed. */
export interface LimitReached {
  readonly limit: keyof ResourceLimits
  readonly most: number
}

const noBytes = Buffer.alloc(0)
const own: Partial<Provenance> = Object.freeze({ origin: undefined, sourceTimeMs: undefined })

/**
 * Holds the last value(s) of each of a writer's instances, in the order of their sequence numbers. Sending, conflation,
 * gap repair and late joiners share one walk over them.
 *
 * Under keep-last a value replaces the oldest one of its instance. Under keep-all no value is replaced. Instead, {@link
 * release} drops what every reliable reader has acknowledged. With volatile durability that is all but the latest value
 * of each instance, otherwise the history of ended instances.
 */
export class LastValueCache {
  readonly #name: string
  readonly #depth: number
  readonly #isVolatile: boolean
  readonly #limits: ResourceLimits
  readonly #maxTombstones: number
  readonly #maxTombstoneBytes: number
  readonly #instances = new Map<string, ChangeSlot[]>()
  /** Ended instances and when they ended, oldest first. */
  readonly #tombstones = new Map<string, number>()
  readonly #log = new ChangeLog<ChangeSlot>()
  /**
   * With a lifespan: the instances by the time at which their oldest value was written. That value may have been
   * replaced since.
   */
  readonly #oldest: KeyedHeap<string> | undefined
  #tombstoneBytes = 0
  /** Number of values that count against `maxSamples`: those above `#releasedSeq`, or all if nothing is released. */
  #samples = 0
  #lastSeq: Seq = 0
  #horizon: Seq = 0
  #releasedSeq: Seq = 0

  constructor(options: LastValueCacheOptions = {}) {
    const { history, historyDepth, durability, lifespanMs, resourceLimits } = { ...defaultQos, ...options }
    this.#name = options.name ?? 'the cache'
    this.#depth = history === History.keepAll ? Number.POSITIVE_INFINITY : historyDepth
    this.#isVolatile = durability === Durability.volatile
    this.#limits = resourceLimits
    if (lifespanMs !== null) this.#oldest = new KeyedHeap()
    this.#maxTombstones = options.maxTombstones ?? 10_000
    this.#maxTombstoneBytes = options.maxTombstoneBytes ?? 16 * 1024 * 1024
  }

  /** Number of the newest change; 0: none yet. */
  get lastSeq(): Seq {
    return this.#lastSeq
  }
  /** A reader whose token is lower may have missed an end that is no longer remembered. */
  get horizon(): Seq {
    return this.#horizon
  }
  /** Number of instances that are alive. */
  get size(): number {
    return this.#instances.size - this.#tombstones.size
  }
  /** Changes kept per instance; infinite under keep-all. */
  get historyDepth(): number {
    return this.#depth
  }
  /** Number of values that count against `maxSamples`. */
  get samples(): number {
    return this.#samples
  }
  /** Whether values wait for {@link release}. */
  get isKeepAll(): boolean {
    return this.#depth === Number.POSITIVE_INFINITY
  }

  /** Returns the newest change of an instance, which may be its end. */
  latest(key: string): Change | undefined {
    return this.#instances.get(key)?.at(-1)
  }

  /** Whether the instance has a value and has not ended. */
  isAlive(key: string): boolean {
    return this.#instances.has(key) && !this.#tombstones.has(key)
  }

  /** Yields the keys of the instances that are alive. */
  *keys(): IterableIterator<string> {
    for (const key of this.#instances.keys()) if (!this.#tombstones.has(key)) yield key
  }

  /** Returns the limit that one more value of the instance would exceed. */
  limitReached(key: string): LimitReached | undefined {
    return this.#limitReached(key, this.#instances.get(key))
  }

  /**
   * Copies `value` and gives the change the next number.
   * @throws NumacastError NUMACAST_LIMIT naming the instance and the limit; nothing has changed then
   */
  put(key: string, value: Uint8Array, nowMs: number, from?: Provenance): Seq {
    const slots = this.#instances.get(key)
    const reached = this.#limitReached(key, slots)
    if (reached !== undefined) throw limitError(this.#name, key, reached)
    const slot = this.#append(key, slots, from?.writtenMs ?? nowMs, from)
    slot.disposed = false
    if (slot.value.length < value.length) slot.value = Buffer.allocUnsafe(value.length)
    slot.value.set(value)
    slot.valueLength = value.length
    this.#samples++
    return slot.seq
  }

  /** Replaces the instance by a tombstone. Returns undefined if no such instance is alive. */
  dispose(key: string, nowMs: number, from?: Provenance): Seq | undefined {
    if (!this.isAlive(key)) return undefined
    const slot = this.#append(key, this.#instances.get(key), from?.writtenMs ?? nowMs, from)
    slot.disposed = true
    slot.value = noBytes
    slot.valueLength = 0
    this.#ended(key, 0, nowMs)
    return slot.seq
  }

  /**
   * Announces the end of an instance that is not alive again, with a new number. A reader that was away may have missed
   * the end, and the tombstone may be forgotten. Returns undefined if the instance is alive.
   */
  disposeAgain(key: string, nowMs: number, from: Provenance): Seq | undefined {
    if (this.isAlive(key)) return undefined
    const slot = this.#append(key, this.#instances.get(key), from.writtenMs, from)
    slot.disposed = true
    slot.value = noBytes
    slot.valueLength = 0
    this.#ended(key, 0, nowMs)
    return slot.seq
  }

  /**
   * Unregisters the instance without ending it. Its last value is sent again, marked, for readers that lack it. Returns
   * undefined if no such instance is alive.
   */
  unregister(key: string, nowMs: number): Seq | undefined {
    if (!this.isAlive(key)) return undefined
    const slot = this.#instances.get(key)?.at(-1) as ChangeSlot
    if (!this.#isReleased(slot)) this.#samples--
    const valueSeq = slot.seq
    this.#log.kill(slot)
    slot.seq = ++this.#lastSeq
    slot.valueSeq = valueSeq
    this.#log.append(slot)
    this.#ended(key, slot.valueLength, nowMs)
    return slot.seq
  }

  /** Forgets tombstones from before `endedBeforeMs`. Readers that are further behind must bootstrap. */
  forgetTombstones(endedBeforeMs: number): void {
    for (const [key, endedMs] of this.#tombstones) {
      if (endedMs >= endedBeforeMs) return
      this.#removeInstance(key)
    }
  }

  /**
   * Drops values written before `writtenBeforeMs`, except for the latest of each instance. Returns the keys of the
   * instances whose latest value is older. Visits only instances with such values; needs a lifespan.
   */
  expire(writtenBeforeMs: number): string[] {
    const outlived: string[] = []
    const visited: string[] = []
    for (
      let key = this.#oldest?.shift(writtenBeforeMs);
      key !== undefined;
      key = this.#oldest?.shift(writtenBeforeMs)
    ) {
      const slots = this.#instances.get(key)
      if (slots === undefined) continue
      while (slots.length > 1 && (slots[0] as ChangeSlot).writtenMs < writtenBeforeMs)
        this.#drop(slots.shift() as ChangeSlot)
      const hasEnded = this.#tombstones.has(key)
      if (!hasEnded && (slots[0] as ChangeSlot).writtenMs < writtenBeforeMs) outlived.push(key)
      if (!hasEnded || slots.length > 1) visited.push(key)
    }
    for (const key of visited) this.#oldest?.advance(key, this.#instances.get(key)?.[0]?.writtenMs ?? 0)
    return outlived
  }

  /**
   * Keep-all: releases everything up to `seq`, which has been sent and acknowledged. Returns whether that made room.
   */
  release(seq: Seq): boolean {
    const samples = this.#samples
    const surplus = new Map<ChangeSlot[], number>()
    for (const slot of this.#log.after(this.#releasedSeq)) {
      if (slot.seq > seq) break
      const slots = this.#instances.get(slot.key) as ChangeSlot[]
      if (this.#isVolatile) {
        if (slot !== slots.at(-1)) surplus.set(slots, (surplus.get(slots) ?? 0) + 1)
        else if (isValue(slot)) this.#samples--
      } else if (!isValue(slot)) surplus.set(slots, slots.indexOf(slot))
    }
    for (const [slots, count] of surplus) for (const slot of slots.splice(0, count)) this.#drop(slot)
    this.#releasedSeq = Math.max(this.#releasedSeq, Math.min(seq, this.#lastSeq))
    return this.#samples < samples
  }

  /** Returns the changes above `seq` that still hold, in order. Valid until the next change. */
  changesAfter(seq: Seq): IterableIterator<Change> {
    return this.#log.after(seq)
  }

  /** Whether the value no longer counts against the limits. */
  #isReleased(slot: ChangeSlot | undefined): boolean {
    return this.#isVolatile && slot !== undefined && slot.seq <= this.#releasedSeq
  }

  #limitReached(key: string, slots: readonly ChangeSlot[] | undefined): LimitReached | undefined {
    const { maxInstances, maxSamples, maxSamplesPerInstance } = this.#limits
    if (this.size >= maxInstances && (slots === undefined || this.#tombstones.has(key))) {
      return { limit: 'maxInstances', most: maxInstances }
    }
    const oldest = slots?.[0]
    if (maxSamples !== null && this.#samples >= maxSamples) {
      const isRoomMade = slots !== undefined && slots.length >= this.#depth && oldest !== undefined && isValue(oldest)
      if (!isRoomMade) return { limit: 'maxSamples', most: maxSamples }
    }
    // A depth is never above this limit, so only keep-all can reach it.
    if (maxSamplesPerInstance === null || slots === undefined || !this.isKeepAll) return undefined
    const released = this.#isReleased(oldest) ? 1 : 0
    if (slots.length - released < maxSamplesPerInstance) return undefined
    return { limit: 'maxSamplesPerInstance', most: maxSamplesPerInstance }
  }

  /** `held`: the instance's slots, where it is known already. */
  #append(key: string, held: ChangeSlot[] | undefined, writtenMs: number, from: Provenance | undefined): ChangeSlot {
    const { origin, sourceTimeMs } = from ?? own
    if (this.#tombstones.size > 0 && this.#tombstones.has(key)) {
      this.#tombstoneBytes -= this.latest(key)?.valueLength ?? 0
      this.#tombstones.delete(key)
    }
    const slots = held ?? []
    if (held === undefined) this.#instances.set(key, slots)
    let slot: ChangeSlot | undefined
    while (slots.length >= this.#depth || (slots.length > 0 && this.#isReleased(slots[0]))) {
      slot = slots.shift() as ChangeSlot
      this.#drop(slot)
    }
    const seq = ++this.#lastSeq
    if (slot === undefined) {
      const keyBytes = slots[0]?.keyBytes ?? Buffer.from(key, 'utf8')
      // No spread: it makes an object that every access has to search for its properties, four times as slow.
      slot = {
        key,
        keyBytes,
        seq,
        valueSeq: seq,
        writtenMs,
        sourceTimeMs,
        origin,
        disposed: false,
        value: noBytes,
        valueLength: 0,
      }
    } else {
      slot.seq = seq
      slot.valueSeq = seq
      slot.writtenMs = writtenMs
      slot.sourceTimeMs = sourceTimeMs
      slot.origin = origin
    }
    slots.push(slot)
    this.#log.append(slot)
    this.#oldest?.advance(key, writtenMs)
    return slot
  }

  #ended(key: string, bytes: number, nowMs: number): void {
    this.#tombstones.set(key, nowMs)
    this.#tombstoneBytes += bytes
    while (this.#tombstones.size > this.#maxTombstones || this.#tombstoneBytes > this.#maxTombstoneBytes) {
      this.#removeInstance(this.#tombstones.keys().next().value as string)
    }
  }

  /** Drops a slot that is no longer part of its instance. */
  #drop(slot: ChangeSlot): void {
    if (isValue(slot) && !this.#isReleased(slot)) this.#samples--
    this.#log.kill(slot)
  }

  #removeInstance(key: string): void {
    const slots = this.#instances.get(key) ?? []
    this.#tombstoneBytes -= slots.at(-1)?.valueLength ?? 0
    for (const slot of slots) {
      this.#horizon = Math.max(this.#horizon, slot.seq)
      this.#drop(slot)
    }
    this.#instances.delete(key)
    this.#tombstones.delete(key)
  }
}

/** Whether the slot holds a value, not the end of an instance. */
function isValue({ disposed, seq, valueSeq }: ChangeSlot): boolean {
  return !disposed && seq === valueSeq
}

function limitError(name: string, key: string, { limit, most }: LimitReached): NumacastError {
  return new NumacastError(
    'NUMACAST_LIMIT',
    `${name}, instance '${key}': refused, resourceLimits.${limit} is ${most}`,
    {
      details: { instance: key, limit, most },
    },
  )
}
