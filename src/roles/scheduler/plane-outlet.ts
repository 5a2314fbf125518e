import type { JointWant } from '../../placement/policies/policy-runner.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import type { IntentIssuer, IssuedIntent } from '../intents/intent-issuer.js'
import type { IntentOutlet } from '../intents/intent-reconciler.js'

/** Issues what a scheduler's policies want on the plane. */
export class PlaneOutlet implements IntentOutlet<IssuedIntent> {
  readonly #issuer: IntentIssuer

  constructor(issuer: IntentIssuer) {
    this.#issuer = issuer
  }

  isOutranked(kind: IntentKind, target: string): boolean {
    return this.#issuer.isOutranked(kind, target)
  }

  apply({ intent: { kind, target, terms, reason, ttlMs } }: JointWant): IssuedIntent {
    return this.#issuer.apply(kind, target, terms, { reason, ttlMs })
  }

  renew(issued: IssuedIntent, { intent: { reason } }: JointWant): IssuedIntent {
    return this.#issuer.renew(issued, reason)
  }

  lift({ intent: { kind, target, reason } }: JointWant): void {
    this.#issuer.lift(kind, target, { reason: `no longer: ${reason}` })
  }
}
