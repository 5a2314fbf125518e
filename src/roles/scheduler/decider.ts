import { NumacastError } from '../../core/errors.js'
import type { FleetView } from '../../views/fleet-view.js'
import { type IntentOutlet, IntentReconciler } from '../intents/intent-reconciler.js'
import { type Withholding, withholding } from './capacity-guard.js'
import type { ResolvedSchedulerOptions } from './scheduler-options.js'

export interface DeciderComponents<Issued> {
  readonly view: FleetView
  readonly outlet: IntentOutlet<Issued>
}

export type DeciderOptions = Pick<ResolvedSchedulerOptions, 'policies' | 'minViewAgeMs' | 'maxAgeMs'>

/** What a scheduler does not issue at present, because its view may be wrong. */
export interface WithheldIntents extends Withholding {
  /** How many intents. */
  readonly intents: number
}

/** Decides on what a view shows now, and issues what should change. Closing its view ends it. */
export class Decider<Issued> {
  readonly #view: FleetView
  readonly #options: DeciderOptions
  readonly #reconciler: IntentReconciler<Issued>
  readonly #startedMs: number
  #isSynced = false
  #withheld: WithheldIntents | null = null

  constructor({ view, outlet }: DeciderComponents<Issued>, options: DeciderOptions) {
    this.#view = view
    this.#options = options
    this.#reconciler = new IntentReconciler(options.policies, outlet)
    this.#startedMs = view.participant.clock.nowMs()
    this.#awaitSync()
  }

  /** Intents that it has issued and that hold. */
  get inForce(): number {
    return this.#reconciler.inForce
  }

  /** Null if it withholds nothing. */
  get withheld(): WithheldIntents | null {
    return this.#withheld
  }

  decide(): void {
    const { participant } = this.#view
    const nowMs = participant.clock.nowMs()
    const snapshot = this.#view.snapshot()
    const listeningForMs = nowMs - this.#startedMs
    const facts = { isSynced: this.#isSynced, listeningForMs, health: participant.health, snapshot, nowMs }
    const guard = withholding(facts, this.#options)
    try {
      const { failures, withheld } = this.#reconciler.reconcile(snapshot, nowMs, guard === null)
      for (const { policy, error } of failures) {
        participant.counters.addCallbackError(`scheduler.policy-failed.${policy}`, error)
      }
      this.#withhold(guard, withheld.length)
    } catch (error) {
      // The participant's owner has closed it, or a writer refused the intent.
      participant.counters.addError('scheduler.issue-failed', error)
    }
  }

  /** Notes when everything that the plane held at the start has arrived. */
  #awaitSync(): void {
    this.#view.synced().then(
      () => {
        this.#isSynced = true
      },
      () => undefined, // the view was closed first
    )
  }

  #withhold(guard: Withholding | null, intents: number): void {
    this.#withheld = guard === null || intents === 0 ? null : { ...guard, intents }
    if (this.#withheld === null) return
    const { reason, detail } = this.#withheld
    const what = `${intents} ${intents === 1 ? 'intent that removes' : 'intents that remove'} capacity`
    const error = new NumacastError('NUMACAST_UNAVAILABLE', `the scheduler withholds ${what}: ${detail}`)
    this.#view.participant.counters.addError(`scheduler.withheld.${reason}`, error)
  }
}
