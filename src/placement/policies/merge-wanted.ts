import { toNote } from '../../plane/vocabulary/text.js'
import type { WantedIntent } from './policy.js'

/** An intent names at most this many shards. */
export const maxShards = 64

/**
 * Joins what several policies want: one intent per kind and target. Of limits the lowest counts, of shards all; the
 * reasons are joined, and the longest time to live holds.
 */
export function mergeWanted(wanted: Iterable<WantedIntent>): WantedIntent[] {
  const merged = new Map<string, WantedIntent>()
  for (const intent of wanted) {
    const key = `${intent.kind} ${intent.target}`
    const other = merged.get(key)
    merged.set(key, other === undefined ? intent : join(other, intent))
  }
  return [...merged.values()]
}

function join(a: WantedIntent, b: WantedIntent): WantedIntent {
  const reason = a.reason === b.reason ? a.reason : toNote(`${a.reason}; ${b.reason}`)
  // The compiler does not see that both are of one kind; the caller pairs them by it.
  return { ...a, terms: joinTerms(a, b), reason, ttlMs: Math.max(a.ttlMs, b.ttlMs) } as WantedIntent
}

type Terms = WantedIntent['terms']

function joinTerms(a: WantedIntent, b: WantedIntent): Terms {
  if (a.kind === 'prefer-shard' && b.kind === a.kind) {
    return { shards: [...new Set([...a.terms.shards, ...b.terms.shards])].slice(0, maxShards) }
  }
  if (a.kind === 'drain' && b.kind === a.kind) return { deadlineMs: least(a.terms.deadlineMs, b.terms.deadlineMs) }
  if (hasLimit(a) && hasLimit(b)) return { maxInFlight: Math.min(a.terms.maxInFlight, b.terms.maxInFlight) }
  return a.terms
}

function hasLimit(intent: WantedIntent): intent is Extract<WantedIntent, { kind: 'rebalance' | 'throttle-queue' }> {
  return intent.kind === 'rebalance' || intent.kind === 'throttle-queue'
}

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
