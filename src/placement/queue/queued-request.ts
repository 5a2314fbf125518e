import type { RefusalCounts } from '../rank/place.js'
import type { ResolvedRequest } from '../request/placement-request.js'

/** How far a request got. The last four are final. */
export const RequestState = {
  /** It waits for its turn. */
  queued: 'queued',
  /** No worker fits at the moment; it is tried again. */
  waiting: 'waiting',
  placed: 'placed',
  /** No worker fits, and it does not wait for one. */
  refused: 'refused',
  cancelled: 'cancelled',
  /** Its deadline passed before a worker was found. */
  expired: 'expired',
} as const
export type RequestState = (typeof RequestState)[keyof typeof RequestState]

/** What is known of a request. Plain data; `P` is what a placement is to the caller. */
export interface RequestReport<P> {
  readonly requestId: string
  readonly state: RequestState
  readonly request: ResolvedRequest
  readonly band: number
  readonly cost: number
  readonly idempotencyKey: string | null
  readonly submittedMs: number
  /** On the monotonic clock; null when it waits without end. */
  readonly deadlineMs: number | null
  /** How often a worker was looked for. */
  readonly attempts: number
  /** Why none was found when one was last looked for. */
  readonly refusals: RefusalCounts | null
  readonly placement: P | null
  /** Why it was cancelled. */
  readonly reason: string | null
}

/** A request has come to a new state. */
export interface RequestEvent<P> {
  readonly requestId: string
  readonly state: RequestState
  readonly report: RequestReport<P>
}

/** What came of looking for a worker. */
export type PlacementOutcome<P> =
  | { readonly placed: true; readonly placement: P }
  | {
      readonly placed: false
      /** When to look again; null when waiting alone does not help. */
      readonly retryAfterMs: number | null
      readonly refusals: RefusalCounts
    }

/** Looks for a worker. */
export interface Placer<P> {
  place(report: RequestReport<P>, nowMs: number): PlacementOutcome<P>
}
