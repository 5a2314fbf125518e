import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'

export interface JobLedgerOptions {
  /** Jobs that it keeps; beyond that, the job that ended longest ago is evicted. @default 10000 */
  readonly maxJobs?: number
  /** A job is evicted this long after the last report on it. @default 3600000 */
  readonly retentionMs?: number
}

export type ResolvedJobLedgerOptions = Required<JobLedgerOptions>

export const defaultJobLedgerOptions: ResolvedJobLedgerOptions = Object.freeze({
  maxJobs: 10_000,
  retentionMs: 60 * 60_000,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveJobLedgerOptions(options: JobLedgerOptions = {}): ResolvedJobLedgerOptions {
  const { maxJobs, retentionMs } = { ...defaultJobLedgerOptions, ...withoutUndefined(options) }
  if (!Number.isSafeInteger(maxJobs) || maxJobs < 1) throw invalidArgument('maxJobs must be an integer from 1')
  return Object.freeze({
    maxJobs,
    retentionMs: checkDurationMs('retentionMs', retentionMs, { exclusive: true, allowInfinity: true }),
  })
}
