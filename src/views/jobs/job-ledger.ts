import { LinkedSet } from '../../core/linked-set.js'
import { JobEviction, type LedgerRun } from '../../plane/scheduler/ledger-entry.js'
import { keyParts, workerProcessKey } from '../../plane/vocabulary/keys.js'
import { type JobIdentity, type JobLifecycle, jobKey } from '../../plane/worker/job-lifecycle.js'
import { type JobLedgerOptions, type ResolvedJobLedgerOptions, resolveJobLedgerOptions } from './job-ledger-options.js'
import { type JobRecord, recordProcessEnd, recordReport, recordRun } from './job-record.js'
import { hasEnded, type JobRun, type JobState, type ProcessEnd } from './job-run.js'

/** Why a ledger does not hold a job. */
export const JobMissing = {
  /** No report on it has arrived. */
  unknown: 'unknown',
  /** It was evicted because there were more than `maxJobs`. */
  evictedByCount: JobEviction.byCount,
  /** It was evicted because no report on it came for `retentionMs`. */
  evictedByAge: JobEviction.byAge,
} as const
export type JobMissing = (typeof JobMissing)[keyof typeof JobMissing]

/** One process of a worker. */
export interface WorkerProcessKey {
  readonly workerId: string
  readonly incarnation: number
}

/** Takes note that what a ledger holds of a job has changed. */
export interface JobLedgerChanges {
  changed(job: JobIdentity): void
}

/** A job that a ledger does not hold any more, or that another ledger has evicted. */
interface Evicted {
  readonly reason: JobEviction
  /** When this ledger evicted it; -Infinity if only another has. */
  readonly evictedMs: number
}

