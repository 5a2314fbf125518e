import { LastValueCache, type Provenance } from '../cache/last-value-cache.js'
import type { Clock, Timer } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { invalidArgument, NumacastError } from '../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid, type Seq, type Token } from '../core/ids.js'
import type { QosOptions, ResolvedQos } from '../qos/qos.js'
import { rejectionOf } from '../wire/bytes.js'
import { RecordCodec } from '../wire/record.js'
import { maxKeyBytes, SamplesEncoder } from '../wire/samples.js'
import type { Topic } from './topic.js'

export interface WriterOptions {
  /** One partition, or several; readers of any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Over the topic's own. */
  readonly qos?: QosOptions
}

/** What a writer needs of its participant. */
export interface WriterComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  /** The longest frame that its lane takes. */
  readonly maxFrameBytes: number
  /** Hands one frame to the lane, for each partition. Never throws. */
  readonly send: (frame: Buffer) => void
  /** Whether the lane has more in hand than it should. */
  readonly congested: () => boolean
  /** A beacon now: something was written that no live frame carries. */
  readonly hurry: () => void
  /** What was waiting has been handed to the lane. */
  readonly sent: () => void
  readonly closed: () => void
}

/** The largest value; DDS users raise this per topic once the stream lane carries large samples. */
export const maxValueBytes = 1024 * 1024
const tombstoneAgeMs = 600_000
const congestedRetryMs = 1

/**
 * Owns its instances: numbers their changes, keeps their last values, and sends what is new.
 *
 * Sending is a walk over the cache from the last number sent. Values overwritten before the walk reaches them
 * are simply not there any more, which is conflation; a reader sees no gap, because frames name the number that
 * the previous frame ended with.
 */
export class Writer<T extends object> {
  readonly topic: Topic<T>
  readonly guid: EntityGuid
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  /** Read by catch-up; changed only by this writer. */
  readonly cache: LastValueCache
  readonly #components: WriterComponents
  readonly #codec: RecordCodec<T>
  readonly #encoder: SamplesEncoder
  #sentSeq: Seq = 0
  #pendingBytes = 0
  #flushTimer: Timer | undefined
  #flushQueued = false
  #closed = false

  constructor(
    components: WriterComponents,
    identity: {
      readonly topic: Topic<T>
      readonly entity: EntityId
      readonly partitions: readonly string[]
      readonly qos: ResolvedQos
    },
  ) {
    this.topic = identity.topic
    this.entity = identity.entity
    this.guid = entityGuid(components.participant, identity.entity)
    this.partitions = identity.partitions
    this.qos = identity.qos
    this.#components = components
    this.#codec = new RecordCodec(identity.topic.fields)
    this.#encoder = new SamplesEncoder(components.participant, components.maxFrameBytes)
    this.cache = new LastValueCache({
      historyDepth: identity.qos.historyDepth,
      maxInstances: identity.qos.resourceLimits.maxInstances,
    })
  }

  /** Number of the newest change; 0: nothing written yet. */
  get lastSeq(): Seq {
    return this.cache.lastSeq
  }

  /**
   * Makes `value` the instance's current value. Never waits: what is written in one tick (or within
   * `latencyBudgetMs`) leaves together, and only the last `historyDepth` values of an instance leave at all.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the schema or the key refuses the value
   * @throws NumacastError NUMACAST_LIMIT when the value or the number of instances is over its limit
   * @throws NumacastError NUMACAST_CLOSED
   */
  write(value: T): Token {
    this.#mustBeOpen()
    const checked = this.topic.check(value)
    if ('refused' in checked) throw invalidArgument(`topic '${this.topic.name}' refuses the value: ${checked.refused}`)
    const key = this.topic.keyOf(checked.value)
    return this.#put(key, this.#encode(key, checked.value), undefined)
  }

  /** Ends an instance. Undefined when it is not alive. */
  dispose(key: string): Token | undefined {
    this.#mustBeOpen()
    return this.#end(key, undefined)
  }

  /** @internal For relays: bytes already encoded by this topic's fields, with their owner and age. */
  putRelayed(key: string, bytes: Uint8Array, from: Provenance): Token {
    return this.#put(key, bytes, from)
  }

  /** @internal For relays. */
  disposeRelayed(key: string, from: Provenance): Token | undefined {
    return this.#end(key, from)
  }

  /** This writer's current value of the instance. */
  get(key: string): T | undefined {
    const change = this.cache.latest(key)
    if (change === undefined || change.disposed) return undefined
    return this.#codec.decode(change.value.subarray(0, change.valueLength))
  }

  /** Instances alive. */
  keys(): IterableIterator<string> {
    return this.cache.keys()
  }

