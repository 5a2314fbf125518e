import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { LivelinessCause } from '../../liveliness/verdict.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { name, note } from '../vocabulary/text.js'
import { jobLifecycleSchema, ReportedJobState } from '../worker/job-lifecycle.js'

/** Runs of one job that a ledger keeps. The least telling are dropped. */
export const maxRunsPerJob = 8

/** Why a ledger has evicted a job. */
export const JobEviction = {
  /** It held more jobs than it may. */
  byCount: 'evicted-by-count',
  /** No report on the job came for the retention of the ledger. */
  byAge: 'evicted-by-age',
} as const
export type JobEviction = (typeof JobEviction)[keyof typeof JobEviction]

/** How the process that ran a job ended, as far as that decides what becomes of the job. */
export const processEndSchema = lazySchema((z) =>
  z.object({
    cause: z.enum(LivelinessCause).nullable(),
    detail: note().nullable(),
    /** Whether the job may be given to another worker: the process is known to be dead, not only replaced. */
    mayReassign: z.boolean(),
  }),
)

/** One attempt at a job by one process: its last report, and how the process ended. */
const ledgerRun = lazySchema((z) =>
  jobLifecycleSchema()
    .omit({ jobId: true, queue: true, event: true, state: true })
    .extend({ reportedState: z.enum(ReportedJobState), processEnd: processEndSchema().nullable() }),
)

/**
 * What the ledger of one scheduler holds of one job. A participant that joins later learns from it of jobs whose workers
 * have disposed their reports, or are dead.
 */
export const ledgerEntrySchema = lazySchema((z) =>
  z.object({
    /** The GUID of the scheduler's participant. */
    schedulerId: name(),
    /** Empty for a job of no named queue. */
    queue: z.string().max(256),
    jobId: name(),
    /** Null while the ledger holds the job. */
    evicted: z.enum(JobEviction).nullable(),
    /**
     * Time from the last report on the job to the writing of this entry; 0 once the job is evicted. Without it a job would
     * grow younger with each ledger that takes it over.
     */
    ageMs: z.number().nonnegative(),
    /** The run that tells what became of the job comes first; empty once the job is evicted. */
    runs: z.array(ledgerRun()).max(maxRunsPerJob),
  }),
)
export type LedgerEntry = z.infer<ReturnType<typeof ledgerEntrySchema>>
export type LedgerRun = LedgerEntry['runs'][number]

/** Written when the record changes. Disposed once the scheduler no longer remembers that it has evicted the job. */
export const ledgerEntry = defineTopic({
  name: 'ledger.entry',
  key: ['schedulerId', 'queue', 'jobId'],
  schema: ledgerEntrySchema,
})
