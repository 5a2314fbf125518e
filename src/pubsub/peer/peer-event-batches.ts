import type { Clock, Timer } from '../../core/clock.js'
import type { PeerEvent } from '../model/events.js'

/** Batches are at least this far apart. */
const minGapMs = 20

/**
 * Gathers what happens to peers: the first event goes out as soon as the loop has polled its sockets, those that follow
 * closely go out together. So one crash is told at once, and a storm of two hundred restarts costs its listener
 * a few calls instead of hundreds.
 */
export class PeerEventBatches {
  readonly #clock: Clock
  readonly #emit: (events: readonly PeerEvent[]) => void
  #waiting: PeerEvent[] = []
  #timer: Timer | undefined
  #emittedMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, emit: (events: readonly PeerEvent[]) => void) {
    this.#clock = clock
    this.#emit = emit
  }

  add(event: PeerEvent): void {
    this.#waiting.push(event)
    if (this.#timer !== undefined) return
    const leftMs = this.#emittedMs + minGapMs - this.#clock.nowMs()
    const flush = (): void => this.#flush()
    this.#timer = leftMs > 0 ? this.#clock.after(leftMs, flush) : this.#clock.afterPoll(flush)
  }

  /** What waits is told to nobody. Twice is fine. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#waiting = []
  }

  #flush(): void {
    const events = this.#waiting
    this.#waiting = []
    this.#timer = undefined
    this.#emittedMs = this.#clock.nowMs()
    this.#emit(events)
  }
}
