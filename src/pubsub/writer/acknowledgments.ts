import type { Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import type { ReaderAcknowledgments } from './reader-acknowledgments.js'

/** Sends a writer's question to its readers; `WriterConnection` does. */
export interface AckRequester {
  /** Asks the readers of the writer how much of the numbers up to `seq` they have applied. */
  askReaders(seq: Seq): void
}

/** Tells whether acknowledgments are wanted; `UnacknowledgedChanges` does. */
export interface AcknowledgmentDemand {
  /** Up to which number acknowledgments are waited for now; 0: none are. */
  readonly wantedSeq: Seq
}

export interface AcknowledgmentsComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly readers: ReaderAcknowledgments
  readonly requester: AckRequester
  readonly demand: AcknowledgmentDemand
}

/** Time between two questions while no caller waits for the answer. */
const askEveryMs = 100
/** Shortest time between two questions. */
const minSpacingMs = 10
/** A reader that lacks changes and has not answered for this time is no longer waited for. */
const silenceMs = 10_000

/**
 * Learns how far a writer's reliable readers are, while that is wanted: readers report it with each pull, and pull when
 * they are asked. While it is not wanted, nothing is sent and no timer is set.
 */
export class Acknowledgments {
  readonly #components: AcknowledgmentsComponents
  #timer: Timer | undefined
  #askingSinceMs: number | undefined
  #askedMs = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(components: AcknowledgmentsComponents) {
    this.#components = components
  }

  /**
   * Starts asking, if acknowledgments are wanted.
   * @param now a caller waits, so the question is sent as soon as the spacing allows
   */
  want(now: boolean): void {
    if (this.#closed || !this.#isWanted()) return
    if (!now) {
      this.#timer ??= this.#components.clock.after(askEveryMs, () => this.#check())
      return
    }
    this.#timer?.cancel()
    const dueMs = this.#askedMs + minSpacingMs - this.#components.clock.nowMs()
    if (dueMs <= 0) this.#ask()
    else this.#timer = this.#components.clock.after(dueMs, () => this.#check())
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #isWanted(): boolean {
    const { readers, demand } = this.#components
    return readers.acknowledgedSeq() < demand.wantedSeq
  }

  #check(): void {
    this.#timer = undefined
    if (this.#isWanted()) this.#ask()
    else this.#askingSinceMs = undefined
  }

  #ask(): void {
    const { clock, counters, readers, requester, demand } = this.#components
    const nowMs = clock.nowMs()
    this.#askingSinceMs ??= nowMs
    this.#askedMs = nowMs
    if (nowMs - this.#askingSinceMs > silenceMs) {
      for (const reader of readers.silent(demand.wantedSeq, nowMs - silenceMs)) {
        counters.add('writer.reader-given-up')
        readers.leave(reader)
      }
    }
    if (this.#isWanted()) requester.askReaders(demand.wantedSeq)
    this.#timer = clock.after(askEveryMs, () => this.#check())
  }
}
