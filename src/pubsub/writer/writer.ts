import { type Change, LastValueCache, type Provenance } from '../../cache/last-value-cache.js'
import type { WaitOptions } from '../../core/abort.js'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid, type Seq, type Token } from '../../core/ids.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import { DeadlineTimer } from '../../core/time/deadline-timer.js'
import { DestinationOrder, LivelinessKind } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import { EventStream, type EventStreamOptions } from '../model/event-stream.js'
import type { MismatchEvent, WriterEvent } from '../model/events.js'
import type { Topic } from '../model/topic.js'
import type { AckRequester } from './acknowledgments.js'
import { type FrameOutput, LiveSender } from './live-sender.js'
import { LivelinessLease, SharedLiveliness } from './liveliness-lease.js'
import type { ReaderAcknowledgments } from './reader-acknowledgments.js'
import { UnacknowledgedChanges } from './unacknowledged-changes.js'
import { ValueEncoder } from './value-encoder.js'
import { WriterStatus } from './writer-status.js'

/** Joins a writer to its participant; `WriterConnection` does. */
export interface WriterHost extends FrameOutput, AckRequester {
  /** All changes so far have been passed to the lane: local readers take them from the cache. */
  changesSent(): void
  writerClosed(): void
}

export interface WriterComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly host: WriterHost
  /** Shared by the participant's manual-by-participant writers. */
  readonly sharedLiveliness: SharedLiveliness
}

export interface WriterIdentity<T> {
  readonly topic: Topic<T>
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  readonly signal?: AbortSignal | undefined
}

const tombstoneAgeMs = 600_000
/** Share of the lease within which a manual writer that has just sent does not send another sign of life. */
const assertionSpacing = 0.1

/** Owns its instances: numbers their changes, keeps their last values, and sends what is new. */
export class Writer<T extends object> {
  readonly topic: Topic<T>
  readonly guid: EntityGuid
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  /** @internal Read by catch-up; changed only by this writer. */
  readonly cache: LastValueCache
  /** @internal Its readers, and what each has acknowledged. */
  readonly readers: ReaderAcknowledgments
  readonly #components: WriterComponents
  readonly #encoder: ValueEncoder<T>
  readonly #sender: LiveSender
  readonly #status: WriterStatus
  readonly #unacknowledged: UnacknowledgedChanges
  readonly #deadline: DeadlineTimer<string> | undefined
  readonly #lease: LivelinessLease | undefined
  readonly #lifetime: Lifetime
  #signMs = Number.NEGATIVE_INFINITY
  #sourceTimeMs = 0
  #closed = false

