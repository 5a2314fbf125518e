import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { bytes, cores, count, incarnation, name } from '../vocabulary/text.js'

/** No reservation outlives this, because what a scheduler forgot to release must not block a worker for long. */
export const maxReservationTtlMs = 10 * 60_000

/** Twice as high as a scheduler follows the numbers of others. */
export const maxReservationSeq = 2 ** 48

/** What a scheduler has given to a job at a worker, until the worker's own report covers it. Disposed when it ends. */
export const reservationSchema = lazySchema((z) =>
  z.object({
    /** `<GUID of the scheduler>.<seq>` */
    reservationId: name(),
    /** The GUID of the participant that made it. */
    scheduler: name(),
    /** Higher than that of every reservation that its scheduler knew when it made it. */
    seq: count().max(maxReservationSeq),
    jobId: name(),
    workerId: name(),
    incarnation: incarnation(),
    bootId: name(),
    cpus: cores(),
    memoryBytes: bytes(),
    vramBytes: bytes(),
    /** What each zone gives, and what it had free. */
    zones: z
      .array(
        z.object({
          numaNode: count(),
          cpus: cores(),
          memoryBytes: bytes(),
          freeCpus: cores(),
          freeMemoryBytes: bytes(),
        }),
      )
      .max(64),
    /** What the worker had free. Null: not limited. */
    free: z.object({
      jobs: count().nullable(),
      cpus: cores().nullable(),
      memoryBytes: bytes().nullable(),
      vramBytes: bytes().nullable(),
    }),
    /** Counted from the time of writing. */
    ttlMs: z.number().positive().max(maxReservationTtlMs),
  }),
)
export type PublishedReservation = z.infer<ReturnType<typeof reservationSchema>>

export const placementReservation = defineTopic({
  name: 'placement.reservation',
  key: 'reservationId',
  schema: reservationSchema,
  qos: { lifespanMs: maxReservationTtlMs },
})
