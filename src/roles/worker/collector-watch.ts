import type { Clock, Timer } from '../../core/clock.js'
import { type EntityGuid, type Guid, participantOf } from '../../core/ids.js'
import type { Participant } from '../../pubsub/participant.js'

/** What the watch tells its worker. */
export interface CollectorWatchHost {
  /** A collector, or an adopter of the node, has begun to receive the worker; or none has for `unservedAfterMs`. */
  servedChanged(isServed: boolean): void
}

export interface CollectorWatchOptions {
  /** `Infinity` never tells that the worker is unserved. */
  readonly unservedAfterMs: number
}

/**
 * Watches whether any collector receives a worker: one that serves its node, or one that adopted it. A worker without one
 * runs and appears in no view.
 */
export class CollectorWatch {
  readonly #clock: Clock
  readonly #participant: Participant
  readonly #host: CollectorWatchHost
  readonly #options: CollectorWatchOptions
  readonly #servers = new Map<Guid, Set<EntityGuid>>()
  #timer: Timer | undefined
  #isServed = true

  constructor(participant: Participant, options: CollectorWatchOptions, host: CollectorWatchHost) {
    this.#clock = participant.clock
    this.#participant = participant
    this.#options = options
    this.#host = host
    this.#arm()
  }

  /** False once no collector has received the worker for `unservedAfterMs`. */
  get isServed(): boolean {
    return this.#isServed
  }

  /** A reader of the worker's state has been matched, or its match has ended. */
  matched(reader: EntityGuid, isMatched: boolean): void {
    const guid = participantOf(reader)
    const readers = this.#servers.get(guid) ?? new Set()
    if (isMatched && this.#serves(guid)) this.#servers.set(guid, readers.add(reader))
    else if (readers.delete(reader) && readers.size === 0) this.#servers.delete(guid)
    if (this.#servers.size === 0) this.#arm()
    else this.#served()
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Other participants may read the state of workers too; only these report it to the plane. */
  #serves(guid: Guid): boolean {
    const role = guid === this.#participant.guid ? 'collector' : this.#participant.peer(guid)?.properties.role
    return role === 'collector' || role === 'scheduler'
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(this.#options.unservedAfterMs, () => {
      this.#timer = undefined
      if (this.#servers.size > 0 || !this.#isServed) return
      this.#isServed = false
      this.#host.servedChanged(false)
    })
  }

  #served(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isServed) return
    this.#isServed = true
    this.#host.servedChanged(true)
  }
}
