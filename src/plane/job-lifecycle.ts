import type { z } from 'zod'
import { lazySchema } from '../core/lazy-schema.js'
import { defineTopic } from '../pubsub/model/topic.js'
import { keyFrom } from './keys.js'
import { count, incarnation, name, note } from './text.js'

export const JobEvent = {
  started: 'started',
  completed: 'completed',
  failed: 'failed',
  /** The worker asks the owner of the queue to offer the job again; numacast itself moves no work. */
  retryRequested: 'retry-requested',
} as const
export type JobEvent = (typeof JobEvent)[keyof typeof JobEvent]

/** What names a job: queues number their jobs separately. */
export interface JobIdentity {
  /** Empty for a job of no named queue. */
  readonly queue: string
  readonly jobId: string
}

/** How far a job got: a summary, never its payload or result. Disposed by the worker some time after its end. */
export const jobLifecycleSchema = lazySchema((z) =>
  z.object({
    jobId: name(),
    workerId: name(),
    /** The incarnation of the worker that runs the job: a restarted worker of the same name has not started it. */
    incarnation: incarnation(),
    /** Empty for a job of no named queue. */
    queue: z.string().max(256),
    event: z.enum(JobEvent),
    /** Unix time, the worker's clock, for display. */
    startedAtMs: z.number(),
    /** From start to end; null while it runs. */
    durationMs: z.number().nonnegative().nullable(),
    /** The error's message, shortened. */
    error: note().nullable(),
    /** With `retry-requested`: how long to wait before offering the job again. */
    retryAfterMs: count().nullable(),
  }),
)
export type JobLifecycle = z.infer<ReturnType<typeof jobLifecycleSchema>>

/** Each copy has the same lifespan, so that jobs of a worker that died undisposed are forgotten too. */
export const jobLifecycle = defineTopic({
  name: 'job.lifecycle',
  key: ['queue', 'jobId'],
  schema: jobLifecycleSchema,
  qos: { lifespanMs: 10 * 60_000 },
})

/** The key of a job's instance in `job.lifecycle`. */
export function jobKey({ queue, jobId }: JobIdentity): string {
  return keyFrom([queue, jobId])
}