/** How the process of a run has ended; null if it is alive, undefined if nothing is known of it. */
export type EndOfProcess = (process: WorkerProcessKey) => ProcessEnd | null | undefined

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
  readonly #evicted = new Map<string, Evicted>()
  readonly #changes: JobLedgerChanges | undefined
  #evictedByCount = 0
  #evictedByAge = 0

  /**
   * @param changes gets each job whose record has changed, was evicted, or is no longer remembered as evicted
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be
   */
  constructor(options: JobLedgerOptions = {}, changes?: JobLedgerChanges) {
    this.#options = resolveJobLedgerOptions(options)
    this.#changes = changes
  }

  get options(): ResolvedJobLedgerOptions {
    return this.#options
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

  /** Returns when the last report on the job came, on this process's monotonic clock; undefined if it is not held. */
  reportedMs(job: JobIdentity): number | undefined {
    return this.#touchedMs.get(jobKey(job))
  }

  /** Returns the jobs with this id, one per queue. */
  withId(jobId: string): readonly JobRecord[] {
    return [...this.#records.values()].filter((record) => record.jobId === jobId)
  }

  /** Why it does not hold the job; undefined if it does. It remembers as many evicted jobs as it may hold. */
  whyMissing(job: JobIdentity): JobMissing | undefined {
    const key = jobKey(job)
    return this.#records.has(key) ? undefined : (this.#evicted.get(key)?.reason ?? JobMissing.unknown)
  }

  /** Returns the jobs with this id that were evicted and are not held again, one per queue. */
  evictedWithId(jobId: string): readonly (JobIdentity & { readonly evicted: JobEviction })[] {
    const evicted = [...this.#evicted].map(([key, { reason }]) => ({ ...jobOf(key), evicted: reason }))
    return evicted.filter((job) => job.jobId === jobId)
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
    for (const key of this.#byProcess.get(workerProcessKey(process)) ?? []) {
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
    this.#evictExcess(nowMs)
    return record
  }

  /**
   * Takes what another ledger holds of a job. Returns the record if that has changed it. A job that this ledger has
   * evicted comes back only by a later report.
   * @param reportedMs when the last report on the job came, on this process's monotonic clock
   * @param endOf what is known here of the processes; where nothing is, what the other ledger holds is taken
   */
  merge(
    job: JobIdentity,
    runs: readonly LedgerRun[],
    { reportedMs, nowMs, endOf }: { reportedMs: number; nowMs: number; endOf: EndOfProcess },
  ): JobRecord | undefined {
    if (reportedMs + this.#options.retentionMs <= nowMs) return undefined
    const key = jobKey(job)
    const before = this.#records.get(key)
    const evicted = this.#evicted.get(key)
    if (evicted !== undefined && reportedMs <= evicted.evictedMs) return undefined
    let record = before
    for (const run of runs) record = recordRun(record, job, run, endOf(run))
    if (record === undefined) return undefined
    this.#touchedMs.set(key, Math.max(reportedMs, this.#touchedMs.get(key) ?? Number.NEGATIVE_INFINITY))
    if (record === before) return undefined
    this.#put(key, record)
    this.#index(key, record)
    this.#evictExcess(nowMs)
    return record
  }

  /**
   * Takes note that another ledger has evicted a job. Without effect on a job that this one holds, or when it remembers as
   * many evictions as it may: two ledgers that displaced each other's would never come to rest.
   */
  mergeEviction(job: JobIdentity, reason: JobEviction): void {
    const key = jobKey(job)
    if (this.#records.has(key) || this.#evicted.has(key) || this.#evicted.size >= this.#options.maxJobs) return
    this.#rememberEviction(key, { reason, evictedMs: Number.NEGATIVE_INFINITY })
  }

  /** Takes the end of a process, or with null that it is alive after all. Returns the records that have changed. */
  processEnded(process: WorkerProcessKey, end: ProcessEnd | null): readonly JobRecord[] {
    const changed: JobRecord[] = []
    for (const key of this.#byProcess.get(workerProcessKey(process)) ?? []) {
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
        // Each set is in the order of the last report, but for jobs whose worker died, or that came from another
        // ledger: those are evicted later than they might be.
        if ((this.#touchedMs.get(key) ?? 0) + this.#options.retentionMs > nowMs) break
        this.#evict(key, { reason: JobEviction.byAge, evictedMs: nowMs })
      }
    }
  }

  #put(key: string, record: JobRecord): void {
    const before = this.#records.get(key)
    this.#records.set(key, record)
    this.#evicted.delete(key)
    this.#changes?.changed(record)
    for (const run of record.runs) {
      const process = workerProcessKey(run)
      const keys = this.#byProcess.get(process)
      if (keys === undefined) this.#byProcess.set(process, new Set([key]))
      else keys.add(key)
    }
    for (const run of before?.runs ?? []) {
      if (!record.runs.some((each) => isOf(each, run))) this.#unlink(workerProcessKey(run), key)
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

  #evictExcess(nowMs: number): void {
    while (this.#records.size > this.#options.maxJobs) {
      const key = this.#ended.first ?? this.#open.first
      if (key === undefined) return
      this.#evict(key, { reason: JobEviction.byCount, evictedMs: nowMs })
    }
  }

  #evict(key: string, eviction: Evicted): void {
    for (const run of this.#records.get(key)?.runs ?? []) this.#unlink(workerProcessKey(run), key)
    this.#records.delete(key)
    this.#touchedMs.delete(key)
    this.#ended.delete(key)
    this.#open.delete(key)
    if (eviction.reason === JobEviction.byAge) this.#evictedByAge++
    else this.#evictedByCount++
    this.#rememberEviction(key, eviction)
  }

  #rememberEviction(key: string, eviction: Evicted): void {
    this.#evicted.delete(key)
    this.#evicted.set(key, eviction)
    this.#changes?.changed(jobOf(key))
    const [oldest] = this.#evicted.keys()
    if (this.#evicted.size <= this.#options.maxJobs || oldest === undefined) return
    this.#evicted.delete(oldest)
    this.#changes?.changed(jobOf(oldest))
  }

  #unlink(process: string, key: string): void {
    const keys = this.#byProcess.get(process)
    keys?.delete(key)
    if (keys?.size === 0) this.#byProcess.delete(process)
  }
}

function isOf(run: WorkerProcessKey, process: WorkerProcessKey): boolean {
  return run.workerId === process.workerId && run.incarnation === process.incarnation
}

function jobOf(key: string): JobIdentity {
  const [queue = '', jobId = ''] = keyParts(key)
  return { queue, jobId }
}
