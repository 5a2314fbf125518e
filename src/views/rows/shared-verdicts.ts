import type { EntityGuid } from '../../core/ids.js'
import type { Verdict } from '../../liveliness/verdict.js'
import type { VerdictOf } from './source-status.js'

/** Verdicts on the writers of many rows: each writer's is asked for once. */
export class SharedVerdicts {
  readonly #verdictOf: VerdictOf
  readonly #known = new Map<EntityGuid, Verdict | undefined>()
  #last: EntityGuid | undefined
  #lastVerdict: Verdict | undefined

  constructor(verdictOf: VerdictOf) {
    this.#verdictOf = verdictOf
  }

  readonly ask: VerdictOf = (writer) => {
    if (writer === this.#last) return this.#lastVerdict
    if (!this.#known.has(writer)) this.#known.set(writer, this.#verdictOf(writer))
    this.#last = writer
    this.#lastVerdict = this.#known.get(writer)
    return this.#lastVerdict
  }

  /** Whether each verdict that was asked for is what `verdictOf` answers now. */
  areCurrent(verdictOf: VerdictOf): boolean {
    for (const [writer, verdict] of this.#known) {
      const now = verdictOf(writer)
      if (now?.liveliness !== verdict?.liveliness || now?.sinceMs !== verdict?.sinceMs) return false
    }
    return true
  }
}