  /** Hands what is waiting to the lane now, not at the end of the tick. */
  flush(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    this.#flushQueued = false
    if (this.#closed || this.#sentSeq === this.cache.lastSeq) return
    if (this.#components.congested()) {
      this.#components.counters.add('writer.held-back')
      this.#flushAfter(congestedRetryMs)
      return
    }
    this.#pendingBytes = 0
    this.#send()
  }

  /** @internal As {@link flush}, however much the lane has in hand: for the last words. */
  drain(): void {
    this.#flushTimer?.cancel()
    this.#flushTimer = undefined
    if (!this.#closed && this.#sentSeq !== this.cache.lastSeq) this.#send()
  }

  /** Disposes what outlived `lifespanMs`, and forgets old tombstones. */
  sweep(nowMs: number): void {
    this.cache.forgetTombstones(nowMs - tombstoneAgeMs)
    const { lifespanMs } = this.qos
    if (lifespanMs === null) return
    for (const key of this.cache.keys()) {
      const change = this.cache.latest(key)
      if (change === undefined || nowMs - change.writtenMs <= lifespanMs) continue
      this.#end(key, change.origin === undefined ? undefined : { origin: change.origin, writtenMs: change.writtenMs })
    }
  }

  /** Sends what is waiting and leaves; its readers see its instances without a writer. Twice is fine. */
  close(): void {
    if (this.#closed) return
    this.drain()
    this.#closed = true
    this.#flushTimer?.cancel()
    this.#components.closed()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', `the writer of '${this.topic.name}' is closed`)
  }

  /** What every reader would refuse is refused here, where somebody can do something about it. */
  #encode(key: string, value: T): Buffer {
    try {
      return this.#codec.encode(value)
    } catch (error) {
      throw invalidArgument(
        `topic '${this.topic.name}', instance '${key}': the value holds what no reader accepts (${rejectionOf(error)}): ` +
          'nesting over 16, a map key over 255 bytes or named __proto__, or a type that is not plain data',
      )
    }
  }

  #put(key: string, bytes: Uint8Array, from: Provenance | undefined): Token {
    // No character takes more than three bytes.
    if (3 * key.length > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
      throw new NumacastError('NUMACAST_LIMIT', `topic '${this.topic.name}': a key may have ${maxKeyBytes} bytes`)
    }
    if (bytes.length > maxValueBytes) {
      throw new NumacastError(
        'NUMACAST_LIMIT',
        `topic '${this.topic.name}', instance '${key}': ${bytes.length} bytes; a value may have ${maxValueBytes}`,
      )
    }
    const seq = this.cache.put(key, bytes, this.#components.clock.nowMs(), from)
    this.#written(key.length + bytes.length)
    return { writer: this.guid, seq }
  }

  #end(key: string, from: Provenance | undefined): Token | undefined {
    const seq = this.cache.dispose(key, this.#components.clock.nowMs(), from)
    if (seq === undefined) return undefined
    this.#written(key.length)
    return { writer: this.guid, seq }
  }

  #written(bytes: number): void {
    this.#pendingBytes += bytes
    const full = this.#pendingBytes >= this.#components.maxFrameBytes
    if (this.qos.latencyBudgetMs > 0 && !full) this.#flushAfter(this.qos.latencyBudgetMs)
    else if (!this.#flushQueued) {
      this.#flushQueued = true
      queueMicrotask(() => this.flush())
    }
  }

  #flushAfter(delayMs: number): void {
    this.#flushTimer ??= this.#components.clock.after(delayMs, () => this.flush())
  }

  #send(): void {
    const { clock, send } = this.#components
    const nowMs = clock.nowMs()
    const encoder = this.#encoder
    let oversize = false
    encoder.begin(this.entity, this.#sentSeq, clock.wallMs())
    for (const change of this.cache.changesAfter(this.#sentSeq)) {
      const ageMs = nowMs - change.writtenMs
      if (!encoder.add(change, ageMs)) {
        if (encoder.count > 0) {
          send(encoder.finish())
          encoder.begin(this.entity, this.#sentSeq, clock.wallMs())
        }
        // Too large for any frame of this lane: the next beacon tells readers that they lack it, and they pull it.
        if (!encoder.add(change, ageMs)) oversize = true
      }
      this.#sentSeq = change.seq
      if (oversize && encoder.count === 0) encoder.begin(this.entity, this.#sentSeq, clock.wallMs())
    }
    if (encoder.count > 0) send(encoder.finish())
    this.#sentSeq = this.cache.lastSeq
    if (oversize) {
      this.#components.counters.add('writer.oversize')
      this.#components.hurry()
    }
    this.#components.sent()
  }
}
