import type { EntityGuid } from '../../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict } from '../../liveliness/verdict.js'
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

/** What is known of the server behind a report. */
export type ServerState = Pick<Verdict, 'liveliness' | 'cause'> & Partial<Pick<Verdict, 'sinceMs'>>

/**
 * Returns the verdict on a server as it applies to its report. A live process whose writer has closed serves no more.
 * A server that was forgotten while nothing of it arrived keeps that verdict: it may be alive.
 *
 * @param verdict the verdict on its participant, the last one if that was forgotten
 */
export function serverStateOf({ withdrawn }: Held<unknown>, verdict: Verdict | undefined): ServerState {
  if (verdict === undefined) return { liveliness: Liveliness.dead, cause: null }
  if (!withdrawn || verdict.liveliness !== Liveliness.alive) return verdict
  return { liveliness: Liveliness.dead, cause: LivelinessCause.goodbye }
}
