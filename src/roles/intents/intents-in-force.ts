import type { WantedIntent } from '../../placement/policy.js'
import { receivedIntentKey } from '../../plane/intents.js'

interface Standing<Issued> {
  readonly wanted: WantedIntent
  readonly issued: Issued
  readonly issuedMs: number
}

/** What a scheduler must do so that exactly the wanted intents hold among those it issued. */
export interface IntentChanges<Issued> {
  readonly apply: readonly WantedIntent[]
  readonly renew: readonly { readonly wanted: WantedIntent; readonly issued: Issued }[]
  readonly lift: readonly WantedIntent[]
}

/**
 * The difference between what policies want and what was issued. Pure bookkeeping: an intent is renewed when a
 * third of its time to live is over, so that two renewals may be lost.
 */
export class IntentsInForce<Issued> {
  readonly #ttlMs: number
  readonly #standing = new Map<string, Standing<Issued>>()

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  get size(): number {
    return this.#standing.size
  }

  plan(wanted: readonly WantedIntent[], undecided: ReadonlySet<string>, nowMs: number): IntentChanges<Issued> {
    this.#forgetExpired(nowMs)
    const apply: WantedIntent[] = []
    const renew: { wanted: WantedIntent; issued: Issued }[] = []
    const lift: WantedIntent[] = []
    const keys = new Set<string>()
    for (const want of wanted) {
      const key = receivedIntentKey(want.kind, want.target)
      if (keys.has(key)) continue
      keys.add(key)
      const standing = this.#standing.get(key)
      if (standing === undefined || !sameTerms(standing.wanted, want)) apply.push(want)
      else if (nowMs - standing.issuedMs >= this.#ttlMs / 3) renew.push({ wanted: want, issued: standing.issued })
    }
    for (const [key, standing] of this.#standing) {
      if (keys.has(key) || undecided.has(standing.wanted.target)) continue
      lift.push(standing.wanted)
    }
    return { apply, renew, lift }
  }

  issued(wanted: WantedIntent, issued: Issued, nowMs: number): void {
    this.#standing.set(receivedIntentKey(wanted.kind, wanted.target), { wanted, issued, issuedMs: nowMs })
  }

  lifted(wanted: WantedIntent): void {
    this.#standing.delete(receivedIntentKey(wanted.kind, wanted.target))
  }

  #forgetExpired(nowMs: number): void {
    for (const [key, { issuedMs }] of this.#standing) {
      if (issuedMs + this.#ttlMs <= nowMs) this.#standing.delete(key)
    }
  }
}

function sameTerms(a: WantedIntent, b: WantedIntent): boolean {
  return JSON.stringify(a.terms) === JSON.stringify(b.terms)
}
