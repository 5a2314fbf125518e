import { printable } from '../../observe/printable.js'
import type { JointWant, PolicyFailure } from '../../placement/policies/policy-runner.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import { shownTarget } from '../../plane/vocabulary/targets.js'
import { formatDuration } from '../options/duration.js'

/** What policies would issue, or what went wrong, at one time. */
export type IssuedChange =
  | {
      readonly action: 'apply' | 'lift'
      readonly kind: IntentKind
      readonly target: string
      readonly terms: JointWant['intent']['terms']
      readonly ttlMs: number
      readonly policies: readonly string[]
      readonly reason: string
    }
  | { readonly action: 'failed'; readonly policy: string; readonly error: string }

export function changeOf(action: 'apply' | 'lift', { intent, policies }: JointWant): IssuedChange {
  const { kind, target, terms, ttlMs, reason } = intent
  return { action, kind, target, terms, ttlMs, policies, reason }
}

export function failureOf({ policy, error }: PolicyFailure): IssuedChange {
  return { action: 'failed', policy, error: error instanceof Error ? error.message : String(error) }
}

/** One line for people: `apply rebalance node-a/0, maxInFlight 4, for 30s (memory-trend): 82 % of …`. */
export function changeLine(change: IssuedChange, nodes: Parameters<typeof shownTarget>[1]): string {
  if (change.action === 'failed') return printable(`failed ${change.policy}: ${change.error}`)
  const { action, kind, target, terms, ttlMs, policies, reason } = change
  const shown = Object.entries(terms).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]))
  const parts = [`${action} ${kind} ${shownTarget(target, nodes)}`]
  if (action === 'apply') parts.push(...shown, `for ${formatDuration(Math.round(ttlMs))}`)
  return printable(`${parts.join(', ')} (${policies.join(', ')}): ${reason}`)
}
