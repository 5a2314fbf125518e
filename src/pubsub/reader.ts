import { type Instance, InstanceState, InstanceTable, Outcome } from '../cache/instance-table.js'
import type { CatchUpState } from '../cache/writer-progress.js'
import { raceSignal, type WaitOptions } from '../core/abort.js'
import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid, type Seq } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import { Mailbox } from '../core/mailbox.js'
import { Reliability } from '../qos/policies.js'
import type { QosOptions, ResolvedQos } from '../qos/qos.js'
import { rejectionOf } from '../wire/bytes.js'
import { checkRecord, decodeRecord } from '../wire/record.js'
import type { SamplesHead, WireSample } from '../wire/samples.js'
import type { Bootstrap, WriterProxy } from './proxy.js'
import { type Sample, toSample, ViewState } from './sample.js'
import type { Topic } from './topic.js'

export interface ReaderOptions<T> {
  /** One partition, or several; writers to any of them match. @default 'default' */
  readonly partition?: string | readonly string[]
  /** Over the topic's own. */
  readonly qos?: QosOptions
  /** Values it returns false for never reach this reader. Runs on arrival, so it costs a decode per sample. */
  readonly filter?: (value: T) => boolean
  /** Instances that may wait for a slow async iteration; beyond it the oldest waiting one is dropped and counted. @default 65536 */
  readonly mailboxCapacity?: number
}

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
  readonly catchUpState: (proxy: WriterProxy) => CatchUpState
  readonly closed: () => void
}

