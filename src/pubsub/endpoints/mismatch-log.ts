import type { Counters } from '../../core/reporting/counters.js'
import type { MismatchEvent } from '../model/events.js'
import type { LocalEndpoints } from './local-endpoints.js'

/** Pairs remembered; the oldest are forgotten first, because a peer may invent endpoints. */
const maxRemembered = 4096

/** Passes mismatches on to the application; `ParticipantEvents` does. */
export interface MismatchSink {
  mismatchFound(event: MismatchEvent): void
}

/** Reports each pair of endpoints that cannot be matched once, whichever side is the local one. */
export class MismatchLog {
  readonly #counters: Counters
  readonly #endpoints: LocalEndpoints
  readonly #sink: MismatchSink
  readonly #reported = new Set<string>()

  constructor(counters: Counters, endpoints: LocalEndpoints, sink: MismatchSink) {
    this.#counters = counters
    this.#endpoints = endpoints
    this.#sink = sink
  }

  get size(): number {
    return this.#reported.size
  }

  report(event: MismatchEvent): void {
    const pair = `${event.writer} ${event.reader}`
    if (this.#reported.has(pair)) return
    this.#reported.add(pair)
    const oldest = this.#reported.keys().next()
    if (this.#reported.size > maxRemembered && oldest.done !== true) this.#reported.delete(oldest.value)
    this.#counters.add(`match.${event.kind}`)
    this.#sink.mismatchFound(event)
    this.#endpoints.reportMismatch(event)
  }
}
