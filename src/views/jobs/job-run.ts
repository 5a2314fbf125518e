import type { LivelinessCause } from '../../liveliness/verdict.js'
import type { LedgerRun } from '../../plane/scheduler/ledger-entry.js'
import { type JobLifecycle, ReportedJobState } from '../../plane/worker/job-lifecycle.js'

export const JobState = {
  ...ReportedJobState,
  /** The worker's process is dead, and did not report an end of the job. */
  lost: 'lost',
} as const
export type JobState = (typeof JobState)[keyof typeof JobState]

/** How the process that ran a job ended, as far as that decides what becomes of the job. */
export interface ProcessEnd {
  readonly cause: LivelinessCause | null
  readonly detail: string | null
  /** Whether the job may be given to another worker: the process is known to be dead, not only replaced. */
  readonly mayReassign: boolean
}

/** One attempt at a job by one process of a worker. */
export interface JobRun extends Omit<JobLifecycle, 'state' | 'event' | 'jobId' | 'queue'> {
  /** The last report, with the end of the process: a job that ran in a dead process is `lost`. */
  readonly state: JobState
  /** The last report alone. */
  readonly reportedState: ReportedJobState
  /** Null while the process is not known to be dead. */
  readonly processEnd: ProcessEnd | null
}

const ranks: Readonly<Record<ReportedJobState, number>> = { unstarted: 0, running: 1, failed: 2, completed: 3 }

/** Whether the report is of this run: the same attempt in the same process. */
export function isSameRun(a: RunIdentity, b: RunIdentity): boolean {
  return a.attempt === b.attempt && a.incarnation === b.incarnation && a.workerId === b.workerId
}

export type RunIdentity = Pick<JobLifecycle, 'attempt' | 'workerId' | 'incarnation'>

/**
 * Returns the run with a report applied; the same object if the report adds nothing. The order in which reports arrive
 * does not matter, nor does how often: an end stays an end, and of two reports of one state the later one counts.
 */
export function withReport(run: JobRun | undefined, report: JobLifecycle): JobRun {
  if (run !== undefined && !isNews(run, report)) return run
  const { state, event: _, jobId: _jobId, queue: _queue, ...rest } = report
  return derived({ ...rest, reportedState: state, processEnd: run?.processEnd ?? null })
}

/**
 * Returns the run with what another ledger holds of it applied; the same object if that adds nothing. Two ledgers that
 * exchange a run come to hold the same: an end that only the other knows is taken and never taken back.
 * @param end how the process has ended; undefined if only the other ledger knows
 */
export function withRun(run: JobRun | undefined, theirs: LedgerRun, end: ProcessEnd | null | undefined): JobRun {
  const { reportedState: state, processEnd, ...rest } = theirs
  const ended = end === undefined ? (run?.processEnd ?? processEnd) : end
  const current = run ?? derived({ ...rest, reportedState: state, processEnd: ended })
  if (!isNews(current, { state, revision: rest.revision })) return withProcessEnd(current, ended)
  return derived({ ...rest, reportedState: state, processEnd: ended })
}

/** Returns the run with its process ended, or with `null` alive again; the same object if nothing changes. */
export function withProcessEnd(run: JobRun, end: ProcessEnd | null): JobRun {
  return sameEnd(run.processEnd, end) ? run : derived({ ...run, processEnd: end })
}

/**
 * Orders the runs of one job, the most telling first: a run that is under way, then the highest attempt, then the
 * latest start. A total order, so that every ledger with the same reports agrees.
 */
export function compareRuns(a: JobRun, b: JobRun): number {
  return (
    Number(b.state === JobState.running) - Number(a.state === JobState.running) ||
    b.attempt - a.attempt ||
    b.startedAtMs - a.startedAtMs ||
    b.incarnation - a.incarnation ||
    (a.workerId === b.workerId ? 0 : a.workerId < b.workerId ? 1 : -1)
  )
}

/** Whether the job has ended in this run, with or without a report of it. */
export function hasEnded({ state }: JobRun): boolean {
  return state === JobState.completed || state === JobState.failed || state === JobState.lost
}

function isNews(run: JobRun, { state, revision }: Pick<JobLifecycle, 'state' | 'revision'>): boolean {
  const byRank = ranks[state] - ranks[run.reportedState]
  return byRank !== 0 ? byRank > 0 : revision > run.revision
}

function derived(run: Omit<JobRun, 'state'>): JobRun {
  const isLost = run.processEnd !== null && run.reportedState === ReportedJobState.running
  return { ...run, state: isLost ? JobState.lost : run.reportedState }
}

function sameEnd(a: ProcessEnd | null, b: ProcessEnd | null): boolean {
  if (a === null || b === null) return a === b
  return a.cause === b.cause && a.detail === b.detail && a.mayReassign === b.mayReassign
}
