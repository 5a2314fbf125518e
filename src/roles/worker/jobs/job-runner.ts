import { invalidArgument } from '../../../core/errors.js'
import { Coalescer } from '../../../core/time/coalescer.js'
import { toNote } from '../../../plane/vocabulary/text.js'
import { type JobIdentity, type JobLifecycle, jobReportLifespanMs } from '../../../plane/worker/job-lifecycle.js'
import type { Participant } from '../../../pubsub/participant.js'
import { checkQueue } from './check-queue.js'
import { JobSummaries, type JobSummariesOptions } from './job-summaries.js'
import { type BeginOptions, checkRetryAfterMs, type JobProgressSink, type JobWork, RunningJob } from './running-job.js'

/** Where a worker's jobs are reported. */
export interface JobReports {
  job(summary: JobLifecycle): void
  forgetJob(key: string): void
  /**
   * Hands what was reported, and the worker's state, to the kernel. Returns undefined when that is done, as it is
   * unless the network is congested.
   */
  deliver(): Promise<void> | undefined
}

export interface JobRunnerComponents {
  readonly participant: Participant
  readonly workerId: string
  readonly reports: JobReports
}

/** Shortest time between two reports of progress. */
const progressIntervalMs = 250
/** A report is repeated long before its copies expire. */
const repeatMs = jobReportLifespanMs / 3

/** Runs a worker's jobs: counts them, reports each to the plane, and can abort them. */
export class JobRunner implements JobProgressSink {
  readonly summaries: JobSummaries
  readonly #components: JobRunnerComponents
  readonly #running = new Map<RunningJob, { readonly startedMs: number; readonly ended: (() => void) | undefined }>()
  readonly #progressed = new Set<RunningJob>()
  readonly #progress: Coalescer

  constructor(components: JobRunnerComponents, options: JobSummariesOptions) {
    this.#components = components
    this.summaries = new JobSummaries(options)
    this.#progress = new Coalescer(components.participant.clock, progressIntervalMs, () => this.#reportProgress())
  }

  /**
   * Begins a job. Resolves once its start has been sent, because a job may block the loop at once, and then nothing can
   * be sent.
   * @param ended called once the end of the job has been reported
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT for a name, an attempt, or a job that is in flight
   */
  async begin(identity: JobIdentity, options: BeginOptions = {}, ended?: () => void): Promise<RunningJob> {
    const { participant, reports } = this.#components
    this.check(identity)
    const nowMs = participant.clock.nowMs()
    const report = this.#firstReport(identity, options)
    const job = new RunningJob(this, report)
    this.#running.set(job, { startedMs: nowMs, ended })
    this.summaries.start(report, nowMs)
    reports.job(report)
    const delivery = reports.deliver()
    if (delivery !== undefined) await delivery
    return job
  }

  /**
   * Runs `work` as a job, whose end is that of `work` unless `work` reports another.
   * @throws what `work` throws; what {@link begin} throws
   */
  async run<R>(identity: JobIdentity, work: JobWork<R>, options: BeginOptions = {}): Promise<R> {
    const job = await this.begin(identity, options)
    try {
      const result = await work(job.signal, job)
      if (!job.hasEnded) job.complete()
      return result
    } catch (error) {
      if (!job.hasEnded) job.fail(error)
      throw error
    }
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT for a name, or a job that is in flight */
  check(job: JobIdentity): void {
    checkJob(job)
    if (!this.summaries.has(job)) return
    throw invalidArgument(`job ${shown(job)} is in flight on worker ${this.#components.workerId} already`)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
  requestRetry(identity: JobIdentity, reason: string, afterMs: number): void {
    checkJob(identity)
    const retryAfterMs = checkRetryAfterMs(afterMs)
    const { participant, reports } = this.#components
    const last = this.summaries.last(identity)
    const held: JobLifecycle = last ?? { ...this.#firstReport(identity, {}), state: 'unstarted' }
    const revision = last === undefined ? 0 : last.revision + 1
    const report: JobLifecycle = { ...held, revision, event: 'retry-requested', error: toNote(reason), retryAfterMs }
    this.summaries.update(report, participant.clock.nowMs())
    reports.job(report)
  }

  /** Aborts the signal of every job in flight. */
  abortAll(reason: unknown): void {
    for (const job of this.#running.keys()) job.abort(reason)
  }

  /** Repeats the reports of long jobs, and disposes the summaries of jobs that ended a while ago. */
  maintain(): void {
    const { participant, reports } = this.#components
    const nowMs = participant.clock.nowMs()
    for (const report of this.summaries.takeDue(repeatMs, nowMs)) reports.job(report)
    for (const key of this.summaries.takeExpired(nowMs)) reports.forgetJob(key)
  }

  /** Reports what is waiting, and no further progress. */
  stop(): void {
    this.#progress.close()
    this.#reportProgress()
  }

  jobChanged(job: RunningJob): void {
    this.summaries.update(job.report, this.#components.participant.clock.nowMs())
    this.#progressed.add(job)
    this.#progress.request()
    this.#components.participant.reportProgress()
  }

  jobEnded(job: RunningJob): void {
    const { participant, reports } = this.#components
    const ended = this.#running.get(job)?.ended
    this.#running.delete(job)
    this.#progressed.delete(job)
    this.summaries.end(job.report, participant.clock.nowMs())
    reports.job(job.report)
    // Peers take it for evidence of work, however late the main loop runs.
    participant.reportProgress()
    ended?.()
  }

  endedAgain(): void {
    this.#components.participant.counters.add('worker.job-ended-again')
  }

  durationMs(job: RunningJob): number {
    const nowMs = this.#components.participant.clock.nowMs()
    return nowMs - (this.#running.get(job)?.startedMs ?? nowMs)
  }

  #reportProgress(): void {
    for (const job of this.#progressed) this.#components.reports.job(job.report)
    this.#progressed.clear()
  }

  #firstReport({ queue, jobId }: JobIdentity, { attempt }: BeginOptions): JobLifecycle {
    const { participant, workerId } = this.#components
    const before = this.summaries.last({ queue, jobId })?.attempt ?? 0
    if (attempt !== undefined && !(Number.isSafeInteger(attempt) && attempt >= 1)) {
      throw invalidArgument(`attempt must be an integer from 1, not ${attempt}`)
    }
    return {
      jobId,
      workerId,
      incarnation: participant.incarnation,
      queue,
      attempt: attempt ?? before + 1,
      revision: 0,
      event: 'started',
      state: 'running',
      startedAtMs: participant.clock.wallMs(),
      durationMs: null,
      progress: null,
      note: null,
      error: null,
      retryable: null,
      retryAfterMs: null,
    }
  }
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
function checkJob({ queue, jobId }: JobIdentity): void {
  if (typeof jobId !== 'string' || jobId === '' || jobId.length > 256) {
    throw invalidArgument('jobId must be a name of 1 to 256 characters')
  }
  checkQueue(queue)
}

function shown({ queue, jobId }: JobIdentity): string {
  return queue === '' ? jobId : `${jobId} of queue ${queue}`
}
