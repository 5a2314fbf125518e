import type { IntentKind, IntentTerms } from '../plane/intents.js'
import type { StatusDocument } from '../views/status/status-document.js'

/** What a policy wants to hold for a target. Wanting it again is free; not wanting it any more lifts it. */
export type WantedIntent = {
  [K in IntentKind]: {
    readonly kind: K
    readonly target: string
    readonly terms: IntentTerms<K>
    readonly reason: string
  }
}[IntentKind]

export interface Decision<State> {
  readonly wanted: readonly WantedIntent[]
  /**
   * Targets whose readings are too old to decide on. What holds there is neither renewed nor lifted, so it ends with
   * its time to live at the latest.
   */
  readonly undecided: readonly string[]
  readonly state: State
}

/**
 * A pure function of a snapshot of the fleet, what it decided before, and the time: it keeps nothing, so a
 * decision can be replayed. It returns what should hold, as state; the scheduler issues, renews and lifts.
 */
export interface Policy<State = unknown> {
  readonly name: string
  readonly initial: State
  decide(snapshot: StatusDocument, state: State, nowMs: number): Decision<State>
}
