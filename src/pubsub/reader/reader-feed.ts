import { arrivalNow, type HeldSample, type Instance, InstanceState } from '../../cache/instance.js'
import type { CatchUpState } from '../../cache/writer-progress.js'
import { closeEach } from '../../core/close-all.js'
import type { EntityGuid, EntityId, Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import { History } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import type { SamplesHead, WireSample } from '../../wire/samples.js'
import { LostReason, type MismatchEvent } from '../model/events.js'
import { type Sample, toSample, ViewState, wallAheadMs } from '../model/sample.js'
import type { Topic } from '../model/topic.js'
import { CatchUpRecord } from './catch-up-record.js'
import { MatchedWriters, type WriterLivelinessListener, type WriterSources } from './matched-writers.js'
import { ReaderCopy } from './reader-copy.js'
import { ReaderIntake, type WriterResumer } from './reader-intake.js'
import type { ResolvedReaderOptions } from './reader-options.js'
import { ReaderStatus } from './reader-status.js'
import { SampleDispatcher, type SampleSource } from './sample-dispatcher.js'
import { isComplete, type WriterProxy } from './writer-proxy.js'

/** Joins a reader to its participant; `ReaderConnection` does. */
export interface ReaderHost extends WriterSources, WriterResumer {
  /** Resolves when all that is known to this reader at the call has been caught up. */
  synced(signal: AbortSignal | undefined): Promise<void>
  catchUpState(proxy: WriterProxy): CatchUpState
  readerClosed(): void
}

export interface ReaderFeedComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly host: ReaderHost
}

export interface ReaderFeedIdentity<T> {
  readonly topic: Topic<T>
  readonly entity: EntityId
  readonly guid: EntityGuid
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
}

/**
 * The participant's side of a reader: takes what its writers send, keeps the copy, and passes on what changes. `Reader`
 * is the application's side.
 */
export class ReaderFeed<T extends object = object> implements SampleSource<T>, WriterLivelinessListener {
  readonly entity: EntityId
  readonly guid: EntityGuid
  readonly partitions: readonly string[]
  readonly qos: ResolvedQos
  readonly status: ReaderStatus
  readonly copy: ReaderCopy
  readonly dispatcher: SampleDispatcher<T>
  readonly writers: MatchedWriters
  readonly catchUps = new CatchUpRecord()
  readonly #components: ReaderFeedComponents
  readonly #intake: ReaderIntake<T>
  readonly #progress: Listeners<WriterProxy>

  constructor(
    components: ReaderFeedComponents,
    { topic, entity, guid, partitions, qos }: ReaderFeedIdentity<T>,
    { filter, keyFilter, mailboxCapacity, mailboxDrop }: ResolvedReaderOptions<T>,
  ) {
    const { clock, counters, host } = components
    this.#components = components
    this.entity = entity
    this.guid = guid
    this.partitions = partitions
    this.qos = qos
    const status = new ReaderStatus(counters)
    this.status = status
    const isKeepAll = qos.history === History.keepAll
    this.dispatcher = new SampleDispatcher({
      counters,
      source: this,
      // What waits under keep-all is bounded by the limits and holds the writer back. It must not be dropped.
      mailboxCapacity: isKeepAll
        ? Math.max(mailboxCapacity, qos.resourceLimits.maxSamples ?? Number.MAX_SAFE_INTEGER)
        : mailboxCapacity,
      mailboxDrop,
      everySample: isKeepAll || qos.historyDepth > 1,
    })
    this.#progress = new Listeners(counters, 'reader.listener-threw')
    this.writers = new MatchedWriters({ clock, status, qos, sources: host, listener: this })
    const copy = new ReaderCopy({ clock, counters, status, writers: this.writers, view: this.dispatcher }, qos)
    this.copy = copy
    this.#intake = new ReaderIntake({ clock, counters, status, copy, topic, qos, filter, keyFilter, resumer: host })
  }

  get proxies(): ReadonlyMap<EntityGuid, WriterProxy> {
    return this.writers.all
  }

  addProxy(proxy: WriterProxy): void {
    this.writers.add(proxy)
    this.#progress.emit(proxy)
  }

  /** Calls `listener` with a writer whose progress may have changed, or that has been added or removed. */
  onProgress(listener: (proxy: WriterProxy) => void): Subscription {
    return this.#progress.add(listener)
  }

