import { arrivalNow, type HeldSample, type Instance, InstanceState } from '../../cache/instance.js'
import type { UnseenEnd } from '../../cache/instance-table.js'
import type { CatchUpState } from '../../cache/writer-progress.js'
import { raceSignal, type WaitOptions } from '../../core/abort.js'
import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid, type Seq } from '../../core/ids.js'
import type { Subscription } from '../../core/listeners.js'
import { Durability, History } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import type { SamplesHead, WireSample } from '../../wire/samples.js'
import { LostReason, type MismatchEvent, type ReaderEvent } from '../model/events.js'
import { type Sample, toSample, ViewState, wallAheadMs } from '../model/sample.js'
import type { Topic } from '../model/topic.js'
import { MatchedWriters } from './matched-writers.js'
import { type ReadOptions, resolveReadOptions } from './read-options.js'
import { ReaderCopy } from './reader-copy.js'
import { ReaderIntake } from './reader-intake.js'
import { type ReaderOptions, resolveReaderOptions } from './reader-options.js'
import { ReaderStatus } from './reader-status.js'
import { SampleDispatcher } from './sample-dispatcher.js'
import { selectSamples } from './sample-selection.js'
import type { WriterProxy } from './writer-proxy.js'

/** How far this reader is behind one writer. */
export interface WriterLag {
  readonly writer: EntityGuid
  readonly appliedSeq: Seq
  /** The writer's last seq, as far as is known. */
  readonly headSeq: Seq
  readonly lagSamples: number
  readonly catchUpState: CatchUpState
}

/** What a reader needs of its participant. */
export interface ReaderComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  /** Resolves when all that is known to this reader at the call has been caught up. */
  readonly synced: (reader: EntityId, signal: AbortSignal | undefined) => Promise<void>
  /** The writer's whole cache is wanted again. */
  readonly refresh: (writer: EntityGuid) => void
  /** What the writer has beyond the token can be taken again. */
  readonly resume: (writer: EntityGuid) => void
  /** When the writer's participant was last heard. */
  readonly lastHeardMs: (proxy: WriterProxy) => number
  readonly catchUpState: (proxy: WriterProxy) => CatchUpState
  readonly closed: () => void
}

export interface ReaderIdentity<T> {
  readonly topic: Topic<T>
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
}

/**
 * A rebuildable copy of what its writers own. `get` and `entries` look at it; `onSample` and async iteration follow it;
 * `read` and `take` hand out the samples that wait, as in DDS; `onEvent` tells what else happens.
 *
 * Values stay encoded until somebody looks, unless a schema or a filter has to judge them on arrival.
 */
export class Reader<T extends object> implements AsyncIterable<Sample<T>> {
  readonly topic: Topic<T>
  readonly guid: EntityGuid
  readonly entity: EntityId
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  readonly #components: ReaderComponents
  readonly #status: ReaderStatus
  readonly #copy: ReaderCopy
  readonly #intake: ReaderIntake<T>
  readonly #outlets: SampleDispatcher<T>
  readonly #writers: MatchedWriters
  #closed = false

