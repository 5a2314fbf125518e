import { type LedgerRun, maxRunsPerJob } from '../../plane/scheduler/ledger-entry.js'
import type { JobIdentity, JobLifecycle } from '../../plane/worker/job-lifecycle.js'
import {
  compareRuns,
  isSameRun,
  type JobRun,
  type JobState,
  type ProcessEnd,
  type RunIdentity,
  withProcessEnd,
  withReport,
  withRun,
} from './job-run.js'

/** What a ledger holds of one job. */
export interface JobRecord extends JobIdentity {
  /** The state of the first of `runs`. */
  readonly state: JobState
  /** At least one; the run that tells what became of the job comes first. */
  readonly runs: readonly [JobRun, ...JobRun[]]
}

/** Returns the record with a report applied; the same object if the report adds nothing. */
export function recordReport(record: JobRecord | undefined, report: JobLifecycle): JobRecord {
  const held = record?.runs.find((run) => isSameRun(run, report))
  const run = withReport(held, report)
  return record !== undefined && run === held ? record : replaced(record, report, held, run)
}

/**
 * Returns the record with a run of another ledger applied; the same object if the run adds nothing.
 * @param end how the process of the run has ended; undefined if only the other ledger knows
 */
export function recordRun(
  record: JobRecord | undefined,
  job: JobIdentity,
  theirs: LedgerRun,
  end: ProcessEnd | null | undefined,
): JobRecord {
  const held = record?.runs.find((run) => isSameRun(run, theirs))
  const run = withRun(held, theirs, end)
  return record !== undefined && run === held ? record : replaced(record, job, held, run)
}

/** Returns the record with the process of some of its runs ended; the same object if nothing changes. */
export function recordProcessEnd(
  record: JobRecord,
  process: Omit<RunIdentity, 'attempt'>,
  end: ProcessEnd | null,
): JobRecord {
  let current = record
  for (const held of record.runs) {
    if (held.workerId !== process.workerId || held.incarnation !== process.incarnation) continue
    const run = withProcessEnd(held, end)
    if (run !== held) current = replaced(current, record, held, run)
  }
  return current
}

/** Returns the record with a run in place of an old one; the same object if the run is one too many and is dropped. */
function replaced(
  record: JobRecord | undefined,
  { queue, jobId }: JobIdentity,
  old: JobRun | undefined,
  run: JobRun,
): JobRecord {
  const held = record?.runs ?? []
  const others = held.filter((each) => each !== old)
  const [first = run, ...rest] = [run, ...others].sort(compareRuns).slice(0, maxRunsPerJob)
  const runs: JobRecord['runs'] = [first, ...rest]
  if (record !== undefined && runs.length === held.length && runs.every((each, index) => each === held[index])) {
    return record
  }
  return { queue, jobId, state: first.state, runs }
}