  /**
   * The progress of the writer may have changed.
   * @param atMs when the writer was as far as is known now, on the monotonic clock
   */
  progressed(proxy: WriterProxy, atMs: number): void {
    if (isComplete(proxy)) proxy.completeMs = Math.max(proxy.completeMs, atMs)
    const isBehind = proxy.started && proxy.progress.hasGap
    if (isBehind && !proxy.isBehind) this.catchUps.gap()
    proxy.isBehind = isBehind
    if (this.#progress.size > 0) this.#progress.emit(proxy)
  }

  /**
   * The writer has left or no longer matches.
   * @param state what becomes of its instances: `disposed` when it takes them with it
   */
  removeProxy(guid: EntityGuid, state: 'disposed' | 'no-writers'): void {
    const proxy = this.writers.all.get(guid)
    if (proxy === undefined) return
    this.#intake.forgetWriter(proxy)
    // A listener of the samples that still waited may have closed the reader.
    if (!this.writers.remove(proxy)) return
    this.copy.withdraw(guid, state, undefined)
    this.writers.reportRemoved(guid)
    this.#progress.emit(proxy)
  }

  /** Reports a writer of this topic that cannot be matched. */
  reportMismatch(event: MismatchEvent): void {
    this.status.mismatched(event)
  }

  /** Takes a frame of live changes; an empty one is a sign of life. */
  receiveLive(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): void {
    if (proxy.info.qos.leaseMs !== null) this.writers.leases.asserted(proxy)
    this.#intake.live(proxy, head, samples)
  }

  /** Takes changes of a catch-up reply. Returns the first number without room; otherwise the caller moves the token. */
  receiveCatchUp(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): Seq | undefined {
    return this.#intake.caughtUp(proxy, head, samples)
  }

  /** A repair has brought all that is left of the numbers up to `to`. */
  repaired(proxy: WriterProxy, after: Seq, to: Seq, samples: readonly WireSample[]): void {
    this.#intake.countOverwritten(proxy, after, to, samples)
  }

  /** The token has moved. */
  advanced(proxy: WriterProxy): void {
    this.#intake.drain(proxy)
  }

  /** The writer's whole cache has been received: instances that it carried before and no longer has are gone. */
  finishBootstrap(proxy: WriterProxy): void {
    const { bootstrap } = proxy
    proxy.bootstrap = undefined
    if (bootstrap !== undefined) this.copy.withdraw(proxy.guid, InstanceState.disposed, bootstrap)
  }

  /** A manual-by-participant writer of the same participant has given a sign of life. */
  asserted(proxy: WriterProxy): void {
    this.writers.leases.asserted(proxy)
  }

  /** The verdict on the writer's participant, or that frames from it arrive again. */
  setReachable(proxy: WriterProxy, isReachable: boolean): void {
    this.writers.leases.setReachable(proxy, isReachable)
  }

  /** Samples have been taken, or forgotten: writers that waited for room go on. */
  roomMade(): void {
    this.#intake.roomMade()
  }

  /** Forgets instances that ended long enough ago, and samples that have outlived their lifespan. */
  expire(nowMs: number): void {
    this.copy.expire(nowMs)
    this.#intake.roomMade()
  }

  close(): void {
    closeEach([
      () => this.#components.host.readerClosed(),
      () => this.copy.close(),
      () => this.writers.leases.close(),
      () => this.dispatcher.close(),
      () => this.#progress.clear(),
      () => this.status.close(),
    ])
  }

  sampleOf(instance: Instance, held: HeldSample, hasArrived: boolean): Sample<T> {
    return this.sampleAt(instance, held, wallAheadMs(hasArrived ? held.arrival : arrivalNow(this.#components.clock)))
  }

  /** @param aheadMs see {@link wallAheadMs} */
  sampleAt(instance: Instance, held: HeldSample, aheadMs: number): Sample<T> {
    const viewState = instance.viewed ? ViewState.notNew : ViewState.new
    instance.viewed = true
    return toSample<T>(instance, held, viewState, aheadMs)
  }

  onDelivered(instance: Instance, held: HeldSample): void {
    // What waits under keep-last is bounded anyway; under keep-all it would keep others out.
    if (this.qos.history === History.keepAll && this.copy.queue.take(instance, held)) this.#intake.roomMade()
  }

  dropped(instance: Instance, held: HeldSample): void {
    this.status.lost(held.owner, 1, LostReason.mailbox)
    this.onDelivered(instance, held)
  }

  onWriterLiveliness(proxy: WriterProxy): void {
    this.#components.counters.add(proxy.isAlive ? 'reader.writer-alive' : 'reader.writer-not-alive')
    // A writer that is alive again may be stronger than the present owner, or there may be none.
    if (proxy.isAlive) this.writers.refresh(proxy.guid)
    // A silent participant may well be at work. A writer that breaks its own lease has given its instances up.
    else if (!proxy.isReachable) this.copy.demote(proxy.guid)
    else this.copy.withdraw(proxy.guid, InstanceState.noWriters, undefined)
  }
}
