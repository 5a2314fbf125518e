import type { Counters } from '../../core/counters.js'
import type { MismatchEvent } from '../model/events.js'

/** Pairs remembered, oldest forgotten first: a peer that invents endpoints must not make this grow. */
const maxRemembered = 4096

/** Tells of each pair of endpoints that cannot be matched once, whichever side is the local one. */
export class MismatchLog {
  readonly #counters: Counters
  readonly #emit: (event: MismatchEvent) => void
  readonly #told = new Set<string>()

  constructor(counters: Counters, emit: (event: MismatchEvent) => void) {
    this.#counters = counters
    this.#emit = emit
  }

  get size(): number {
    return this.#told.size
  }

  report(event: MismatchEvent): void {
    const pair = `${event.writer} ${event.reader}`
    if (this.#told.has(pair)) return
    this.#told.add(pair)
    if (this.#told.size > maxRemembered) this.#told.delete(this.#told.values().next().value as string)
    this.#counters.add(`match.${event.kind}`)
    this.#emit(event)
  }
}