/**
 * A rebuildable copy of what its writers own: `get` and `entries` read it, `onSample` and async iteration follow it.
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
  readonly #filter: ((value: T) => boolean) | undefined
  readonly #mailboxCapacity: number
  readonly #table: InstanceTable
  readonly #proxies = new Map<EntityGuid, WriterProxy>()
  readonly #listeners: Listeners<Sample<T>>
  readonly #mailboxes = new Set<Mailbox<Instance>>()
  #closed = false

  constructor(
    components: ReaderComponents,
    identity: {
      readonly topic: Topic<T>
      readonly entity: EntityId
      readonly partitions: readonly string[]
      readonly qos: ResolvedQos
    },
    options: ReaderOptions<T>,
  ) {
    this.topic = identity.topic
    this.entity = identity.entity
    this.guid = entityGuid(components.participant, identity.entity)
    this.partitions = identity.partitions
    this.qos = identity.qos
    this.#components = components
    this.#filter = options.filter
    this.#mailboxCapacity = options.mailboxCapacity ?? 65_536
    this.#table = new InstanceTable(identity.qos.resourceLimits.maxInstances)
    this.#listeners = new Listeners(() => components.counters.add('reader.listener-threw'))
  }

  /** Instances held, the ended ones that are not forgotten yet included. */
  get size(): number {
    return this.#table.size
  }

  /** The instance's last sample, also when its writers are gone. Undefined when it is unknown or disposed. */
  get(key: string): Sample<T> | undefined {
    const instance = this.#table.get(key)
    return instance === undefined || instance.state === InstanceState.disposed ? undefined : this.#hand(instance)
  }

  /** All instances that are alive or without writers. Do not write to the reader's topic while iterating. */
  *entries(): IterableIterator<[string, Sample<T>]> {
    for (const instance of this.#table.values()) {
      if (instance.state !== InstanceState.disposed) yield [instance.key, this.#hand(instance)]
    }
  }

  /** The writers that carry the instance's value now: its owner, relays, or both. Empty when it is unknown or ended. */
  carriers(key: string): readonly EntityGuid[] {
    return this.#table.carriers(key)
  }

  /** Calls `listener` at once for every change that is applied. What it throws is counted, never rethrown. */
  onSample(listener: (sample: Sample<T>) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /**
   * Resolves when every writer known at the call has been caught up; right after joining it first gives those
   * who are there the time to answer. Writers that leave meanwhile, or whose host falls silent, are not waited for.
   *
   * @throws NumacastError NUMACAST_CLOSED when the reader closes first; the signal's reason when it aborts
   */
  synced(options: WaitOptions = {}): Promise<void> {
    if (this.#closed) return Promise.reject(closedError(this.topic.name))
    return raceSignal(this.#components.synced(this.entity, options.signal), options.signal)
  }

  lag(): readonly WriterLag[] {
    return [...this.#proxies.values()].map((proxy) => ({
      writer: proxy.guid,
      appliedSeq: proxy.progress.appliedSeq,
      headSeq: proxy.progress.headSeq,
      lagSamples: proxy.progress.lagSamples,
      catchUpState: this.#components.catchUpState(proxy),
    }))
  }

  /**
   * What is held at the call, then every change. A slow consumer gets each instance's latest value, not each
   * value. Ends when the reader closes.
   */
  [Symbol.asyncIterator](): AsyncIterator<Sample<T>> {
    const mailbox = new Mailbox<Instance>({ capacity: this.#mailboxCapacity, conflateBy: (instance) => instance.key })
    for (const instance of this.#table.values()) {
      if (instance.state !== InstanceState.disposed) this.#post(mailbox, instance)
    }
    if (this.#closed) mailbox.close()
    else this.#mailboxes.add(mailbox)
    return {
      next: async () => {
        const result = await mailbox.next()
        return result.done === true ? result : { done: false, value: this.#hand(result.value) }
      },
      return: () => {
        this.#mailboxes.delete(mailbox)
        mailbox.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  /** Twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#components.closed()
    for (const mailbox of this.#mailboxes) mailbox.close()
    this.#mailboxes.clear()
    this.#listeners.clear()
  }

  /** @internal */
  get proxies(): ReadonlyMap<EntityGuid, WriterProxy> {
    return this.#proxies
  }

  /** @internal */
  addProxy(proxy: WriterProxy): void {
    this.#proxies.set(proxy.guid, proxy)
  }

  /** @internal The writer has left or no longer matches; `disposed` when it takes its instances with it. */
  removeProxy(guid: EntityGuid, state: 'disposed' | 'no-writers'): void {
    if (!this.#proxies.delete(guid)) return
    this.#abandon(guid, state, undefined)
  }

  /** @internal A frame of live changes. */
  receiveLive(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): void {
    const last = samples.at(-1)
    if (last === undefined) return
    const { progress } = proxy
    const appliedSeq = progress.appliedSeq
    for (const sample of samples) {
      if (sample.seq <= appliedSeq) {
        this.#components.counters.add('reader.duplicate')
        continue
      }
      this.#take(proxy, head, sample)
    }
    // Best effort repairs nothing: what was missed is lost, and counted, and the token goes on.
    if (proxy.started && this.qos.reliability === Reliability.bestEffort) {
      const skipped = progress.skipTo(head.prevSeq)
      if (skipped > 0) this.#components.counters.add('reader.lost', skipped)
    }
    progress.receive(head.prevSeq, last.seq)
  }

  /** @internal Changes from a catch-up reply; the caller moves the token. */
  receiveCatchUp(proxy: WriterProxy, head: SamplesHead, samples: readonly WireSample[]): void {
    for (const sample of samples) {
      proxy.bootstrap?.seen.add(sample.key)
      this.#take(proxy, head, sample)
    }
  }

  /** @internal The whole cache has been received: what the writer carried before and has no more is gone. */
  finishBootstrap(proxy: WriterProxy): void {
    const { bootstrap } = proxy
    proxy.bootstrap = undefined
    if (bootstrap !== undefined) this.#abandon(proxy.guid, InstanceState.disposed, bootstrap)
  }

  /** @internal Forgets ended instances whose time is up. */
  sweep(nowMs: number): void {
    const { purgeDisposedMs, purgeNoWritersMs } = this.qos.readerDataLifecycle
    this.#table.purge(nowMs - (purgeDisposedMs ?? Infinity), nowMs - (purgeNoWritersMs ?? Infinity))
  }

  #take(proxy: WriterProxy, head: SamplesHead, sample: WireSample): void {
    const { counters, clock } = this.#components
    const { frame, valueStart, valueEnd } = sample
    let value: T | undefined
    if (valueEnd - valueStart > this.topic.maxSampleBytes) {
      counters.add('reader.rejected.too-large')
      return
    }
    if (!sample.disposed) {
      try {
        checkRecord(frame, valueStart, valueEnd, proxy.info.fields.length)
        if (this.topic.hasSchema || this.#filter !== undefined) {
          const judged = this.#judge(proxy, frame.subarray(valueStart, valueEnd))
          if (judged === undefined) return
          value = judged
        }
      } catch (error) {
        counters.add(`reader.rejected.${rejectionOf(error)}`)
        return
      }
    }
    const { origin } = sample
    const token = origin
      ? { writer: entityGuid(origin.participant, origin.writer), seq: origin.seq }
      : { writer: proxy.guid, seq: sample.valueSeq }
    const nowMs = clock.nowMs()
    const isGivenUp = sample.valueSeq < sample.seq
    if (isGivenUp) {
      const held = this.#table.get(sample.key)
      // Who was not there when it was alive has not lost it.
      if (held === undefined && (proxy.bootstrap !== undefined || !proxy.started)) return
      const isKnown = held?.owner === token.writer && held.seq >= token.seq && held.state !== InstanceState.alive
      if (isKnown) return
    }
    const outcome = this.#table.apply(
      {
        key: sample.key,
        disposed: sample.disposed,
        token,
        via: proxy.guid,
        viaSeq: sample.seq,
        originTimeMs: nowMs - sample.ageMs,
        sourceTimeMs: head.sentWallMs - sample.ageMs,
        bytes: frame,
        start: valueStart,
        end: valueEnd,
        fields: proxy.info.fields,
        value,
      },
      nowMs,
    )
    if (outcome !== Outcome.applied && !isGivenUp) counters.add(`reader.${outcome}`)
    const isOrphaned = isGivenUp && this.#giveUp(sample.key, proxy.guid, nowMs)
    if (outcome === Outcome.applied || isOrphaned) this.#notify(sample.key)
  }

  /** Decodes by the writer's fields; undefined when schema or filter says no. */
  #judge(proxy: WriterProxy, bytes: Buffer): T | undefined {
    const { counters } = this.#components
    const decoded = decodeRecord<T>(proxy.info.fields, bytes)
    const checked = this.topic.check(decoded)
    if ('refused' in checked) {
      counters.add('reader.rejected.schema')
      return undefined
    }
    if (this.#filter !== undefined && !this.#filter(checked.value)) {
      counters.add('reader.filtered')
      return undefined
    }
    return checked.value
  }

  #notify(key: string): void {
    const instance = this.#table.get(key)
    if (instance === undefined) return
    for (const mailbox of this.#mailboxes) this.#post(mailbox, instance)
    if (this.#listeners.size > 0) this.#listeners.emit(this.#hand(instance))
  }

  #post(mailbox: Mailbox<Instance>, instance: Instance): void {
    const { dropped, conflated } = mailbox
    mailbox.push(instance)
    if (mailbox.conflated > conflated) this.#components.counters.add('reader.mailbox-conflated')
    if (mailbox.dropped > dropped) this.#components.counters.add('reader.mailbox-dropped')
  }

  #hand(instance: Instance): Sample<T> {
    const sample = toSample<T>(instance, instance.viewed ? ViewState.notNew : ViewState.new)
    instance.viewed = true
    return sample
  }

  /** The writer carries nothing any more; or nothing up to the bootstrap's base but what the bootstrap has brought. */
  #abandon(writer: EntityGuid, state: 'disposed' | 'no-writers', bootstrap: Bootstrap | undefined): void {
    const nowMs = this.#components.clock.nowMs()
    const rivals = new Set<EntityGuid>()
    for (const { key } of this.#table.values()) {
      const carriedSeq = this.#table.carriedBy(key, writer)
      if (carriedSeq === undefined) continue
      // Newer than the base: written while the reply was on its way.
      if (bootstrap !== undefined && (bootstrap.seen.has(key) || carriedSeq > bootstrap.base)) continue
      if (!this.#table.abandon(key, writer, state, nowMs)) continue
      if (state === InstanceState.noWriters) for (const rival of this.#table.rivals(key)) rivals.add(rival)
      this.#notify(key)
    }
    this.#refresh(rivals)
  }

  /** The writer has unregistered the instance. True when nobody is left who carries its value. */
  #giveUp(key: string, writer: EntityGuid, nowMs: number): boolean {
    if (!this.#table.abandon(key, writer, InstanceState.noWriters, nowMs)) return false
    this.#refresh(this.#table.rivals(key))
    return true
  }

  /** Those who carry values that were not kept are asked for them. */
  #refresh(rivals: Iterable<EntityGuid>): void {
    for (const rival of rivals) {
      const proxy = this.#proxies.get(rival)
      if (proxy === undefined || proxy.stale) continue
      proxy.stale = true
      this.#components.refresh(rival)
    }
  }
}

function closedError(topic: string): NumacastError {
  return new NumacastError('NUMACAST_CLOSED', `the reader of '${topic}' is closed`)
}
