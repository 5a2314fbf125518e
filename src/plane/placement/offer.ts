import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { bytes, cores, count, incarnation, labels, name, note } from '../vocabulary/text.js'
import { maxReservationTtlMs } from './reservation.js'

/** An offer of one job to one reactive worker. Disposed when it is withdrawn, or when the worker has begun the job. */
export const offerSchema = lazySchema((z) =>
  z.object({
    /** The reservation that holds room for the job. */
    offerId: name(),
    workerId: name(),
    /** The process that the offer is for. A successor of the same name does not answer it. */
    incarnation: incarnation(),
    jobId: name(),
    /** Empty for a job of no named queue. */
    queue: z.string().max(256),
    capability: name().nullable(),
    cpus: cores(),
    memoryBytes: bytes(),
    vramBytes: bytes().nullable(),
    /** What else the dispatcher tells the worker about the job. */
    labels: labels(),
    /** Counted from the time of writing. After this time the offer is withdrawn. */
    ttlMs: z.number().positive().max(maxReservationTtlMs),
  }),
)
export type Offer = z.infer<ReturnType<typeof offerSchema>>

/** Written by a dispatcher to the plane, and relayed to the worker by the server of its node. */
export const placementOffer = defineTopic({
  name: 'placement.offer',
  key: ['workerId', 'offerId'],
  schema: offerSchema,
  qos: { lifespanMs: maxReservationTtlMs },
})

/** A worker's answer to an offer. Disposed when the offer has ended. */
export const offerAnswerSchema = lazySchema((z) =>
  z.object({
    offerId: name(),
    workerId: name(),
    incarnation: incarnation(),
    claimed: z.boolean(),
    /** Why it declines; null if it claims the job. */
    reason: note().nullable(),
    /** When it may decide otherwise; null if it does not know, or claims the job. */
    retryAfterMs: count().nullable(),
  }),
)
export type OfferAnswer = z.infer<ReturnType<typeof offerAnswerSchema>>

/** Written by the worker, and relayed to the plane by the server of its node. */
export const placementAnswer = defineTopic({
  name: 'placement.answer',
  key: ['workerId', 'offerId'],
  schema: offerAnswerSchema,
  qos: { lifespanMs: maxReservationTtlMs },
})
