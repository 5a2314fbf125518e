import type { Policy } from '../../placement/policies/policy.js'
import type { JointWant } from '../../placement/policies/policy-runner.js'
import { type IntentOutlet, IntentReconciler } from '../../roles/intents/intent-reconciler.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { changeOf, failureOf, type IssuedChange } from './issued-change.js'
import type { RecordedSnapshot } from './recording-reader.js'

/** A change that policies would have made to the intents, or a failure of one of them. */
export interface ReplayedChange {
  /** Since the first snapshot of the recording. */
  readonly atMs: number
  readonly change: IssuedChange
  readonly snapshot: PlacementSnapshot
}

/** Collects what would be issued. */
class CollectingOutlet implements IntentOutlet<null> {
  changes: IssuedChange[] = []

  isOutranked(): boolean {
    return false
  }
  apply(want: JointWant): null {
    this.changes.push(changeOf('apply', want))
    return null
  }
  renew(): null {
    return null
  }
  lift(want: JointWant): void {
    this.changes.push(changeOf('lift', want))
  }
}

/**
 * Runs policies over recorded snapshots at the times of the recording. The same recording and policies yield the same
 * changes. A policy that fails in the same way again is reported once.
 */
export async function* replay(
  recording: AsyncIterable<RecordedSnapshot>,
  policies: readonly Policy[],
): AsyncGenerator<ReplayedChange> {
  const outlet = new CollectingOutlet()
  const reconciler = new IntentReconciler(policies, outlet)
  const reported = new Set<string>()
  let startMs: number | undefined
  for await (const { snapshot, nowMs } of recording) {
    startMs ??= nowMs
    const atMs = nowMs - startMs
    const { failures } = reconciler.reconcile(snapshot, nowMs)
    const failed = failures.map(failureOf).filter((failure) => {
      const text = JSON.stringify(failure)
      return !reported.has(text) && reported.add(text)
    })
    for (const change of [...outlet.changes.splice(0), ...failed]) yield { atMs, change, snapshot }
  }
}
