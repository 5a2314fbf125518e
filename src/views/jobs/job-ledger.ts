import { invalidArgument } from '../../core/errors.js'
import { LinkedSet } from '../../core/linked-set.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { type JobIdentity, type JobLifecycle, jobKey } from '../../plane/job-lifecycle.js'
import { type JobRecord, recordProcessEnd, recordReport } from './job-record.js'
import { hasEnded, type JobRun, type JobState, type ProcessEnd } from './job-run.js'

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

/** Why a ledger does not hold a job. */
export const JobMissing = {
  /** No report on it has arrived. */
  unknown: 'unknown',
  /** It was evicted because there were more than `maxJobs`. */
  evictedByCount: 'evicted-by-count',
  /** It was evicted because no report on it came for `retentionMs`. */
  evictedByAge: 'evicted-by-age',
} as const
export type JobMissing = (typeof JobMissing)[keyof typeof JobMissing]

/** One process of a worker. */
export interface WorkerProcessKey {
  readonly workerId: string
  readonly incarnation: number
}

/** Which jobs to list. Every condition that is given must hold. */
export interface JobFilter {
  readonly queue?: string
  /** Some run of the job is by this worker. */
  readonly workerId?: string
  readonly state?: JobState
}

/**
 * What became of jobs, for a bounded number and time. It takes reports and deaths in any order and any number of times,
 * and two ledgers that received the same hold the same. An end that was reported is never replaced by an older report.
 */
export class JobLedger {
  readonly #options: ResolvedJobLedgerOptions
  readonly #records = new Map<string, JobRecord>()
  readonly #touchedMs = new Map<string, number>()
  /** Keys of jobs that have ended, and of all others, each by the time of the last report. */
  readonly #ended = new LinkedSet<string>()
  readonly #open = new LinkedSet<string>()
  /** Keys of the jobs that have a run in a process. */
  readonly #byProcess = new Map<string, Set<string>>()
  readonly #evicted = new Map<string, JobMissing>()
  #evictedByCount = 0
  #evictedByAge = 0

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
  constructor(options: JobLedgerOptions = {}) {
    this.#options = resolveJobLedgerOptions(options)
  }

  /** Jobs that it holds. */
  get size(): number {
    return this.#records.size
  }

