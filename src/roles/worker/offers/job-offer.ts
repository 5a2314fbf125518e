import type { Offer } from '../../../plane/placement/offer.js'

/** A job that a dispatcher offers to this worker. */
export interface JobOffer extends Readonly<Omit<Offer, 'workerId' | 'incarnation'>> {
  /** Aborts when the offer ends: it was withdrawn, or its time to live is over before the job has begun. */
  readonly signal: AbortSignal
}

/** What a worker has taken on when it decides about an offer. */
export interface OfferLoad {
  /** Jobs that run. */
  readonly inFlight: number
  /** Offers that it has claimed and whose jobs have not begun. */
  readonly claimed: number
  /** Jobs that it takes at once, after every limit that applies now. */
  readonly concurrency: number
}

export type OfferDecision =
  | { readonly claim: true }
  | {
      readonly claim: false
      /** For people, and for the dispatcher's result. */
      readonly reason: string
      /** When it may decide otherwise. @default not known */
      readonly retryAfterMs?: number
    }

/**
 * Decides about one offer. What it throws declines the offer, and is counted (`worker.decide-failed`). The dispatcher waits
 * for 2 s by default.
 */
export type DecideOffer = (offer: JobOffer, load: OfferLoad) => OfferDecision | Promise<OfferDecision>

/** Claims what it has room for: the jobs in flight and the claimed ones count. */
export const claimWithinConcurrency: DecideOffer = (_, { inFlight, claimed, concurrency }) => {
  if (inFlight + claimed < concurrency) return { claim: true }
  return { claim: false, reason: `at its limit of ${concurrency} jobs at once, ${claimed} of them claimed` }
}

/** An admission by which a worker decides for each offer. */
export interface ReactiveAdmission {
  readonly kind: 'reactive'
  /** @default claims while jobs in flight and claimed jobs are fewer than `concurrency` */
  readonly decide?: DecideOffer
}

/** Returns the admission of a worker that decides for each offer by `decide`. */
export function reactive(decide: DecideOffer = claimWithinConcurrency): ReactiveAdmission {
  return Object.freeze({ kind: 'reactive', decide })
}
