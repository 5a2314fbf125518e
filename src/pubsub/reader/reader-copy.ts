import { ApplyResult, WithdrawResult } from '../../cache/apply-result.js'
import {
  type Arrival,
  arrivalNow,
  type HeldSample,
  type IncomingChange,
  type Instance,
  InstanceState,
} from '../../cache/instance.js'
import { InstanceTable } from '../../cache/instance-table.js'
import { type OwnerRank, Precedence } from '../../cache/precedence.js'
import { SampleQueue } from '../../cache/sample-queue.js'
import type { EntityGuid, Seq } from '../../core/ids.js'
import { KeyedHeap } from '../../core/keyed-heap.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { DeadlineTimer } from '../../core/time/deadline-timer.js'
import { History } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import { LostReason, RejectedReason } from '../model/events.js'
import type { ReaderStatus } from './reader-status.js'
import { TimeBasedFilter } from './time-based-filter.js'
import type { Bootstrap } from './writer-proxy.js'

/** Knows the writers that carry a copy's instances; `MatchedWriters` does. */
export interface CarrierWriters {
  /** Returns undefined for a writer that is not matched, or not alive. */
  rankOf(writer: EntityGuid): OwnerRank | undefined
  /** Requests the writer's cache again, because it carries values that are wanted and not held. */
  refresh(writer: EntityGuid): void
}

/** Shows the copy to the application; `SampleDispatcher` does. */
export interface CopyView {
  /** The application's view has changed. @param hasArrived by a change that has just arrived */
  viewChanged(instance: Instance, held: HeldSample, hasArrived: boolean): void
}

export interface ReaderCopyComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly status: ReaderStatus
  readonly writers: CarrierWriters
  readonly view: CopyView
}

/**
 * The copy of a reader: the instances as the writers have them, what the application sees of them and when (time-based
 * filter), the samples that wait to be taken, and their deadlines.
 */
export class ReaderCopy {
  readonly table: InstanceTable
  readonly queue: SampleQueue
  readonly #components: ReaderCopyComponents
  readonly #qos: ResolvedQos
  readonly #filter: TimeBasedFilter | undefined
  readonly #deadline: DeadlineTimer<Instance> | undefined
  /** With a lifespan: instances with samples that wait, by when the oldest one expires. */
  readonly #expiry = new KeyedHeap<Instance>()