  /** Jobs that it has evicted since it was opened, by reason. */
  get evictions(): { readonly byCount: number; readonly byAge: number } {
    return { byCount: this.#evictedByCount, byAge: this.#evictedByAge }
  }

  get(job: JobIdentity): JobRecord | undefined {
    return this.#records.get(jobKey(job))
  }

  /** Returns the jobs with this id, one per queue. */
  withId(jobId: string): readonly JobRecord[] {
    return [...this.#records.values()].filter((record) => record.jobId === jobId)
  }

  /** Why it does not hold the job; undefined if it does. It remembers as many evicted jobs as it may hold. */
  whyMissing(job: JobIdentity): JobMissing | undefined {
    const key = jobKey(job)
    return this.#records.has(key) ? undefined : (this.#evicted.get(key) ?? JobMissing.unknown)
  }

  /** Returns the jobs to which the filter applies, the one with the latest report first. */
  list({ queue, workerId, state }: JobFilter = {}): readonly JobRecord[] {
    const matching = [...this.#records].filter(
      ([, record]) =>
        (queue === undefined || record.queue === queue) &&
        (state === undefined || record.state === state) &&
        (workerId === undefined || record.runs.some((run) => run.workerId === workerId)),
    )
    const touchedMs = (key: string): number => this.#touchedMs.get(key) ?? 0
    return matching.sort(([a], [b]) => touchedMs(b) - touchedMs(a)).map(([, record]) => record)
  }

  /** Returns the runs of a process that it has started and not reported as ended, each with its job, oldest first. */
  unfinishedOf(process: WorkerProcessKey): readonly { readonly job: JobRecord; readonly run: JobRun }[] {
    const unfinished: { readonly job: JobRecord; readonly run: JobRun }[] = []
    for (const key of this.#byProcess.get(processKey(process)) ?? []) {
      const job = this.#records.get(key)
      for (const run of job?.runs ?? []) {
        if (job !== undefined && isOf(run, process) && run.reportedState === 'running') unfinished.push({ job, run })
      }
    }
    return unfinished.sort((a, b) => a.run.startedAtMs - b.run.startedAtMs)
  }

  /**
   * Takes a report of a worker. Returns the record if the report has changed it.
   * @param end how the process that reports has ended, if it is known to be dead
   */
  report(report: JobLifecycle, nowMs: number, end: ProcessEnd | null = null): JobRecord | undefined {
    const key = jobKey(report)
    const before = this.#records.get(key)
    const reported = recordReport(before, report)
    const record = end === null ? reported : recordProcessEnd(reported, report, end)
    this.#markUpdated(key, record, nowMs)
    if (record === before) return undefined
    this.#put(key, record)
    this.#evictExcess()
    return record
  }

  /** Takes the end of a process, or with null that it is alive after all. Returns the records that have changed. */
  processEnded(process: WorkerProcessKey, end: ProcessEnd | null): readonly JobRecord[] {
    const changed: JobRecord[] = []
    for (const key of this.#byProcess.get(processKey(process)) ?? []) {
      const before = this.#records.get(key)
      if (before === undefined) continue
      const record = recordProcessEnd(before, process, end)
      if (record === before) continue
      this.#put(key, record)
      this.#index(key, record)
      changed.push(record)
    }
    return changed
  }

  /** Evicts what no report came on for `retentionMs`. */
  expire(nowMs: number): void {
    for (const keys of [this.#ended, this.#open]) {
      for (const key of keys) {
        // Each set is in the order of the last report, but for jobs whose worker died: those come later than they must.
        if ((this.#touchedMs.get(key) ?? 0) + this.#options.retentionMs > nowMs) break
        this.#evict(key, JobMissing.evictedByAge)
      }
    }
  }

  #put(key: string, record: JobRecord): void {
    const before = this.#records.get(key)
    this.#records.set(key, record)
    this.#evicted.delete(key)
    for (const run of record.runs) {
      const process = processKey(run)
      const keys = this.#byProcess.get(process)
      if (keys === undefined) this.#byProcess.set(process, new Set([key]))
      else keys.add(key)
    }
    for (const run of before?.runs ?? []) {
      if (!record.runs.some((each) => isOf(each, run))) this.#unlink(processKey(run), key)
    }
  }

  #markUpdated(key: string, record: JobRecord, nowMs: number): void {
    this.#touchedMs.set(key, nowMs)
    this.#index(key, record)
  }

  #index(key: string, record: JobRecord): void {
    this.#ended.delete(key)
    this.#open.delete(key)
    const into = hasEnded(record.runs[0]) ? this.#ended : this.#open
    into.add(key)
  }

  #evictExcess(): void {
    while (this.#records.size > this.#options.maxJobs) {
      const key = this.#ended.first ?? this.#open.first
      if (key === undefined) return
      this.#evict(key, JobMissing.evictedByCount)
    }
  }

  #evict(key: string, reason: JobMissing): void {
    for (const run of this.#records.get(key)?.runs ?? []) this.#unlink(processKey(run), key)
    this.#records.delete(key)
    this.#touchedMs.delete(key)
    this.#ended.delete(key)
    this.#open.delete(key)
    if (reason === JobMissing.evictedByAge) this.#evictedByAge++
    else this.#evictedByCount++
    this.#evicted.delete(key)
    this.#evicted.set(key, reason)
    const [oldest] = this.#evicted.keys()
    if (this.#evicted.size > this.#options.maxJobs && oldest !== undefined) this.#evicted.delete(oldest)
  }

  #unlink(process: string, key: string): void {
    const keys = this.#byProcess.get(process)
    keys?.delete(key)
    if (keys?.size === 0) this.#byProcess.delete(process)
  }
}

function processKey({ workerId, incarnation }: WorkerProcessKey): string {
  return `${incarnation} ${workerId}`
}

function isOf(run: WorkerProcessKey, process: WorkerProcessKey): boolean {
  return run.workerId === process.workerId && run.incarnation === process.incarnation
}
