import { type Change, LastValueCache, type Provenance } from '../../cache/last-value-cache.js'
import type { WaitOptions } from '../../core/abort.js'
import { DeadlineTimer } from '../../core/deadline-timer.js'
import { invalidArgument, NumacastError } from '../../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Seq, type Token } from '../../core/ids.js'
import type { Subscription } from '../../core/listeners.js'
import { DestinationOrder, LivelinessKind } from '../../qos/policies.js'
import type { QosOptions, ResolvedQos } from '../../qos/qos.js'
import { rejectionOf } from '../../wire/bytes.js'
import { RecordCodec } from '../../wire/record.js'
import { maxKeyBytes } from '../../wire/samples.js'
import type { MismatchEvent, WriterEvent } from '../model/events.js'
import type { Topic } from '../model/topic.js'
import { LiveSender, type LiveSenderComponents } from './live-sender.js'
import { LivelinessLease, SharedLiveliness } from './liveliness-lease.js'
import type { ReaderAcknowledgments } from './reader-acknowledgments.js'
import { UnacknowledgedChanges } from './unacknowledged-changes.js'
import { WriterStatus } from './writer-status.js'

export interface WriterOptions {
  /** One partition, or several; readers of any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Over the topic's own. */
  readonly qos?: QosOptions
}

/** What a writer needs of its participant. */
export interface WriterComponents extends LiveSenderComponents {
  /** Asks the readers of this writer how far they are. */
  readonly ask: (seq: Seq) => void
  /** Of the participant's manual-by-participant writers. */
  readonly sharedLiveliness: SharedLiveliness
  readonly closed: () => void
}

export interface WriterIdentity<T> {
  readonly topic: Topic<T>
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
}

const tombstoneAgeMs = 600_000
/** Part of its lease within which a manual writer that has been heard anyway does not send another sign of life. */
const assertionSpacing = 0.1

/** Owns its instances: numbers their changes, keeps their last values, and sends what is new. */
export class Writer<T extends object> {
  readonly topic: Topic<T>
  readonly guid: EntityGuid
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  /** Read by catch-up; changed only by this writer. */
  readonly cache: LastValueCache
  /** @internal Its readers. */
  readonly audience: ReaderAcknowledgments
  readonly #components: WriterComponents
  readonly #codec: RecordCodec<T>
  readonly #sender: LiveSender
  readonly #status: WriterStatus
  readonly #backlog: UnacknowledgedChanges
  readonly #deadline: DeadlineTimer<string> | undefined
  readonly #lease: LivelinessLease | undefined
  #signMs = Number.NEGATIVE_INFINITY
  #sourceTimeMs = 0
  #closed = false

