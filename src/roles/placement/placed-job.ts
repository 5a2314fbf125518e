import type { RefusalCounts } from '../../placement/rank/place.js'
import type { Candidate } from '../../placement/rank/ranking.js'
import type { Reservation } from '../../placement/reservations/reservation.js'
import type { OfferOutcome } from './offer-client.js'

/** A worker that was tried and did not take the job. */
export type PassedOver = { readonly workerId: string } & Exclude<OfferOutcome, { outcome: 'claimed' }>

/** A job has a worker. What was reserved there holds until the worker's report lists the job. */
export interface PlacedJob {
  readonly kind: 'worker'
  readonly jobId: string
  readonly workerId: string
  readonly incarnation: number
  readonly candidate: Candidate
  readonly reservation: Reservation
  /** The workers that were tried before. */
  readonly passedOver: readonly PassedOver[]
  /**
   * Aborts when the placement ends before the job has begun: the worker has died, another scheduler's reservation came
   * first, or the time to live is over. Place the job again then. `Fleet.deaths` tells of a death after the job has begun.
   */
  readonly signal: AbortSignal
  /** Gives back what was reserved, and withdraws the offer. For a job that is not sent to the worker. Idempotent. */
  release(): void
}

/** What came of placing a job. */
export type PlaceResult =
  | PlacedJob
  /** The caller asked to run the job itself rather than wait. */
  | { readonly kind: 'self'; readonly refusals: RefusalCounts; readonly passedOver: readonly PassedOver[] }
  | {
      readonly kind: 'none'
      /** When to try again; null when waiting alone does not help. */
      readonly retryAfterMs: number | null
      /** How many workers the ranking refused for each reason. */
      readonly refusals: RefusalCounts
      /** The workers that were tried. */
      readonly passedOver: readonly PassedOver[]
    }
