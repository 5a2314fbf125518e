import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { keyFrom } from '../vocabulary/keys.js'
import { count, incarnation, name, note } from '../vocabulary/text.js'

/** What a worker has last reported of a job. */
export const JobEvent = {
  started: 'started',
  progress: 'progress',
  completed: 'completed',
  failed: 'failed',
  /** The worker asks the owner of the queue to offer the job again; numacast itself moves no work. */
  retryRequested: 'retry-requested',
} as const
export type JobEvent = (typeof JobEvent)[keyof typeof JobEvent]

/** How far a job got at the worker that reports it, whatever the last event was. */
export const ReportedJobState = {
  /** The worker has not run it: it asks for a retry of a job that it was only offered. */
  unstarted: 'unstarted',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
} as const
export type ReportedJobState = (typeof ReportedJobState)[keyof typeof ReportedJobState]

/** What names a job: queues number their jobs separately. */
export interface JobIdentity {
  /** Empty for a job of no named queue. */
  readonly queue: string
  readonly jobId: string
}

/**
 * How far a job got: a summary, never its payload or result. Each report contains all that holds for the attempt, so
 * that a late joiner needs only the last. Disposed by the worker some time after the job's end.
 */
export const jobLifecycleSchema = lazySchema((z) =>
  z.object({
    jobId: name(),
    workerId: name(),
    /** The incarnation of the worker that runs the job: a restarted worker of the same name has not started it. */
    incarnation: incarnation(),
    /** Empty for a job of no named queue. */
    queue: z.string().max(256),
    /** Counts the attempts at the job, from 1. */
    attempt: count().min(1),
    /** Counts the reports on the attempt, from 0: of two, the one with the higher number is the later. */
    revision: count(),
    event: z.enum(JobEvent),
    state: z.enum(ReportedJobState),
    /** Unix time, the worker's clock, for display. */
    startedAtMs: z.number(),
    /** From start to end; null while it runs. */
    durationMs: z.number().nonnegative().nullable(),
    /** Share of the job that is done, 0 … 1; null if the job does not report it. */
    progress: z.number().min(0).max(1).nullable(),
    /** What the job last reported about its progress or its result. */
    note: note().nullable(),
    /** The error's message, shortened; with `retry-requested` the reason. */
    error: note().nullable(),
    /** With `failed`: whether another attempt may succeed; null if the job does not tell. */
    retryable: z.boolean().nullable(),
    /** How long to wait before offering the job again; null if no retry was requested. */
    retryAfterMs: count().nullable(),
  }),
)
export type JobLifecycle = z.infer<ReturnType<typeof jobLifecycleSchema>>

/** How long a copy of a report is kept. Workers repeat the reports of running jobs more often than that. */
export const jobReportLifespanMs = 10 * 60_000

/** Each copy has the same lifespan, so that jobs of a worker that died undisposed are forgotten too. */
export const jobLifecycle = defineTopic({
  name: 'job.lifecycle',
  key: ['queue', 'jobId'],
  schema: jobLifecycleSchema,
  qos: { lifespanMs: jobReportLifespanMs },
})

/** The key of a job's instance in `job.lifecycle`. */
export function jobKey({ queue, jobId }: JobIdentity): string {
  return keyFrom([queue, jobId])
}
