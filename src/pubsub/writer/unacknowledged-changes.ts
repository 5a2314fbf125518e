import type { LastValueCache } from '../../cache/last-value-cache.js'
import type { Clock } from '../../core/clock.js'
import { ConditionWaiters } from '../../core/condition-waiters.js'
import type { Counters } from '../../core/counters.js'
import type { NumacastError } from '../../core/errors.js'
import type { EntityGuid, Seq } from '../../core/ids.js'
import { Acknowledgments } from './acknowledgments.js'
import { ReaderAcknowledgments } from './reader-acknowledgments.js'

export interface UnacknowledgedChangesComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly cache: LastValueCache
  /** Everything up to here has been handed to the lane. */
  readonly sentSeq: () => Seq
  /** Asks the readers how far they are. */
  readonly ask: (seq: Seq) => void
  /** A reader has come (`isMatched`) or gone. */
  readonly onReader: (reader: EntityGuid, isMatched: boolean) => void
}

/** What a writer's readers have not acknowledged: releases what they have, and wakes those who wait for that. */
export class UnacknowledgedChanges {
  /** The writer's readers. */
  readonly audience: ReaderAcknowledgments
  readonly #components: UnacknowledgedChangesComponents
  readonly #acknowledgments: Acknowledgments
  readonly #acknowledged = new ConditionWaiters()
  readonly #roomy = new ConditionWaiters()
  /** The highest number that a wait for acknowledgments is about. */
  #awaitedSeq: Seq = 0

  constructor(components: UnacknowledgedChangesComponents) {
    const { clock, counters, ask, onReader } = components
    this.#components = components
    this.audience = new ReaderAcknowledgments({
      onChange: (reader, isMatched) => {
        if (isMatched) this.#acknowledgments.want(false)
        onReader(reader, isMatched)
      },
      onProgress: () => this.#progressed(),
    })
    this.#acknowledgments = new Acknowledgments({
      clock,
      counters,
      audience: this.audience,
      ask,
      wantedSeq: () => this.#wantedSeq(),
    })
  }

  /** Resolves when every reliable reader has everything up to `seq`. */
  async acknowledged(seq: Seq, signal: AbortSignal | undefined): Promise<void> {
    this.#awaitedSeq = Math.max(this.#awaitedSeq, seq)
    const isAcknowledged = (): boolean => this.#components.sentSeq() >= seq && this.audience.acknowledgedSeq() >= seq
    const waiting = this.#acknowledged.wait(isAcknowledged, signal)
    this.#acknowledgments.want(true)
    await waiting
  }

  /** Resolves when there is room for one more value of the instance. */
  async roomy(key: string, signal: AbortSignal | undefined): Promise<void> {
    const { cache } = this.#components
    const waiting = this.#roomy.wait(() => cache.limitReached(key) === undefined, signal)
    if (cache.isKeepAll) this.#acknowledgments.want(true)
    await waiting
  }

  /** More has been handed to the lane. */
  sent(): void {
    if (!this.#components.cache.isKeepAll && this.#acknowledged.size === 0) return
    this.#progressed()
    this.#acknowledgments.want(false)
  }

  /** Something has ended. */
  roomMade(): void {
    this.#roomy.look()
  }

  /** Whoever waits is told `closed`. Twice is fine. */
  close(closed: NumacastError): void {
    this.#acknowledgments.close()
    this.#acknowledged.abandon(closed)
    this.#roomy.abandon(closed)
  }

  #wantedSeq(): Seq {
    if (this.#components.cache.isKeepAll) return this.#components.sentSeq()
    return this.#acknowledged.size > 0 ? this.#awaitedSeq : 0
  }

  /** More is acknowledged than before, or more is sent, or less is waited for. */
  #progressed(): void {
    const { cache, sentSeq } = this.#components
    if (cache.isKeepAll && cache.release(Math.min(this.audience.acknowledgedSeq(), sentSeq()))) this.#roomy.look()
    this.#acknowledged.look()
  }
}
