import type { LedgerState } from '../plane/scheduler/ledger-state.js'
import type { JobRecord } from '../views/jobs/job-record.js'

/** The jobs of a plane: what `numacast jobs --json` prints. */
export interface JobsDocument {
  readonly domain: number
  /** The ledgers from which jobs that ended earlier are known; without one, only what workers still report. */
  readonly ledgers: readonly LedgerState[]
  /** How many jobs match, whatever the limit. */
  readonly matching: number
  /** The job with the latest report first; at most as many as were asked for. */
  readonly jobs: readonly JobRecord[]
}
