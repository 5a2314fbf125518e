import type { EntityGuid } from '../../core/ids.js'
import type { Held } from './held.js'
import { sourceStatusOf, type VerdictOf } from './source-status.js'

/** Since when the servers behind held reports have been gone, as this view observed it. */
export class SourceDepartures {
  readonly #goneMs = new Map<EntityGuid, number>()

  observe(held: Held<unknown>, verdictOf: VerdictOf, nowMs: number): void {
    if (sourceStatusOf(held, verdictOf) > 0) this.#goneMs.delete(held.writer)
    else if (!this.#goneMs.has(held.writer)) this.#goneMs.set(held.writer, verdictOf(held.writer)?.sinceMs ?? nowMs)
  }

  goneMs(writer: EntityGuid): number | undefined {
    return this.#goneMs.get(writer)
  }

  /** Removes the times of writers of which no report is held any more. */
  keepOnly(writers: ReadonlySet<EntityGuid>): void {
    for (const writer of this.#goneMs.keys()) if (!writers.has(writer)) this.#goneMs.delete(writer)
  }
}
