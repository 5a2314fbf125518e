import type { EntityGuid } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { EndpointEvents } from '../model/endpoint-events.js'
import { type LostReason, type MismatchEvent, type ReaderEvent, RejectedReason } from '../model/events.js'

/** Counts what happens to a reader and reports it to its listeners. */
export class ReaderStatus {
  readonly #counters: Counters
  readonly #listeners: EndpointEvents<ReaderEvent>
  readonly #totals = new Map<ReaderEvent['kind'], number>()

  constructor(counters: Counters) {
    this.#counters = counters
    this.#listeners = new EndpointEvents(counters, 'reader.listener-threw')
  }

  onEvent(listener: (event: ReaderEvent) => void): Subscription {
    return this.#listeners.listen(listener)
  }

  matched(writer: EntityGuid, isMatched: boolean, currentCount: number): void {
    const kind = 'subscription-matched'
    const totalCount = this.#count(kind, isMatched ? 1 : 0)
    this.#listeners.emit({ kind, writer, isMatched, currentCount, totalCount })
  }

  livelinessChanged(writer: EntityGuid, isAlive: boolean, aliveCount: number, notAliveCount: number): void {
    this.#listeners.emit({ kind: 'liveliness-changed', writer, isAlive, aliveCount, notAliveCount })
  }

  mismatched(event: MismatchEvent): void {
    this.#listeners.emit({ ...event, totalCount: this.#count(event.kind) })
  }

  deadlineMissed(key: string): void {
    const kind = 'requested-deadline-missed'
    this.#counters.add('reader.deadline-missed')
    this.#listeners.emit({ kind, key, totalCount: this.#count(kind) })
  }

  lost(writer: EntityGuid, lostCount: number, reason: LostReason): void {
    if (lostCount <= 0) return
    const kind = 'sample-lost'
    this.#counters.add(`reader.lost.${reason}`, lostCount)
    this.#listeners.emit({ kind, writer, reason, lostCount, totalCount: this.#count(kind, lostCount) })
  }

  rejected(writer: EntityGuid, key: string, reason: RejectedReason, detail: string): void {
    const kind = 'sample-rejected'
    // The detail of a malformed sample is a word of a closed set; other details are for people.
    this.#counters.add(`reader.rejected.${reason === RejectedReason.malformed ? detail : reason}`)
    this.#listeners.emit({ kind, writer, key, reason, detail, totalCount: this.#count(kind) })
  }

  close(): void {
    this.#listeners.close()
  }

  #count(kind: ReaderEvent['kind'], by = 1): number {
    const total = (this.#totals.get(kind) ?? 0) + by
    this.#totals.set(kind, total)
    return total
  }
}
