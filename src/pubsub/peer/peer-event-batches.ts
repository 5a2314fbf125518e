import type { Clock } from '../../core/time/clock.js'
import { Coalescer } from '../../core/time/coalescer.js'
import type { PeerEvent } from '../model/events.js'

/** Batches are at least this far apart. */
const minGapMs = 20

/**
 * Gathers what happens to peers. The first event goes out as soon as the loop has polled its sockets; events that follow
 * closely go out together. One crash is reported at once, and a storm of two hundred restarts costs its listener a few
 * calls instead of hundreds.
 */
export class PeerEventBatches {
  readonly #emitting: Coalescer
  #waiting: PeerEvent[] = []

  constructor(clock: Clock, emit: (events: readonly PeerEvent[]) => void) {
    const flush = (): void => {
      const events = this.#waiting
      this.#waiting = []
      emit(events)
    }
    this.#emitting = new Coalescer(clock, minGapMs, flush, { leading: 'after-poll' })
  }

  add(event: PeerEvent): void {
    this.#waiting.push(event)
    this.#emitting.request()
  }

  /** What waits is not emitted. Idempotent. */
  close(): void {
    this.#emitting.close()
    this.#waiting = []
  }
}