  /** @internal Use {@link Participant.writer}. */
  constructor(components: WriterComponents, { topic, entity, partitions, qos, signal }: WriterIdentity<T>) {
    const { participant, clock, counters, host } = components
    this.topic = topic
    this.entity = entity
    this.guid = entityGuid(participant, entity)
    this.partitions = partitions
    this.qos = qos
    this.#components = components
    this.#lifetime = new Lifetime(signal, () => this.close())
    this.#encoder = new ValueEncoder(topic)
    const cache = new LastValueCache({ ...qos, name: `topic '${topic.name}'` })
    this.cache = cache
    const sending = { participant, clock, counters, output: host }
    const sender = new LiveSender(sending, entity, cache, qos.latencyBudgetMs, () => this.#sent())
    const status = new WriterStatus(counters)
    this.#sender = sender
    this.#status = status
    this.#unacknowledged = new UnacknowledgedChanges({ clock, counters, cache, sent: sender, requester: host, status })
    this.readers = this.#unacknowledged.readers
    if (qos.deadlineMs !== null) {
      this.#deadline = new DeadlineTimer(clock, qos.deadlineMs, (key) => status.deadlineMissed(key))
    }
    if (qos.leaseMs !== null && qos.liveliness !== LivelinessKind.automatic) {
      const isShared = qos.liveliness === LivelinessKind.manualByParticipant
      const shared = isShared ? components.sharedLiveliness : new SharedLiveliness()
      this.#lease = new LivelinessLease(clock, qos.leaseMs, shared, () => status.livelinessLost())
    }
  }

  /** Resolves when the writer has closed. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Number of the newest change; 0: nothing has been written yet. */
  get lastSeq(): Seq {
    return this.cache.lastSeq
  }

  /** Calls `listener` for each {@link WriterEvent}. What it throws is counted and logged, never rethrown. */
  onEvent(listener: (event: WriterEvent) => void): Subscription {
    return this.#status.onEvent(listener)
  }

  /** Returns the writer's events from now on; ends when the writer closes or the signal aborts. */
  events(options: EventStreamOptions = {}): AsyncIterableIterator<WriterEvent> {
    return new EventStream((listener) => this.onEvent(listener), this.ended, options)
  }

  /** Returns the readers that this writer feeds, as far as they are known. */
  matchedReaders(): readonly EntityGuid[] {
    return [...this.readers.readers()]
  }

  /**
   * Makes `value` the instance's current value. Never waits: what is written in one tick (or within
   * `latencyBudgetMs`) leaves together. Under keep-last only the last `historyDepth` values of an instance leave.
   * Under keep-all every value leaves, and {@link writable} waits for room.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the schema or the key refuses the value
   * @throws NumacastError NUMACAST_LIMIT when the value is too large or one of `resourceLimits` would be exceeded, with
   * `details` naming instance and limit; nothing that is held has changed then
   * @throws NumacastError NUMACAST_CLOSED
   */
  write(value: T): Token {
    this.#mustBeOpen()
    const { key, bytes } = this.#encoder.encode(value)
    return this.#put(key, bytes, this.#sourceClock())
  }

  /** Ends an instance. Undefined when it is not alive. @throws NumacastError NUMACAST_CLOSED */
  dispose(key: string): Token | undefined {
    this.#mustBeOpen()
    return this.#end(key, this.#sourceClock())
  }

  /**
   * Gives an instance up without ending it: readers keep its last value and see it without writers, unless another
   * writer carries it. With `writerDataLifecycle.autodispose` it is disposed. Undefined when it is not alive.
   *
   * @throws NumacastError NUMACAST_CLOSED
   */
  unregister(key: string): Token | undefined {
    this.#mustBeOpen()
    if (this.qos.writerDataLifecycle.autodispose) return this.#end(key, this.#sourceClock())
    return this.#ended(key, this.cache.unregister(key, this.#components.clock.nowMs()))
  }

  /**
   * Shows that the program is alive, for a writer of manual liveliness that has nothing to write. Call it several
   * times within `leaseMs`, because a single sign may be lost. Has no effect on an automatic writer.
   *
   * @throws NumacastError NUMACAST_CLOSED
   */
  assertLiveliness(): void {
    this.#mustBeOpen()
    if (this.qos.liveliness === LivelinessKind.automatic) return
    this.#renewLease()
    const nowMs = this.#components.clock.nowMs()
    if (nowMs - this.#signMs < assertionSpacing * (this.qos.leaseMs ?? 0)) return
    this.#signMs = nowMs
    this.#sender.sendEmpty()
  }

  /**
   * Resolves when every matched reliable reader has applied all that was written before the call. Does not wait for
   * readers that leave meanwhile or do not answer for 10 seconds; the event `publication-matched` reports them.
   *
   * @throws NumacastError NUMACAST_CLOSED when the writer closes first; the signal's reason when it aborts
   */
  async waitForAcknowledgments(options: WaitOptions = {}): Promise<void> {
    this.#mustBeOpen()
    this.#sender.flush()
    await this.#unacknowledged.acknowledged(this.cache.lastSeq, options.signal)
  }

  /**
   * Resolves when `resourceLimits` have room for one more value, of the instance `key` where that is given. Room comes
   * from acknowledgments (keep-all, volatile), or when instances end.
   *
   * @throws NumacastError NUMACAST_CLOSED when the writer closes first; the signal's reason when it aborts
   */
  async writable(options: WaitOptions & { readonly key?: string } = {}): Promise<void> {
    this.#mustBeOpen()
    this.#sender.flush()
    await this.#unacknowledged.roomFor(options.key ?? '', options.signal)
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

  /** @internal The writer and a reader name the same topic and cannot be matched. */
  reportMismatch(event: MismatchEvent): void {
    this.#status.mismatched(event)
  }

  /** Returns this writer's current value of the instance: a copy that the caller may change. */
  get(key: string): T | undefined {
    const change: Change | undefined = this.cache.isAlive(key) ? this.cache.latest(key) : undefined
    return change === undefined ? undefined : this.#encoder.decode(change.value.subarray(0, change.valueLength))
  }

  /** Iterates over the keys of the instances alive. */
  keys(): IterableIterator<string> {
    return this.cache.keys()
  }

  /** Passes what is waiting to the lane now, not at the end of the tick. */
  flush(): void {
    this.#sender.flush()
  }

  /** @internal Flushes even if the lane is congested: for the last changes before closing. */
  drain(): void {
    this.#sender.drain()
  }

  /** @internal Drops what outlived `lifespanMs`, disposes instances without a value left, and forgets old tombstones. */
  expire(nowMs: number): void {
    this.cache.forgetTombstones(nowMs - tombstoneAgeMs)
    const { lifespanMs } = this.qos
    if (lifespanMs === null) return
    for (const key of this.cache.expire(nowMs - lifespanMs)) {
      const change = this.cache.latest(key)
      if (change === undefined) continue
      const { origin, writtenMs, sourceTimeMs } = change
      this.#end(key, origin === undefined ? this.#sourceClock() : { origin, writtenMs, sourceTimeMs })
    }
    this.#unacknowledged.roomMade()
  }

  /** Sends what is waiting and leaves, giving up all its instances as {@link unregister} would. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const reason = new NumacastError('NUMACAST_CLOSED', `the writer of '${this.topic.name}' was closed during the wait`)
    closeEach([
      () => this.drain(),
      () => this.#sender.close(),
      () => this.#deadline?.close(),
      () => this.#lease?.close(),
      () => this.#unacknowledged.close(reason),
      () => this.#components.host.writerClosed(),
      () => this.#status.close(),
      () => this.#lifetime.end(),
    ])
  }

  /** Closes the writer after every reliable reader has acknowledged its changes, or has left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.waitForAcknowledgments().catch(() => undefined) // closed meanwhile
    this.close()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', `the writer of '${this.topic.name}' is closed`)
  }

  /** Returns this writer's clock for readers that order by source; it never runs backward. Undefined without such. */
  #sourceClock(): Provenance | undefined {
    if (this.qos.destinationOrder !== DestinationOrder.bySource) return undefined
    const { clock } = this.#components
    this.#sourceTimeMs = Math.max(this.#sourceTimeMs, clock.wallMs())
    return { origin: undefined, writtenMs: clock.nowMs(), sourceTimeMs: this.#sourceTimeMs }
  }

  #put(key: string, bytes: Uint8Array, from: Provenance | undefined): Token {
    this.#encoder.checkSize(key, bytes)
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
    this.#unacknowledged.roomMade()
    return { writer: this.guid, seq }
  }

  #written(bytes: number): void {
    if (this.qos.liveliness !== LivelinessKind.automatic) this.#renewLease()
    this.#sender.written(bytes)
  }

  /** Asserts this writer, and with it all manual-by-participant writers of the participant. */
  #renewLease(): void {
    this.#lease?.assert()
    this.#components.sharedLiveliness.assert(this.#components.clock.nowMs())
  }

  #sent(): void {
    this.#signMs = this.#components.clock.nowMs()
    this.#components.host.changesSent()
    this.#unacknowledged.changesSent()
  }
}