  constructor(components: ReaderComponents, identity: ReaderIdentity<T>, options: ReaderOptions<T>) {
    const { clock, counters, resume } = components
    const { topic, qos } = identity
    const { filter, keyFilter, mailboxCapacity, mailboxDrop } = resolveReaderOptions(options)
    this.topic = topic
    this.entity = identity.entity
    this.guid = entityGuid(components.participant, identity.entity)
    this.partitions = identity.partitions
    this.qos = qos
    this.#components = components
    const status = new ReaderStatus(counters)
    this.#status = status
    const copy = new ReaderCopy(
      {
        clock,
        counters,
        status,
        standingOf: (writer) => this.#writers.standingOf(writer),
        wanted: (writer) => this.#refresh(writer),
        changed: (instance, held, hasArrived) => this.#outlets.emit(instance, held, hasArrived),
      },
      qos,
    )
    this.#copy = copy
    this.#intake = new ReaderIntake({ clock, counters, status, copy, topic, qos, filter, keyFilter, resume })
    this.#outlets = new SampleDispatcher({
      counters,
      // What waits under keep-all is bounded by the limits, and presses back on the writer; it is not for dropping.
      mailboxCapacity:
        qos.history === History.keepAll
          ? Math.max(mailboxCapacity, qos.resourceLimits.maxSamples ?? Number.MAX_SAFE_INTEGER)
          : mailboxCapacity,
      mailboxDrop,
      everySample: copy.queue.hasHistory,
      hand: (instance, held, hasArrived) =>
        this.#hand(instance, held, wallAheadMs(hasArrived ? held.arrival : arrivalNow(clock))),
      handedOut: (instance, held) => this.#handedOut(instance, held),
      dropped: (instance, held) => {
        status.lost(held.owner, 1, LostReason.mailbox)
        this.#handedOut(instance, held)
      },
    })
    const { lastHeardMs } = components
    const changed = (proxy: WriterProxy): void => this.#livelinessChanged(proxy)
    this.#writers = new MatchedWriters({ clock, status, lastHeardMs, changed })
  }

  /** Instances held, the ended ones that are not forgotten yet included. */
  get size(): number {
    return this.#copy.table.size
  }

  /** The instance's last value, also when its writers are gone. Undefined when it is unknown, disposed or out of view. */
  get(key: string): Sample<T> | undefined {
    const instance = this.#copy.table.get(key)
    return instance === undefined
      ? undefined
      : this.#handCurrent(instance, wallAheadMs(arrivalNow(this.#components.clock)))
  }

  /** All instances that {@link get} has something of. Do not write to the reader's topic while iterating. */
  *entries(): IterableIterator<[string, Sample<T>]> {
    const aheadMs = wallAheadMs(arrivalNow(this.#components.clock))
    for (const instance of this.#copy.table.values()) {
      const sample = this.#handCurrent(instance, aheadMs)
      if (sample !== undefined) yield [instance.key, sample]
    }
  }

  /**
   * The samples that wait, instance by instance, and within one oldest first. They go on waiting, marked as read.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  read(options: ReadOptions<T> = {}): readonly Sample<T>[] {
    return this.#select(options, false)
  }

  /**
   * As {@link read}, and they wait no longer: what a keep-all reader may hold is free again. {@link get} and
   * {@link entries} go on showing the instances' last values.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  take(options: ReadOptions<T> = {}): readonly Sample<T>[] {
    const taken = this.#select(options, true)
    if (taken.length > 0) this.#intake.roomMade()
    return taken
  }

  /** @internal For relays: ends that no listener of {@link onSample} is called for. Returns what stops that. */
  onUnseenEnd(listener: (end: UnseenEnd) => void): () => void {
    return this.#copy.table.onUnseenEnd(listener)
  }

  /** The writers that carry the instance's value now: its owner, relays, or both. Empty when it is unknown or ended. */
  carriers(key: string): readonly EntityGuid[] {
    return this.#copy.table.carriers(key)
  }

  /**
   * Calls `listener` at once for every change that is applied. What it throws is counted, never rethrown. Under
   * keep-all a sample that listeners have been given, and did not {@link take} themselves, is taken.
   */
  onSample(listener: (sample: Sample<T>) => void): Subscription {
    return this.#outlets.listen(listener)
  }

  /** The DDS statuses: matches, liveliness, deadlines, what was lost or rejected. What it throws is counted. */
  onEvent(listener: (event: ReaderEvent) => void): Subscription {
    return this.#status.onEvent(listener)
  }

  /**
   * Resolves when every writer known at the call has been caught up; right after joining it first gives those
   * who are there the time to answer. Writers that leave meanwhile, whose host falls silent, or for whose samples there
   * is no room, are not waited for.
   *
   * @throws NumacastError NUMACAST_CLOSED when the reader closes first; the signal's reason when it aborts
   */
  synced(options: WaitOptions = {}): Promise<void> {
    if (this.#closed) return Promise.reject(closedError(this.topic.name))
    return raceSignal(this.#components.synced(this.entity, options.signal), options.signal)
  }

  lag(): readonly WriterLag[] {
    return [...this.#writers.all.values()].map((proxy) => ({
      writer: proxy.guid,
      appliedSeq: proxy.progress.appliedSeq,
      headSeq: proxy.progress.headSeq,
      lagSamples: proxy.progress.lagSamples,
      catchUpState: this.#components.catchUpState(proxy),
    }))
  }

  /**
   * What is held at the call, then every change; ends when the reader closes. At depth 1 a slow consumer gets each
   * instance's latest value, not each value; with a history it gets every sample that waits. Under keep-all what it
   * gets is taken.
   */
  [Symbol.asyncIterator](): AsyncIterator<Sample<T>> {
    return this.#outlets.iterate(this.#copy.held())
  }

  /** Twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#components.closed()
    this.#copy.close()
    this.#writers.leases.close()
    this.#outlets.close()
    this.#status.close()
  }

  /** @internal */
  get proxies(): ReadonlyMap<EntityGuid, WriterProxy> {
    return this.#writers.all
  }

  /** @internal */
  addProxy(proxy: WriterProxy): void {
    this.#writers.add(proxy)
  }

  /** @internal The writer has left or no longer matches; `disposed` when it takes its instances with it. */
  removeProxy(guid: EntityGuid, state: 'disposed' | 'no-writers'): void {
    const proxy = this.#writers.all.get(guid)
    if (proxy === undefined) return
    this.#intake.forget(proxy)
    // A listener of what still waited may have closed the reader.
    if (!this.#writers.remove(proxy)) return
    this.#copy.abandon(guid, state, undefined)
    this.#writers.tellRemoved(guid)
  }

  /** @internal A writer of this topic that cannot be matched. */
  mismatched(event: MismatchEvent): void {
    this.#status.mismatched(event)
  }

  /** @internal A frame of live changes; an empty one is a sign of life. */
  receiveLive(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): void {
    if (proxy.info.qos.leaseMs !== null) this.#writers.leases.asserted(proxy)
    this.#intake.live(proxy, head, samples)
  }

  /** @internal Changes from a catch-up reply; the caller moves the token, unless it is told where the room ended. */
  receiveCatchUp(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): Seq | undefined {
    return this.#intake.caughtUp(proxy, head, samples)
  }

  /** @internal A repair has brought all that is left of the numbers up to `to`. */
  repaired(proxy: WriterProxy, after: Seq, to: Seq, samples: readonly WireSample[]): void {
    this.#intake.countOverwritten(proxy, after, to, samples)
  }

  /** @internal The token has moved. */
  advanced(proxy: WriterProxy): void {
    this.#intake.drain(proxy)
  }

  /** @internal The whole cache has been received: what the writer carried before and has no more is gone. */
  finishBootstrap(proxy: WriterProxy): void {
    const { bootstrap } = proxy
    proxy.bootstrap = undefined
    if (bootstrap !== undefined) this.#copy.abandon(proxy.guid, InstanceState.disposed, bootstrap)
  }

  /** @internal Another manual-by-participant writer of its participant has given a sign of life. */
  asserted(proxy: WriterProxy): void {
    this.#writers.leases.asserted(proxy)
  }

  /** @internal The verdict on the writer's participant, or that it has been heard again. */
  reached(proxy: WriterProxy, isReachable: boolean): void {
    this.#writers.leases.reached(proxy, isReachable)
  }

  /** @internal Forgets what has ended and outlived its time. */
  sweep(nowMs: number): void {
    this.#copy.sweep(nowMs)
    this.#intake.roomMade()
  }

  #select(options: ReadOptions<T>, isTaken: boolean): readonly Sample<T>[] {
    return selectSamples(this.#copy, resolveReadOptions(options), isTaken, arrivalNow(this.#components.clock))
  }

  #handCurrent(instance: Instance, aheadMs: number): Sample<T> | undefined {
    if (instance.shownState === InstanceState.disposed || instance.shown.byteLength === 0) return undefined
    const isMortal = this.qos.lifespanMs !== null
    if (isMortal && this.#copy.isExpired(instance.shown, this.#components.clock.nowMs())) return undefined
    return this.#hand(instance, instance.shown, aheadMs)
  }

  #hand(instance: Instance, held: HeldSample, aheadMs: number): Sample<T> {
    const viewState = instance.viewed ? ViewState.notNew : ViewState.new
    instance.viewed = true
    return toSample<T>(instance, held, viewState, aheadMs)
  }

  #handedOut(instance: Instance, held: HeldSample): void {
    // What waits under keep-last is bounded anyway; under keep-all it would keep others out.
    if (this.qos.history === History.keepAll && this.#copy.queue.take(instance, held)) this.#intake.roomMade()
  }

  #livelinessChanged(proxy: WriterProxy): void {
    this.#components.counters.add(proxy.isAlive ? 'reader.writer-alive' : 'reader.writer-not-alive')
    // Whoever is alive again may be stronger than who took over, or nobody did.
    if (proxy.isAlive) this.#refresh(proxy.guid)
    // A silent participant may well be at work; a writer that breaks its own word has given its instances up.
    else if (!proxy.isReachable) this.#copy.demote(proxy.guid)
    else this.#copy.abandon(proxy.guid, InstanceState.noWriters, undefined)
  }

  #refresh(writer: EntityGuid): void {
    const proxy = this.#writers.all.get(writer)
    // What is volatile is not kept for anybody: without its token the reader would be taken for a newcomer, to whom
    // nothing is due of what it has missed since.
    const { volatile } = Durability
    if (proxy === undefined || proxy.stale || this.qos.durability === volatile) return
    if (proxy.info.qos.durability === volatile) return
    proxy.stale = true
    this.#components.refresh(writer)
  }
}

function closedError(topic: string): NumacastError {
  return new NumacastError('NUMACAST_CLOSED', `the reader of '${topic}' is closed`)
}
