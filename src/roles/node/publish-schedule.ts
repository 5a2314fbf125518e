import type { Clock } from '../../core/time/clock.js'
import { Coalescer } from '../../core/time/coalescer.js'

/** Rows are written again after this, so that a view can tell a row's age from the silence of its server. */
export const rosterRefreshMs = 5_000
/** A change of liveliness is not paced. During a burst, as when a host's workers restart, this bounds the rate. */
const urgentIntervalMs = 5

/** Takes note that what a server publishes has changed. */
export interface RosterChanges {
  /** Publishes with the next paced publication. */
  publishPaced(): void
  /** Publishes at once: a worker's liveliness, or the holder of a name, has changed. */
  publishNow(): void
}

/** What is published, and how it is sent at once. */
export interface RosterPublication {
  publish(): void
  flush(): void
}

/** Decides when the server of a node publishes: nothing before {@link PublishSchedule.start}. */
export class PublishSchedule implements RosterChanges {
  readonly #paced: Coalescer
  readonly #urgent: Coalescer
  #isStarted = false
  #isClosed = false

  constructor(clock: Clock, rosterIntervalMs: number, publication: RosterPublication) {
    const pacing = { leading: 'after-poll', refreshMs: rosterRefreshMs } as const
    this.#paced = new Coalescer(clock, rosterIntervalMs, () => publication.publish(), pacing)
    this.#urgent = new Coalescer(clock, urgentIntervalMs, () => {
      this.#paced.now()
      publication.flush()
    })
  }

  get isStarted(): boolean {
    return this.#isStarted
  }

  /** Publishes for the first time. Does nothing after that, or after {@link close}. */
  start(): void {
    if (this.#isStarted || this.#isClosed) return
    this.#isStarted = true
    this.#paced.now()
  }

  publishPaced(): void {
    if (this.#isStarted) this.#paced.request()
  }

  publishNow(): void {
    if (this.#isStarted) this.#urgent.request()
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#paced.close()
    this.#urgent.close()
  }
}
