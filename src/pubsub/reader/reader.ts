import { arrivalNow, type Instance, InstanceState } from '../../cache/instance.js'
import type { CatchUpState } from '../../cache/writer-progress.js'
import { raceSignal, type WaitOptions } from '../../core/abort.js'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid, participantOf, type Seq } from '../../core/ids.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import type { ResolvedQos } from '../../qos/qos.js'
import type { CatchUpAction } from '../../wire/pull.js'
import { EventStream, type EventStreamOptions } from '../model/event-stream.js'
import type { ReaderEvent } from '../model/events.js'
import { isValueSample, type Sample, type ValueSample, wallAheadMs } from '../model/sample.js'
import type { Topic } from '../model/topic.js'
import type { CatchUpCounts } from './catch-up-record.js'
import { type ReadOptions, resolveReadOptions } from './read-options.js'
import { ReaderFeed, type ReaderHost } from './reader-feed.js'
import { type ReaderOptions, resolveReaderOptions } from './reader-options.js'
import { selectSamples } from './sample-selection.js'
import { isComplete, type WriterProxy } from './writer-proxy.js'

/** How far a reader is behind one writer. */
export interface WriterLag {
  readonly writer: EntityGuid
  readonly appliedSeq: Seq
  /** The writer's last seq, as far as is known. */
  readonly headSeq: Seq
  readonly lagSamples: number
  readonly catchUpState: CatchUpState
  /**
   * How long ago the copy was last known to have every change of the writer, less the time that its frames were on their
   * way; null: never.
   */
  readonly completeAgeMs: number | null
  /** How the last catch-up brought the copy on; null before the first. */
  readonly catchUpAction: CatchUpAction | null
}

export interface NextOptions<T> extends WaitOptions {
  /** Accepts the sample to wait for. @default any sample */
  readonly where?: (sample: Sample<T>) => boolean
}

export interface ReaderComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly host: ReaderHost
}

export interface ReaderIdentity<T> {
  readonly topic: Topic<T>
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
}

/**
 * A rebuildable copy of what its writers own. `get` and `entries` show it; `onSample` and async iteration follow it;
 * `read` and `take` return the samples that wait, as in DDS; `onEvent` reports what else happens.
 *
 * A value stays encoded until it is read, unless a schema or a filter checks it on arrival. It is decoded once, shared
 * by all consumers of the reader, and therefore frozen at every depth: copy it to change it. Only bytes and typed
 * arrays inside it cannot be frozen.
 */
export class Reader<T extends object> implements AsyncIterable<Sample<T>> {
  readonly topic: Topic<T>
  readonly guid: EntityGuid
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  /** @internal The participant's side. */
  readonly feed: ReaderFeed<T>
  readonly #clock: Clock
  readonly #host: ReaderHost
  readonly #lifetime: Lifetime
  #closed = false

  /** @internal Use {@link Participant.reader}. */
  constructor(components: ReaderComponents, identity: ReaderIdentity<T>, options: ReaderOptions<T>) {
    const { participant, clock, counters, host } = components
    const { topic, entity, partitions, qos } = identity
    const resolved = resolveReaderOptions(options)
    this.topic = topic
    this.entity = entity
    this.guid = entityGuid(participant, entity)
    this.partitions = partitions
    this.qos = qos
    this.#clock = clock
    this.#host = host
    this.#lifetime = new Lifetime(options.signal, () => this.close())
    this.feed = new ReaderFeed({ clock, counters, host }, { topic, entity, guid: this.guid, partitions, qos }, resolved)
  }

  /** Resolves when the reader has closed. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Instances held, including ended ones that are not forgotten yet. */
  get size(): number {
    return this.feed.copy.table.size
  }

  /** Returns the instance's last value, even without writers. Undefined when it is unknown, disposed or out of view. */
  get(key: string): ValueSample<T> | undefined {
    const instance = this.feed.copy.table.get(key)
    return instance === undefined ? undefined : this.#currentOf(instance, wallAheadMs(arrivalNow(this.#clock)))
  }

