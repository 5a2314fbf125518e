import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { WantedIntent } from '../policy.js'

/** What a policy wants to hold for a target, and for how long at most unless it wants it again. */
export type TimedIntent = WantedIntent & { readonly ttlMs: number }

export interface SnapshotDecision<State> {
  /** Wanting an intent again is free; not wanting it any more lifts it. */
  readonly wanted: readonly TimedIntent[]
  /** Targets whose readings are too old to decide on: what holds there is neither renewed nor lifted. */
  readonly undecided: readonly string[]
  /** Plain data, so that it can be recorded. */
  readonly state: State
}

/**
 * A pure function of a snapshot of the fleet, what it decided before, and the time. It keeps nothing, so the same
 * snapshots and times give the same decisions again.
 */
export interface SnapshotPolicy<State = unknown> {
  readonly name: string
  readonly initial: State
  decide(snapshot: PlacementSnapshot, state: State, nowMs: number): SnapshotDecision<State>
}

/**
 * Joins what several policies want: one intent per kind and target. Of limits the lowest counts, of shards all; the
 * reasons are joined, and the longest time to live holds.
 */
export function mergeWanted(wanted: Iterable<TimedIntent>): TimedIntent[] {
  const merged = new Map<string, TimedIntent>()
  for (const intent of wanted) {
    const key = `${intent.kind} ${intent.target}`
    const other = merged.get(key)
    merged.set(key, other === undefined ? intent : join(other, intent))
  }
  return [...merged.values()]
}

function join(a: TimedIntent, b: TimedIntent): TimedIntent {
  const reason = a.reason === b.reason ? a.reason : `${a.reason}; ${b.reason}`.slice(0, maxReason)
  // The compiler does not see that both are of one kind; the caller pairs them by it.
  return { ...a, terms: joinTerms(a, b), reason, ttlMs: Math.max(a.ttlMs, b.ttlMs) } as TimedIntent
}

/** A reason travels in an intent, whose schema bounds it. */
const maxReason = 512

type Terms = TimedIntent['terms']

function joinTerms(a: TimedIntent, b: TimedIntent): Terms {
  if (a.kind === 'prefer-shard' && b.kind === a.kind) {
    return { shards: [...new Set([...a.terms.shards, ...b.terms.shards])].slice(0, maxShards) }
  }
  if (a.kind === 'drain' && b.kind === a.kind) return { deadlineMs: least(a.terms.deadlineMs, b.terms.deadlineMs) }
  const hasLimit = (intent: TimedIntent): intent is Extract<TimedIntent, { kind: 'rebalance' | 'throttle-queue' }> =>
    intent.kind === 'rebalance' || intent.kind === 'throttle-queue'
  if (hasLimit(a) && hasLimit(b)) return { maxInFlight: Math.min(a.terms.maxInFlight, b.terms.maxInFlight) }
  return a.terms
}

/** An intent names at most this many shards. */
export const maxShards = 64

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
