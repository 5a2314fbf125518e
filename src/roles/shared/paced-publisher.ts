import type { Clock, Timer } from '../../core/clock.js'
import { PublishInterval, type PublishIntervalOptions } from './publish-interval.js'

/** Publishes on change, never faster than the pace allows, and now and then without one. Begins with the first call. */
export class PacedPublisher {
  readonly #clock: Clock
  readonly #pace: PublishInterval
  readonly #publish: () => void
  #timer: Timer | undefined
  #closed = false

  constructor(clock: Clock, options: PublishIntervalOptions, publish: () => void) {
    this.#clock = clock
    this.#pace = new PublishInterval(options)
    this.#publish = publish
  }

  /** Something changed: published on a later turn, as soon as the pace allows. */
  touch(): void {
    if (!this.#closed && this.#pace.changed()) this.#arm()
  }

  /** Published before this returns, whatever the pace. */
  now(): void {
    if (this.#closed) return
    this.#pace.published(this.#clock.nowMs())
    this.#publish()
    this.#arm()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(this.#pace.dueInMs(this.#clock.nowMs()), () => this.now())
  }
}
