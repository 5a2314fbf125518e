import { invalidArgument } from '../../core/errors.js'
import { type IntentKind, intentKinds, intentSchemas, neutralTerms } from '../../plane/intents/intents.js'
import { toNote } from '../../plane/vocabulary/text.js'
import type { Decision, WantedIntent } from './policy.js'

/**
 * Checks what a policy returned, because policies are code of users. Returns it with the terms of each intent reduced to
 * the fields of its kind, and with reasons cut to what an intent may carry.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the policy and the field
 */
export function checkDecision<State>(policy: string, decision: Decision<State>): Decision<State> {
  const refuse = (what: string): never => {
    throw invalidArgument(`policy ${policy} returned no valid decision: ${what}`)
  }
  // The types state what a policy must return; a policy in JavaScript may return anything.
  const returned: { readonly [K in keyof Decision<State>]?: unknown } | null | undefined = decision
  if (typeof returned !== 'object' || returned === null) return refuse('it must be an object')
  if (returned instanceof Promise) return refuse('decide must return its decision, not a promise')
  const { wanted, undecided } = returned
  if (!Array.isArray(wanted)) return refuse('wanted must be an array')
  if (!Array.isArray(undecided) || !undecided.every((target) => typeof target === 'string')) {
    return refuse('undecided must be an array of targets')
  }
  return {
    wanted: wanted.map((want: unknown, index) => checkWant(want, (what) => refuse(`wanted[${index}]${what}`))),
    undecided,
    state: decision.state,
  }
}

function checkWant(want: unknown, refuse: (what: string) => never): WantedIntent {
  if (typeof want !== 'object' || want === null) return refuse(' must be an object')
  const { kind, target, terms, reason, ttlMs }: { readonly [K in keyof WantedIntent]?: unknown } = want
  if (!isKind(kind)) return refuse(`.kind must be one of ${intentKinds.join(', ')}`)
  if (typeof reason !== 'string') return refuse('.reason must be a text')
  if (typeof terms !== 'object' || terms === null) return refuse('.terms must be an object')
  const note = toNote(reason)
  const issued = { intentId: 'i', issuer: 'policy', issuerId: 'policy', epoch: 0 }
  const checked = intentSchemas[kind]().safeParse({ ...terms, ...issued, target, action: 'apply', reason: note, ttlMs })
  if (!checked.success) {
    const [issue] = checked.error.issues
    const field = issue?.path[0]
    const place = typeof field === 'string' && field in neutralTerms[kind] ? 'terms.' : ''
    return refuse(`.${place}${issue?.path.join('.')}: ${issue?.message}`)
  }
  const fields = Object.keys(neutralTerms[kind])
  const own = Object.fromEntries(Object.entries(checked.data).filter(([field]) => fields.includes(field)))
  return { kind, target, terms: own, reason: note, ttlMs } as WantedIntent
}

function isKind(kind: unknown): kind is IntentKind {
  return intentKinds.some((known) => known === kind)
}
