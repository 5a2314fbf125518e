import type { LastValueCache } from '../../cache/last-value-cache.js'
import { ConditionWaiters } from '../../core/condition-waiters.js'
import type { NumacastError } from '../../core/errors.js'
import type { EntityGuid, Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { type AcknowledgmentDemand, Acknowledgments, type AckRequester } from './acknowledgments.js'
import { ReaderAcknowledgments, type ReaderAcknowledgmentsListener } from './reader-acknowledgments.js'
import type { WriterStatus } from './writer-status.js'

/** Tells how far a writer's changes have been sent; `LiveSender` does. */
export interface SentChanges {
  /** Every change up to this number has been passed to the lane. */
  readonly sentSeq: Seq
}

export interface UnacknowledgedChangesComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly cache: LastValueCache
  readonly sent: SentChanges
  readonly requester: AckRequester
  readonly status: WriterStatus
}

/** Tracks what a writer's readers have not acknowledged. Releases what they have, and wakes the callers that wait for it. */
export class UnacknowledgedChanges implements AcknowledgmentDemand, ReaderAcknowledgmentsListener {
  readonly readers: ReaderAcknowledgments
  readonly #components: UnacknowledgedChangesComponents
  readonly #acknowledgments: Acknowledgments
  readonly #acknowledged = new ConditionWaiters()
  readonly #room = new ConditionWaiters()
  /** The highest number that a wait for acknowledgments is about. */
  #awaitedSeq: Seq = 0

  constructor(components: UnacknowledgedChangesComponents) {
    const { clock, counters, requester } = components
    this.#components = components
    this.readers = new ReaderAcknowledgments(this)
    this.#acknowledgments = new Acknowledgments({ clock, counters, readers: this.readers, requester, demand: this })
  }

  /** Resolves when every reliable reader has every change up to `seq`. */
  async acknowledged(seq: Seq, signal: AbortSignal | undefined): Promise<void> {
    this.#awaitedSeq = Math.max(this.#awaitedSeq, seq)
    const { sent } = this.#components
    const isAcknowledged = (): boolean => sent.sentSeq >= seq && this.readers.acknowledgedSeq() >= seq
    const waiting = this.#acknowledged.wait(isAcknowledged, signal)
    this.#acknowledgments.want(true)
    await waiting
  }

  /** Resolves when there is room for one more value of the instance. */
  async roomFor(key: string, signal: AbortSignal | undefined): Promise<void> {
    const { cache } = this.#components
    const waiting = this.#room.wait(() => cache.limitReached(key) === undefined, signal)
    if (cache.isKeepAll) this.#acknowledgments.want(true)
    await waiting
  }

  /** More changes have been passed to the lane. */
  changesSent(): void {
    if (!this.#components.cache.isKeepAll && this.#acknowledged.size === 0) return
    this.onProgress()
    this.#acknowledgments.want(false)
  }

  /** An instance has ended. */
  roomMade(): void {
    this.#room.check()
  }

  /** Rejects every wait with `closed`. Idempotent. */
  close(closed: NumacastError): void {
    this.#acknowledgments.close()
    this.#acknowledged.reject(closed)
    this.#room.reject(closed)
  }

  get wantedSeq(): Seq {
    if (this.#components.cache.isKeepAll) return this.#components.sent.sentSeq
    return this.#acknowledged.size > 0 ? this.#awaitedSeq : 0
  }

  onChange(reader: EntityGuid, isMatched: boolean): void {
    if (isMatched) this.#acknowledgments.want(false)
    this.#components.status.matched(reader, isMatched, this.readers.size, this.readers.totalCount)
  }

  onProgress(): void {
    const { cache, sent } = this.#components
    const releasedSeq = Math.min(this.readers.acknowledgedSeq(), sent.sentSeq)
    if (cache.isKeepAll && cache.release(releasedSeq)) this.#room.check()
    this.#acknowledged.check()
  }
}
