import type { EntityGuid } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { EndpointEvents } from '../model/endpoint-events.js'
import type { MismatchEvent, WriterEvent } from '../model/events.js'

/** Counts what happens to a writer and reports it to its listeners. */
export class WriterStatus {
  readonly #listeners: EndpointEvents<WriterEvent>
  readonly #totals = new Map<WriterEvent['kind'], number>()

  constructor(counters: Counters) {
    this.#listeners = new EndpointEvents(counters, 'writer.listener-threw')
  }

  onEvent(listener: (event: WriterEvent) => void): Subscription {
    return this.#listeners.listen(listener)
  }

  matched(reader: EntityGuid, isMatched: boolean, currentCount: number, totalCount: number): void {
    this.#listeners.emit({ kind: 'publication-matched', reader, isMatched, currentCount, totalCount })
  }

  mismatched(event: MismatchEvent): void {
    this.#listeners.emit({ ...event, totalCount: this.#count(event.kind) })
  }

  deadlineMissed(key: string): void {
    const kind = 'offered-deadline-missed'
    this.#listeners.emit({ kind, key, totalCount: this.#count(kind) })
  }

  livelinessLost(): void {
    const kind = 'liveliness-lost'
    this.#listeners.emit({ kind, totalCount: this.#count(kind) })
  }

  close(): void {
    this.#listeners.close()
  }

  #count(kind: WriterEvent['kind']): number {
    const total = (this.#totals.get(kind) ?? 0) + 1
    this.#totals.set(kind, total)
    return total
  }
}
