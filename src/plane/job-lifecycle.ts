import { z } from 'zod'
import { defineTopic } from '../pubsub/model/topic.js'
import { count, name, note } from './text.js'

export const JobEvent = {
  started: 'started',
  completed: 'completed',
  failed: 'failed',
  /** The worker asks whoever owns the queue to offer the job again; numacast itself moves no work. */
  retryRequested: 'retry-requested',
} as const
export type JobEvent = (typeof JobEvent)[keyof typeof JobEvent]

/** How far a job got: a summary, never its payload or result. Disposed by the worker some time after its end. */
export const jobLifecycleSchema = z.object({
  jobId: name,
  workerId: name,
  queue: name.nullable(),
  event: z.enum(JobEvent),
  /** Unix time, the worker's clock, for display. */
  startedAtMs: z.number(),
  /** From start to end; null while it runs. */
  durationMs: z.number().nonnegative().nullable(),
  /** The error's message, shortened. */
  error: note.nullable(),
  /** With `retry-requested`: how long to wait before offering the job again. */
  retryAfterMs: count.nullable(),
})
export type JobLifecycle = z.infer<typeof jobLifecycleSchema>

/** One lifespan for every copy, so that jobs of a worker that died undisposed are forgotten too. */
export const jobLifecycle = defineTopic({
  name: 'job.lifecycle',
  key: 'jobId',
  schema: jobLifecycleSchema,
  qos: { lifespanMs: 10 * 60_000 },
})