  constructor(components: WriterComponents, { topic, entity, partitions, qos }: WriterIdentity<T>) {
    const { clock, counters } = components
    this.topic = topic
    this.entity = entity
    this.guid = entityGuid(components.participant, entity)
    this.partitions = partitions
    this.qos = qos
    this.#components = components
    this.#codec = new RecordCodec(topic.fields)
    this.cache = new LastValueCache({ ...qos, name: `topic '${topic.name}'` })
    this.#sender = new LiveSender({ ...components, sent: () => this.#sent() }, entity, this.cache, qos.latencyBudgetMs)
    this.#status = new WriterStatus(counters)
    this.#backlog = new UnacknowledgedChanges({
      clock,
      counters,
      cache: this.cache,
      sentSeq: () => this.#sender.sentSeq,
      ask: components.ask,
      onReader: (reader, isMatched) =>
        this.#status.matched(reader, isMatched, this.audience.size, this.audience.totalCount),
    })
    this.audience = this.#backlog.audience
    if (qos.deadlineMs !== null) {
      this.#deadline = new DeadlineTimer(clock, qos.deadlineMs, (key) => this.#status.deadlineMissed(key))
    }
    if (qos.leaseMs !== null && qos.liveliness !== LivelinessKind.automatic) {
      const isShared = qos.liveliness === LivelinessKind.manualByParticipant
      const shared = isShared ? components.sharedLiveliness : new SharedLiveliness()
      this.#lease = new LivelinessLease(clock, qos.leaseMs, shared, () => this.#status.livelinessLost())
    }
  }

  /** Number of the newest change; 0: nothing written yet. */
  get lastSeq(): Seq {
    return this.cache.lastSeq
  }

  /** Calls `listener` for each {@link WriterEvent}. What it throws is counted, never rethrown. */
  onEvent(listener: (event: WriterEvent) => void): Subscription {
    return this.#status.onEvent(listener)
  }

  /** The readers that this writer feeds, as far as they have made themselves known. */
  matchedReaders(): readonly EntityGuid[] {
    return [...this.audience.readers()]
  }

  /**
   * Makes `value` the instance's current value. Never waits: what is written in one tick (or within
   * `latencyBudgetMs`) leaves together. Under keep-last only the last `historyDepth` values of an instance leave at
   * all; under keep-all every one does, and {@link writable} waits for room.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the schema or the key refuses the value
   * @throws NumacastError NUMACAST_LIMIT when the value is too large or one of `resourceLimits` would be exceeded, with
   * `details` naming instance and limit; nothing that is held has changed then
   * @throws NumacastError NUMACAST_CLOSED
   */
  write(value: T): Token {
    this.#mustBeOpen()
    const checked = this.topic.check(value)
    if ('refused' in checked) throw invalidArgument(`topic '${this.topic.name}' refuses the value: ${checked.refused}`)
    const key = this.topic.keyOf(checked.value)
    return this.#put(key, this.#encode(key, checked.value), this.#own())
  }

  /** Ends an instance. Undefined when it is not alive. @throws NumacastError NUMACAST_CLOSED */
  dispose(key: string): Token | undefined {
    this.#mustBeOpen()
    return this.#end(key, this.#own())
  }

  /**
   * Gives an instance up without ending it: readers keep its last value and see it without writers, unless somebody
   * else carries it. With `writerDataLifecycle.autodispose` it is disposed. Undefined when it is not alive.
   *
   * @throws NumacastError NUMACAST_CLOSED
   */
  unregister(key: string): Token | undefined {
    this.#mustBeOpen()
    if (this.qos.writerDataLifecycle.autodispose) return this.#end(key, this.#own())
    return this.#ended(key, this.cache.unregister(key, this.#components.clock.nowMs()))
  }

  /**
   * Says that the program is alive, for a writer of manual liveliness that has nothing to write. To be called several
   * times within `leaseMs`: a single sign may be lost. Without effect on an automatic one.
   *
   * @throws NumacastError NUMACAST_CLOSED
   */
  assertLiveliness(): void {
    this.#mustBeOpen()
    if (this.qos.liveliness === LivelinessKind.automatic) return
    this.#showLife()
    const nowMs = this.#components.clock.nowMs()
    if (nowMs - this.#signMs < assertionSpacing * (this.qos.leaseMs ?? 0)) return
    this.#signMs = nowMs
    this.#sender.sendEmpty()
  }

  /**
   * Resolves when every matched reliable reader has applied all that was written before the call. Readers that leave
   * meanwhile are not waited for, nor are those that do not answer for 10 seconds; the event `publication-matched` tells.
   *
   * @throws NumacastError NUMACAST_CLOSED when the writer closes first; the signal's reason when it aborts
   */
  async waitForAcknowledgments(options: WaitOptions = {}): Promise<void> {
    this.#mustBeOpen()
    this.#sender.flush()
    await this.#backlog.acknowledged(this.cache.lastSeq, options.signal)
  }

  /**
   * Resolves when `resourceLimits` have room for one more value, of the instance `key` where that is given. Room comes
   * by acknowledgments (keep-all, volatile), or when instances end.
   *
   * @throws NumacastError NUMACAST_CLOSED when the writer closes first; the signal's reason when it aborts
   */
  async writable(options: WaitOptions & { readonly key?: string } = {}): Promise<void> {
    this.#mustBeOpen()
    this.#sender.flush()
    await this.#backlog.roomy(options.key ?? '', options.signal)
  }

  /** @internal For relays: bytes already encoded by this topic's fields, with their owner and age. */
  putRelayed(key: string, bytes: Uint8Array, from: Provenance): Token {
    return this.#put(key, bytes, from)
  }

  /** @internal For relays. */
  disposeRelayed(key: string, from: Provenance): Token | undefined {
    return this.#end(key, from)
  }

  /** @internal For relays: announces an end once more, for a relay that has missed it. */
  disposeRelayedAgain(key: string, from: Provenance): Token | undefined {
    return this.#ended(key, this.cache.disposeAgain(key, this.#components.clock.nowMs(), from))
  }

  /** @internal It and a reader name the same topic and cannot be matched. */
  mismatched(event: MismatchEvent): void {
    this.#status.mismatched(event)
  }

  /** This writer's current value of the instance. */
  get(key: string): T | undefined {
    const change: Change | undefined = this.cache.isAlive(key) ? this.cache.latest(key) : undefined
    return change === undefined ? undefined : this.#codec.decode(change.value.subarray(0, change.valueLength))
  }

  /** Instances alive. */
  keys(): IterableIterator<string> {
    return this.cache.keys()
  }

  /** Hands what is waiting to the lane now, not at the end of the tick. */
  flush(): void {
    this.#sender.flush()
  }

  /** @internal As {@link flush}, however much the lane has in hand: for the last words. */
  drain(): void {
    this.#sender.drain()
  }

  /** Drops what outlived `lifespanMs`, disposing instances of which nothing is left, and forgets old tombstones. */
  sweep(nowMs: number): void {
    this.cache.forgetTombstones(nowMs - tombstoneAgeMs)
    const { lifespanMs } = this.qos
    if (lifespanMs === null) return
    for (const key of this.cache.expire(nowMs - lifespanMs)) {
      const change = this.cache.latest(key)
      if (change === undefined) continue
      const { origin, writtenMs, sourceTimeMs } = change
      this.#end(key, origin === undefined ? this.#own() : { origin, writtenMs, sourceTimeMs })
    }
    this.#backlog.roomMade()
  }

  /**
   * Sends what is waiting and leaves, giving all its instances up as {@link unregister} would. Twice is fine.
   */
  close(): void {
    if (this.#closed) return
    this.drain()
    this.#closed = true
    this.#sender.close()
    this.#deadline?.close()
    this.#lease?.close()
    this.#backlog.close(
      new NumacastError('NUMACAST_CLOSED', `the writer of '${this.topic.name}' was closed during the wait`),
    )
    this.#components.closed()
    this.#status.close()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', `the writer of '${this.topic.name}' is closed`)
  }

  /** Readers that order by source go by this writer's clock, so it must not run backward; undefined where none does. */
  #own(): Provenance | undefined {
    if (this.qos.destinationOrder !== DestinationOrder.bySource) return undefined
    const { clock } = this.#components
    this.#sourceTimeMs = Math.max(this.#sourceTimeMs, clock.wallMs())
    return { origin: undefined, writtenMs: clock.nowMs(), sourceTimeMs: this.#sourceTimeMs }
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
    const { maxSampleBytes } = this.topic
    if (bytes.length > maxSampleBytes) {
      throw new NumacastError(
        'NUMACAST_LIMIT',
        `topic '${this.topic.name}', instance '${key}': ${bytes.length} bytes; a value may have ${maxSampleBytes}`,
      )
    }
    const nowMs = this.#components.clock.nowMs()
    const seq = this.cache.put(key, bytes, nowMs, from)
    this.#deadline?.renew(key, nowMs)
    this.#written(key.length + bytes.length)
    return { writer: this.guid, seq }
  }

  #end(key: string, from: Provenance | undefined): Token | undefined {
    return this.#ended(key, this.cache.dispose(key, this.#components.clock.nowMs(), from))
  }

  #ended(key: string, seq: Seq | undefined): Token | undefined {
    if (seq === undefined) return undefined
    this.#deadline?.end(key)
    this.#written(key.length)
    this.#backlog.roomMade()
    return { writer: this.guid, seq }
  }

  #written(bytes: number): void {
    if (this.qos.liveliness !== LivelinessKind.automatic) this.#showLife()
    this.#sender.written(bytes)
  }

  /** Of this writer, and thereby of all that speak for each other in the participant. */
  #showLife(): void {
    this.#lease?.assert()
    this.#components.sharedLiveliness.assert(this.#components.clock.nowMs())
  }

  #sent(): void {
    this.#signMs = this.#components.clock.nowMs()
    this.#components.sent()
    this.#backlog.sent()
  }
}
