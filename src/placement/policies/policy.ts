import type { IntentKind, IntentTerms } from '../../plane/intents/intents.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'

/** What a policy wants to hold for a target. Wanting it again is free; not wanting it any more lifts it. */
export type WantedIntent = {
  [K in IntentKind]: {
    readonly kind: K
    readonly target: string
    readonly terms: IntentTerms<K>
    readonly reason: string
    /** How long it holds at most unless the policy wants it again. */
    readonly ttlMs: number
  }
}[IntentKind]

export interface Decision<State> {
  readonly wanted: readonly WantedIntent[]
  /**
   * Targets whose readings are too old to decide on. What holds there is neither renewed nor lifted, so it ends with
   * its time to live at the latest.
   */
  readonly undecided: readonly string[]
  /** Plain data, so that it can be recorded. */
  readonly state: State
}

/**
 * A pure function of a snapshot of the fleet, what it decided before, and the time. It keeps nothing, so the same
 * snapshots and times give the same decisions again. It returns what should hold, as state; the scheduler issues,
 * renews and lifts.
 */
export interface Policy<State = unknown> {
  readonly name: string
  readonly initial: State
  decide(snapshot: PlacementSnapshot, state: State, nowMs: number): Decision<State>
}