  /** Iterates over all instances that {@link get} returns. Do not write to the reader's topic while iterating. */
  *entries(): IterableIterator<[string, ValueSample<T>]> {
    const aheadMs = wallAheadMs(arrivalNow(this.#clock))
    for (const instance of this.feed.copy.table.values()) {
      const sample = this.#currentOf(instance, aheadMs)
      if (sample !== undefined) yield [instance.key, sample]
    }
  }

  /**
   * Returns the samples that wait, instance by instance, and within one oldest first. They go on waiting, marked as
   * read.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  read(options: ReadOptions<T> = {}): readonly Sample<T>[] {
    return this.#select(options, false)
  }

  /**
   * Returns the samples that wait, as {@link read} does, and removes them: what a keep-all reader may hold is free
   * again. {@link get} and {@link entries} go on showing the instances' last values.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  take(options: ReadOptions<T> = {}): readonly Sample<T>[] {
    const taken = this.#select(options, true)
    if (taken.length > 0) this.feed.roomMade()
    return taken
  }

  /** Returns the writers that carry the instance's value now: its owner, relays, or both. Empty when it is unknown or ended. */
  carriers(key: string): readonly EntityGuid[] {
    return this.feed.copy.table.carriers(key)
  }

  /**
   * Calls `listener` at once for every change that is applied. What it throws is counted and logged, never rethrown.
   * Under keep-all a sample that listeners have received, and did not {@link take} themselves, is taken.
   */
  onSample(listener: (sample: Sample<T>) => void): Subscription {
    return this.feed.dispatcher.listen(listener)
  }

  /** Reports the DDS statuses: matches, liveliness, deadlines, samples lost or rejected. What it throws is counted and logged. */
  onEvent(listener: (event: ReaderEvent) => void): Subscription {
    return this.feed.status.onEvent(listener)
  }

  /** Returns the reader's events from now on; ends when the reader closes or the signal aborts. */
  events(options: EventStreamOptions = {}): AsyncIterableIterator<ReaderEvent> {
    return new EventStream((listener) => this.onEvent(listener), this.ended, options)
  }

  /**
   * Resolves when every writer known at the call has been caught up. Right after joining it first gives the writers
   * present the time to answer. Does not wait for writers that leave meanwhile, that become unreachable, or for whose
   * samples there is no room.
   *
   * @throws NumacastError NUMACAST_CLOSED when the reader closes first; the signal's reason when it aborts
   */
  synced(options: WaitOptions = {}): Promise<void> {
    if (this.#closed) return Promise.reject(closedError(this.topic.name))
    return raceSignal(this.#host.synced(options.signal), options.signal)
  }

  lag(): readonly WriterLag[] {
    const nowMs = this.#clock.nowMs()
    return [...this.feed.proxies.values()].map((proxy) => ({
      writer: proxy.guid,
      appliedSeq: proxy.progress.appliedSeq,
      headSeq: proxy.progress.headSeq,
      lagSamples: proxy.progress.lagSamples,
      catchUpState: this.#host.catchUpState(proxy),
      completeAgeMs: this.#completeAgeMs(proxy, nowMs),
      catchUpAction: proxy.lastAction ?? null,
    }))
  }

  /** @internal Calls `listener` with a writer whose progress may have changed, or that has been added or has gone. */
  onProgress(listener: (proxy: WriterProxy, isMatched: boolean) => void): Subscription {
    return this.feed.onProgress((proxy) => listener(proxy, this.feed.proxies.has(proxy.guid)))
  }

  /** Returns what the copy has needed to keep up with its writers since the reader was opened. */
  catchUps(): CatchUpCounts {
    return this.feed.catchUps.counts
  }

  /**
   * Iterates over what is held at the call, then over every change. Ends when the reader closes or the signal aborts. At
   * depth 1 a slow consumer gets each instance's latest value, not each value; with a history it gets every sample that
   * waits. Under keep-all the samples that it gets are taken.
   */
  samples({ signal }: WaitOptions = {}): AsyncIterableIterator<Sample<T>> {
    return this.feed.dispatcher.iterate(this.feed.copy.held(), signal)
  }

  /** Iterates as {@link samples} does. */
  [Symbol.asyncIterator](): AsyncIterator<Sample<T>> {
    return this.samples()
  }

  /**
   * Resolves with the first sample that `where` accepts: a value that {@link entries} shows now, or else a later change.
   *
   * @throws NumacastError NUMACAST_CLOSED when the reader closes first; the signal's reason when it aborts
   */
  async next({ where = () => true, signal }: NextOptions<T> = {}): Promise<Sample<T>> {
    signal?.throwIfAborted()
    if (this.#closed) throw closedError(this.topic.name)
    for (const [, sample] of this.entries()) if (where(sample)) return sample
    let subscription: Subscription | undefined
    const found = new Promise<Sample<T>>((resolve, reject) => {
      void this.ended.then(() => reject(closedError(this.topic.name)))
      subscription = this.onSample((sample) => {
        try {
          if (where(sample)) resolve(sample)
        } catch (error) {
          reject(error)
        }
      })
    })
    try {
      return await raceSignal(found, signal)
    } finally {
      subscription?.close()
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeEach([() => this.feed.close(), () => this.#lifetime.end()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return this.ended
  }

  /** The changes of the participant's own writers need no network: what has been sent is here. */
  #completeAgeMs(proxy: WriterProxy, nowMs: number): number | null {
    const isOwn = participantOf(proxy.guid) === participantOf(this.guid)
    if (isOwn && isComplete(proxy)) return 0
    return proxy.completeMs === Number.NEGATIVE_INFINITY ? null : Math.max(0, nowMs - proxy.completeMs)
  }

  #select(options: ReadOptions<T>, isTaken: boolean): readonly Sample<T>[] {
    return selectSamples(this.feed.copy, resolveReadOptions(options), isTaken, arrivalNow(this.#clock))
  }

  #currentOf(instance: Instance, aheadMs: number): ValueSample<T> | undefined {
    if (instance.shownState === InstanceState.disposed || instance.shown.byteLength === 0) return undefined
    const { copy } = this.feed
    if (this.qos.lifespanMs !== null && copy.isExpired(instance.shown, this.#clock.nowMs())) return undefined
    const sample = this.feed.sampleAt(instance, instance.shown, aheadMs)
    return isValueSample(sample) ? sample : undefined
  }
}

function closedError(topic: string): NumacastError {
  return new NumacastError('NUMACAST_CLOSED', `the reader of '${topic}' is closed`)
}
