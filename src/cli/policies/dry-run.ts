import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { Policy } from '../../placement/policies/policy.js'
import type { JointWant } from '../../placement/policies/policy-runner.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import { IntentIssuer } from '../../roles/intents/intent-issuer.js'
import type { IntentOutlet } from '../../roles/intents/intent-reconciler.js'
import { Decider, type WithheldIntents } from '../../roles/scheduler/decider.js'
import { resolveSchedulerOptions } from '../../roles/scheduler/resolve-scheduler-options.js'
import type { FleetView } from '../../views/fleet-view.js'
import { changeOf, type IssuedChange } from './issued-change.js'

export interface DryRunListener {
  changed(change: IssuedChange): void
  /** Called when it begins or ends to withhold intents. */
  withheld(withheld: WithheldIntents | null): void
}

/** Decides as a scheduler does and issues nothing. Closing it leaves the view open. */
export class DryRun {
  readonly #issuer: IntentIssuer
  readonly #deciding: RepeatingTimer

  constructor(view: FleetView, policies: readonly Policy[], listener: DryRunListener) {
    const options = resolveSchedulerOptions({ policies })
    // It is asked which intents hold, and issues none.
    this.#issuer = new IntentIssuer(view, { issuer: 'dry run', assertive: false })
    const decider = new Decider({ view, outlet: new DryOutlet(this.#issuer, listener) }, options)
    let reason: string | undefined
    this.#deciding = new RepeatingTimer(view.participant.clock, options.decideIntervalMs, () => {
      decider.decide()
      if (decider.withheld?.reason === reason) return
      reason = decider.withheld?.reason
      listener.withheld(decider.withheld)
    })
  }

  close(): void {
    this.#deciding.close()
    this.#issuer.close()
  }
}

class DryOutlet implements IntentOutlet<null> {
  readonly #issuer: IntentIssuer
  readonly #listener: DryRunListener

  constructor(issuer: IntentIssuer, listener: DryRunListener) {
    this.#issuer = issuer
    this.#listener = listener
  }

  isOutranked(kind: IntentKind, target: string): boolean {
    return this.#issuer.isOutranked(kind, target)
  }
  apply(want: JointWant): null {
    this.#listener.changed(changeOf('apply', want))
    return null
  }
  renew(): null {
    return null
  }
  lift(want: JointWant): void {
    this.#listener.changed(changeOf('lift', want))
  }
}
