import type { EntityGuid } from '../core/ids.js'
import { Liveliness, type Verdict } from '../liveliness/verdict.js'
import type { Sample } from '../pubsub/model/sample.js'

/** How the view judges the participant behind a writer; undefined when it is not known any more. */
export type VerdictOf = (writer: EntityGuid) => Verdict | undefined

/** What one server of a node has said, and which change of its writer that is. */
export interface Held<T> {
  readonly value: T
  readonly writer: EntityGuid
  readonly seq: number
  readonly originTimeMs: number
  /** Its writer has closed: the value is its last word. */
  readonly withdrawn: boolean
}

/** Whether the one who said it still can: 2 it serves, 1 it is there and stands still, 0 it is gone. */
export type SourceStatus = 0 | 1 | 2

export function sourceStatusOf({ writer, withdrawn }: Held<unknown>, verdictOf: VerdictOf): SourceStatus {
  if (withdrawn) return 0
  switch (verdictOf(writer)?.liveliness) {
    case Liveliness.alive:
      return 2
    case Liveliness.stalled:
    case Liveliness.suspect:
      return 1
    default:
      return 0
  }
}

export function hold<T>(value: T, sample: Sample<T>): Held<T> {
  const { token, originTimeMs } = sample
  return { value, writer: token.writer, seq: token.seq, originTimeMs, withdrawn: false }
}

/** Since when those who said something have been gone, as this view found it. */
export class SourceDepartures {
  readonly #goneMs = new Map<EntityGuid, number>()

  observe(held: Held<unknown>, verdictOf: VerdictOf, nowMs: number): void {
    if (sourceStatusOf(held, verdictOf) > 0) this.#goneMs.delete(held.writer)
    else if (!this.#goneMs.has(held.writer)) this.#goneMs.set(held.writer, verdictOf(held.writer)?.sinceMs ?? nowMs)
  }

  goneMs(writer: EntityGuid): number | undefined {
    return this.#goneMs.get(writer)
  }

  /** Nothing that these writers said is held any more. */
  keepOnly(writers: ReadonlySet<EntityGuid>): void {
    for (const writer of this.#goneMs.keys()) if (!writers.has(writer)) this.#goneMs.delete(writer)
  }
}
