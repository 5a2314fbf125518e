import type { WantedIntent } from '../../placement/policies/policy.js'
import type { JointWant } from '../../placement/policies/policy-runner.js'
import { receivedIntentKey } from '../../plane/intents/intents.js'
import { removesCapacity } from './removes-capacity.js'

interface Standing<Issued> {
  readonly wanted: JointWant
  readonly issued: Issued
  readonly issuedMs: number
  /** Of the intent as it was issued. */
  readonly ttlMs: number
}

/** What a scheduler must do so that exactly the wanted intents hold among those it issued. */
export interface IntentChanges<Issued> {
  readonly apply: readonly JointWant[]
  readonly renew: readonly { readonly wanted: JointWant; readonly issued: Issued }[]
  readonly lift: readonly JointWant[]
  /** What would be applied if capacity could be removed now. */
  readonly withheld: readonly JointWant[]
}

/**
 * The difference between what policies want and what was issued. Pure bookkeeping: an intent is renewed when a
 * third of its time to live is over, so that two renewals may be lost.
 */
export class IntentsInForce<Issued> {
  readonly #standing = new Map<string, Standing<Issued>>()

  get size(): number {
    return this.#standing.size
  }

  /** @param mayRemoveCapacity whether an intent may be applied that leaves workers less to do than what holds already */
  plan(wanted: readonly JointWant[], nowMs: number, mayRemoveCapacity = true): IntentChanges<Issued> {
    this.#forgetExpired(nowMs)
    const apply: JointWant[] = []
    const renew: { wanted: JointWant; issued: Issued }[] = []
    const lift: JointWant[] = []
    const withheld: JointWant[] = []
    const keys = new Set<string>()
    for (const want of wanted) {
      const key = keyOf(want.intent)
      keys.add(key)
      const standing = this.#standing.get(key)
      if (standing !== undefined && sameTerms(standing.wanted.intent, want.intent)) {
        const isDue = nowMs - standing.issuedMs >= standing.ttlMs / 3
        if (want.isDecided && isDue) renew.push({ wanted: want, issued: standing.issued })
      } else if (standing === undefined && !want.isDecided) {
        // It has ended, or never held: what is undecided is not issued again.
      } else if (!mayRemoveCapacity && removesCapacity(want.intent, standing?.wanted.intent)) {
        withheld.push(want)
      } else {
        apply.push(want)
      }
    }
    for (const [key, { wanted: held }] of this.#standing) if (!keys.has(key)) lift.push(held)
    return { apply, renew, lift, withheld }
  }

  issued(wanted: JointWant, issued: Issued, nowMs: number): void {
    const { ttlMs } = wanted.intent
    this.#standing.set(keyOf(wanted.intent), { wanted, issued, issuedMs: nowMs, ttlMs })
  }

  renewed(wanted: JointWant, issued: Issued, nowMs: number): void {
    const key = keyOf(wanted.intent)
    const ttlMs = this.#standing.get(key)?.ttlMs ?? wanted.intent.ttlMs
    this.#standing.set(key, { wanted, issued, issuedMs: nowMs, ttlMs })
  }

  lifted({ intent }: JointWant): void {
    this.#standing.delete(keyOf(intent))
  }

  #forgetExpired(nowMs: number): void {
    for (const [key, { issuedMs, ttlMs }] of this.#standing) {
      if (issuedMs + ttlMs <= nowMs) this.#standing.delete(key)
    }
  }
}

function keyOf({ kind, target }: WantedIntent): string {
  return receivedIntentKey(kind, target)
}

function sameTerms(a: WantedIntent, b: WantedIntent): boolean {
  return JSON.stringify(a.terms) === JSON.stringify(b.terms)
}
