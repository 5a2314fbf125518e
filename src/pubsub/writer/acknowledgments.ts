import type { Clock, Timer } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { Seq } from '../../core/ids.js'
import type { ReaderAcknowledgments } from './reader-acknowledgments.js'

export interface AcknowledgmentsComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly audience: ReaderAcknowledgments
  /** Asks all readers that lack an acknowledgment of something up to `seq` to say how far they are. */
  readonly ask: (seq: Seq) => void
  /** Up to where somebody waits for acknowledgments now; 0: nobody does. */
  readonly wantedSeq: () => Seq
}

/** Between two questions when nobody waits for the answer. */
const askEveryMs = 100
/** Between two questions at least. */
const minSpacingMs = 10
/** A reader that lacks something and says nothing for so long, though it is asked, is not waited for any more. */
const silenceMs = 10_000

/**
 * Learns how far a writer's reliable readers are, while somebody wants to know: readers say it with each pull, and
 * pull when they are asked. Nobody wants to know: nothing is sent, and no timer is set.
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

  /** To be called when somebody may have begun to wait. @param now whether somebody waits, so that it is asked as soon as may be */
  want(now: boolean): void {
    if (this.#closed || !this.#isWanted()) return
    if (!now) {
      this.#timer ??= this.#components.clock.after(askEveryMs, () => this.#look())
      return
    }
    this.#timer?.cancel()
    const dueMs = this.#askedMs + minSpacingMs - this.#components.clock.nowMs()
    if (dueMs <= 0) this.#ask()
    else this.#timer = this.#components.clock.after(dueMs, () => this.#look())
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #isWanted(): boolean {
    const { audience, wantedSeq } = this.#components
    return audience.acknowledgedSeq() < wantedSeq()
  }

  #look(): void {
    this.#timer = undefined
    if (this.#isWanted()) this.#ask()
    else this.#askingSinceMs = undefined
  }

  #ask(): void {
    const { clock, counters, audience, ask, wantedSeq } = this.#components
    const nowMs = clock.nowMs()
    this.#askingSinceMs ??= nowMs
    this.#askedMs = nowMs
    if (nowMs - this.#askingSinceMs > silenceMs) {
      for (const reader of audience.silent(wantedSeq(), nowMs - silenceMs)) {
        counters.add('writer.reader-given-up')
        audience.leave(reader)
      }
    }
    if (this.#isWanted()) ask(wantedSeq())
    this.#timer = clock.after(askEveryMs, () => this.#look())
  }
}
