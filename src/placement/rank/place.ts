import type { RefusalReason } from '../filter/refusal.js'
import type { Candidate, Ranking } from './ranking.js'

/** What a caller does when no worker fits. */
export const Fallback = {
  /** It waits, or gives up. */
  none: 'none',
  /** It runs the job itself. */
  self: 'self',
} as const
export type Fallback = (typeof Fallback)[keyof typeof Fallback]

export type Placement =
  | { readonly kind: 'worker'; readonly candidate: Candidate }
  /** The caller asked to run the job itself rather than wait. */
  | { readonly kind: 'self'; readonly refusals: RefusalCounts }
  | {
      readonly kind: 'none'
      /** When to rank again; null when waiting alone does not help. */
      readonly retryAfterMs: number | null
      readonly refusals: RefusalCounts
    }

/** How many workers refused a request for each reason. */
export type RefusalCounts = Readonly<Partial<Record<RefusalReason, number>>>

/** Takes the best candidate of a ranking, or tells what else to do. */
export function place(ranking: Ranking, fallback: Fallback = Fallback.none): Placement {
  const { best } = ranking
  if (best !== undefined) return { kind: 'worker', candidate: best }
  const refusals = ranking.refusedByReason()
  if (fallback === Fallback.self) return { kind: 'self', refusals }
  return { kind: 'none', retryAfterMs: ranking.retryAfterMs, refusals }
}