  constructor(components: ReaderCopyComponents, qos: ResolvedQos) {
    const { clock, writers } = components
    const { history, historyDepth, resourceLimits, timeBasedFilterMs, deadlineMs, ownership, destinationOrder } = qos
    this.#components = components
    this.#qos = qos
    this.queue = new SampleQueue({
      depth: history === History.keepAll ? Number.POSITIVE_INFINITY : historyDepth,
      maxSamples: resourceLimits.maxSamples ?? Number.POSITIVE_INFINITY,
      maxSamplesPerInstance: resourceLimits.maxSamplesPerInstance ?? Number.POSITIVE_INFINITY,
    })
    this.table = new InstanceTable({
      maxInstances: resourceLimits.maxInstances,
      precedence: new Precedence({ ownership, destinationOrder, standingOf: (writer) => writers.rankOf(writer) }),
      hasHistory: this.queue.hasHistory,
      isPaced: timeBasedFilterMs > 0,
      hasRoom: (instance) => this.queue.limitOf(instance) === undefined,
      forgotten: (instance) => this.#onInstanceRemoved(instance),
    })
    if (timeBasedFilterMs > 0) {
      this.#filter = new TimeBasedFilter(clock, timeBasedFilterMs, (instance) => {
        if (this.table.isHeldBack(instance)) this.#show(instance, true, false)
      })
    }
    if (deadlineMs !== null) {
      this.#deadline = new DeadlineTimer(clock, deadlineMs, (instance) => this.#onDeadlineMissed(instance))
    }
  }

  /** Takes a change in. Returns the reason when there is no room for it. */
  apply(change: IncomingChange, arrival: Arrival): RejectedReason | undefined {
    const outcome = this.table.apply(change, arrival)
    if (outcome === ApplyResult.refused) return this.#limitOf(change.key)
    if (outcome !== ApplyResult.applied && outcome !== ApplyResult.restored && outcome !== ApplyResult.beside) {
      this.#components.counters.add(`reader.${outcome}`)
      return undefined
    }
    const instance = this.table.touched
    if (instance === undefined) return undefined
    if (outcome === ApplyResult.beside) {
      this.#showNonCurrent(instance, change, arrival)
      return undefined
    }
    if (this.#deadline !== undefined) this.#renew(instance, arrival.nowMs)
    if (outcome === ApplyResult.restored) instance.current.validData = false
    if (this.#filter?.isResting(instance) === true && isValue(instance)) {
      this.#components.counters.add('reader.time-filtered')
    } else this.#show(instance, outcome === ApplyResult.applied, true)
    return undefined
  }

  /** Yields what the application may see now: the samples that wait, or without a history each instance's last one. */
  *held(): IterableIterator<{ readonly instance: Instance; readonly held: HeldSample }> {
    const { queue, table } = this
    for (const instance of table.values()) {
      if (queue.hasHistory) for (const held of queue.samplesOf(instance)) yield { instance, held }
      else if (instance.shownState !== InstanceState.disposed && instance.wasShown) {
        yield { instance, held: instance.shown }
      }
    }
  }

  /** Removes the writer as a carrier of the instance, because it unregisters the instance. */
  unregister(key: string, writer: EntityGuid, viaSeq: Seq, arrival: Arrival): void {
    this.table.recordUnregistration(key, writer, viaSeq)
    const rivals = new Set<EntityGuid>()
    this.#withdraw(key, writer, InstanceState.noWriters, arrival, rivals)
    for (const rival of rivals) this.#components.writers.refresh(rival)
  }

  /**
   * Removes the writer as a carrier of every instance. With a bootstrap: of the instances that it left out, up to its
   * base.
   */
  withdraw(writer: EntityGuid, state: 'disposed' | 'no-writers', bootstrap: Bootstrap | undefined): void {
    const arrival = arrivalNow(this.#components.clock)
    const rivals = new Set<EntityGuid>()
    for (const { key } of this.table.values()) {
      const carriedSeq = this.table.deliveredSeq(key, writer)
      if (carriedSeq === undefined) continue
      // Newer than the base: written while the reply was on its way.
      if (bootstrap !== undefined && (bootstrap.seen.has(key) || carriedSeq > bootstrap.base)) continue
      this.#withdraw(key, writer, state, arrival, rivals)
    }
    for (const rival of rivals) this.#components.writers.refresh(rival)
  }

  /** The writer is unreachable: under exclusive ownership the next strongest writer takes over its instances. */
  demote(writer: EntityGuid): void {
    if (!this.table.isExclusive) return
    const rivals = new Set<EntityGuid>()
    for (const { key } of this.table.values()) {
      if (this.table.demote(key, writer)) for (const rival of this.table.rivals(key)) rivals.add(rival)
    }
    for (const rival of rivals) this.#components.writers.refresh(rival)
  }

  /** Whether at least half of the limit that stopped a writer is free, so that it is not asked for each sample. */
  hasRoomAgain(key: string, reason: RejectedReason): boolean {
    const { maxInstances, maxSamples, maxSamplesPerInstance } = this.#qos.resourceLimits
    if (reason === RejectedReason.instancesLimit) return this.table.hasRoom
    if (reason === RejectedReason.samplesLimit) return this.queue.size <= (maxSamples ?? maxInstances) / 2
    const instance = this.table.get(key)
    return (
      instance === undefined || this.queue.countOf(instance) <= (maxSamplesPerInstance ?? Number.POSITIVE_INFINITY) / 2
    )
  }

  /** True when the value is too old to be shown. */
  isExpired(held: HeldSample, nowMs: number): boolean {
    const { lifespanMs } = this.#qos
    return lifespanMs !== null && nowMs - held.originTimeMs > lifespanMs
  }

  /** Forgets instances that ended long enough ago, and samples that have outlived their lifespan. */
  expire(nowMs: number): void {
    const { lifespanMs, readerDataLifecycle } = this.#qos
    const { purgeDisposedMs, purgeNoWritersMs } = readerDataLifecycle
    this.table.purge(nowMs - (purgeDisposedMs ?? Infinity), nowMs - (purgeNoWritersMs ?? Infinity))
    if (lifespanMs === null) return
    // A sample expires when it is older than its lifespan, not at the same instant.
    for (let due = this.#expiry.shift(nowMs); due !== undefined; due = this.#expiry.shift(nowMs)) {
      const expired = this.queue.expire(due, nowMs - lifespanMs)
      if (expired > 0) this.#components.counters.add('reader.expired', expired)
      for (const held of this.queue.samplesOf(due)) this.#watchExpiry(due, held, nowMs)
    }
  }

  close(): void {
    this.#filter?.close()
    this.#deadline?.close()
  }

  #withdraw(
    key: string,
    writer: EntityGuid,
    state: 'disposed' | 'no-writers',
    arrival: Arrival,
    rivals: Set<EntityGuid>,
  ): void {
    const abandoned = this.table.withdraw(key, writer, state, arrival)
    if (abandoned === WithdrawResult.kept) return
    if (abandoned === WithdrawResult.orphaned) {
      for (const rival of this.table.rivals(key)) rivals.add(rival)
      return
    }
    const instance = this.table.get(key)
    if (instance === undefined) return
    this.#deadline?.end(instance)
    this.#show(instance, this.table.isHeldBack(instance), false)
  }

  /** Shows what is current to the application: with `isWritten` as a new sample, else its state only. */
  #show(instance: Instance, isWritten: boolean, hasArrived: boolean): void {
    if (!this.table.makeVisible(instance)) {
      if (instance.state === InstanceState.disposed) this.#components.counters.add('reader.unknown-instance')
      return
    }
    if (this.#filter !== undefined && isValue(instance)) this.#filter.recordShown(instance)
    const held = this.queue.push(instance, isWritten && instance.shown.validData)
    this.#watchExpiry(instance, held)
    this.#components.view.viewChanged(instance, held, hasArrived)
  }

  #showNonCurrent(instance: Instance, change: IncomingChange, arrival: Arrival): void {
    if (this.#filter !== undefined) {
      this.#components.counters.add('reader.time-filtered')
      return
    }
    const held = this.table.sampleOf(instance, change, arrival)
    this.queue.pushNonCurrent(instance, held)
    this.#watchExpiry(instance, held)
    this.#components.view.viewChanged(instance, held, true)
  }

  /** A sample that waits expires in time. @param afterMs the next check is later than this */
  #watchExpiry(instance: Instance, { validData, originTimeMs }: HeldSample, afterMs = 0): void {
    const { lifespanMs } = this.#qos
    if (lifespanMs !== null && validData)
      this.#expiry.advance(instance, Math.max(originTimeMs + lifespanMs, afterMs + 1))
  }

  #renew(instance: Instance, nowMs: number): void {
    if (isValue(instance)) this.#deadline?.renew(instance, nowMs)
    else this.#deadline?.end(instance)
  }

  /** Opens the instance to the next strongest writer. Its own deadline brings its next sample soon, without a request. */
  #onDeadlineMissed(instance: Instance): void {
    if (this.table.isExclusive) this.table.demote(instance.key, instance.current.via)
    this.#components.status.deadlineMissed(instance.key)
  }

  #limitOf(key: string): RejectedReason {
    const limit = this.queue.limitOf(this.table.get(key))
    if (limit === 'maxSamples') return RejectedReason.samplesLimit
    return limit === undefined ? RejectedReason.instancesLimit : RejectedReason.samplesPerInstanceLimit
  }

  #onInstanceRemoved(instance: Instance): void {
    this.#filter?.removeInstance(instance)
    this.#expiry.delete(instance)
    this.#deadline?.end(instance)
    const unread = this.queue.removeInstance(instance)
    if (this.queue.hasHistory) this.#components.status.lost(instance.current.owner, unread, LostReason.purged)
  }
}

function isValue({ state, current }: Instance): boolean {
  return state === InstanceState.alive && current.byteLength > 0
}
