import { CatchUpAction } from '../../wire/pull.js'

/** What a reader's copy needed to keep up with its writers, since the reader was opened. */
export interface CatchUpCounts {
  /** Replies that brought the copy on, by what they brought; `reject` counts refusals of a writer. */
  readonly actions: Readonly<Record<CatchUpAction, number>>
  /** Times at which changes of a writer were found to be missing. */
  readonly gaps: number
  /** Catch-ups that brought missing changes. */
  readonly repairs: number
}

/** Counts the catch-ups of one reader. */
export class CatchUpRecord {
  readonly #actions: Record<CatchUpAction, number> = { advance: 0, reload: 0, bootstrap: 0, reject: 0 }
  #gaps = 0
  #repairs = 0

  action(action: CatchUpAction): void {
    this.#actions[action]++
  }

  gap(): void {
    this.#gaps++
  }

  repair(): void {
    this.#repairs++
  }

  get counts(): CatchUpCounts {
    return { actions: { ...this.#actions }, gaps: this.#gaps, repairs: this.#repairs }
  }
}

/** Returns the sum of the counts. */
export function sumCatchUps(all: Iterable<CatchUpCounts>): CatchUpCounts {
  const actions = { advance: 0, reload: 0, bootstrap: 0, reject: 0 }
  let gaps = 0
  let repairs = 0
  for (const counts of all) {
    for (const action of Object.values(CatchUpAction)) actions[action] += counts.actions[action]
    gaps += counts.gaps
    repairs += counts.repairs
  }
  return { actions, gaps, repairs }
}
