import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, name } from '../vocabulary/text.js'

/** How much the ledger of one scheduler holds, and what it has evicted. */
export const ledgerStateSchema = lazySchema((z) =>
  z.object({
    /** The GUID of the scheduler's participant. */
    schedulerId: name(),
    name: name(),
    host: name(),
    pid: count(),
    jobs: count(),
    maxJobs: count(),
    /** Null if age evicts nothing. */
    retentionMs: z.number().positive().nullable(),
    /** Since the scheduler has started. */
    evictedByCount: count(),
    evictedByAge: count(),
  }),
)
export type LedgerState = z.infer<ReturnType<typeof ledgerStateSchema>>

/** Written when it changes, at most once a second. */
export const ledgerState = defineTopic({ name: 'ledger.state', key: 'schedulerId', schema: ledgerStateSchema })
