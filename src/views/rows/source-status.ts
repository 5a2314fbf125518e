import type { EntityGuid } from '../../core/ids.js'
import { Liveliness, type Verdict } from '../../liveliness/verdict.js'
import type { Held } from './held.js'

/** The view's verdict on the participant behind a writer; undefined if it is no longer known. */
export type VerdictOf = (writer: EntityGuid) => Verdict | undefined

/** Whether the server behind a report can still report: 2 it serves, 1 it is there but does not run, 0 it is gone. */
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
