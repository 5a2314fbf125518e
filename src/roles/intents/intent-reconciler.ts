import type { Policy } from '../../placement/policies/policy.js'
import { type JointWant, type PolicyFailure, PolicyRunner } from '../../placement/policies/policy-runner.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { IntentsInForce } from './intents-in-force.js'

/** Where a reconciler issues intents: on the plane, or nowhere in a dry run. */
export interface IntentOutlet<Issued> {
  /** Whether an intent of another issuer holds that would win over anything issued now. */
  isOutranked(kind: IntentKind, target: string): boolean
  apply(want: JointWant, nowMs: number): Issued
  renew(issued: Issued, want: JointWant, nowMs: number): Issued
  lift(want: JointWant, nowMs: number): void
}

export interface Reconciliation {
  readonly failures: readonly PolicyFailure[]
  /** What would have been applied if capacity could be removed. */
  readonly withheld: readonly JointWant[]
}

/**
 * Brings the intents that hold in line with what policies want of one snapshot after the other: applies, renews and
 * lifts what it has issued itself.
 */
export class IntentReconciler<Issued> {
  readonly #runner: PolicyRunner
  readonly #outlet: IntentOutlet<Issued>
  readonly #standing = new IntentsInForce<Issued>()

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT if two policies have one name */
  constructor(policies: readonly Policy[], outlet: IntentOutlet<Issued>) {
    this.#runner = new PolicyRunner(policies)
    this.#outlet = outlet
  }

  /** Intents that it has issued and that hold. */
  get inForce(): number {
    return this.#standing.size
  }

  /**
   * @param mayRemoveCapacity whether an intent may be applied that leaves workers less to do than what holds already
   * @throws what the outlet throws
   */
  reconcile(snapshot: PlacementSnapshot, nowMs: number, mayRemoveCapacity = true): Reconciliation {
    const { wanted, failures } = this.#runner.run(snapshot, nowMs)
    const { apply, renew, lift, withheld } = this.#standing.plan(wanted, nowMs, mayRemoveCapacity)
    for (const want of apply) {
      if (this.#isOutranked(want)) continue
      this.#standing.issued(want, this.#outlet.apply(want, nowMs), nowMs)
    }
    for (const { wanted: want, issued } of renew) {
      // A renewal that cannot win is traffic without effect.
      if (this.#isOutranked(want)) continue
      this.#standing.renewed(want, this.#outlet.renew(issued, want, nowMs), nowMs)
    }
    for (const want of lift) {
      if (!this.#isOutranked(want)) this.#outlet.lift(want, nowMs)
      this.#standing.lifted(want)
    }
    return { failures, withheld }
  }

  #isOutranked({ intent: { kind, target } }: JointWant): boolean {
    return this.#outlet.isOutranked(kind, target)
  }
}
