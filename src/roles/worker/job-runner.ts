import { invalidArgument } from '../../core/errors.js'
import type { JobIdentity, JobLifecycle } from '../../plane/job-lifecycle.js'
import { asNote } from '../../plane/text.js'
import type { Participant } from '../../pubsub/participant.js'
import { checkQueue } from './check-queue.js'
import { JobSummaries, type JobSummariesOptions } from './job-summaries.js'
import type { JobWork } from './slot.js'

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

/** Runs a worker's jobs: counts them, reports each to the plane, and can abort them. */
export class JobRunner {
  readonly summaries: JobSummaries
  readonly #components: JobRunnerComponents
  readonly #aborts = new Set<AbortController>()

  constructor(components: JobRunnerComponents, options: JobSummariesOptions) {
    this.#components = components
    this.summaries = new JobSummaries(options)
  }

  /**
   * Runs `work` once its start has been sent, because a job may block the loop at once, and then nothing can be sent.
   * @throws what `work` throws; NumacastError NUMACAST_INVALID_ARGUMENT for a name, or a job that is in flight
   */
  async run<R>(job: JobIdentity, work: JobWork<R>): Promise<R> {
    const { participant, reports } = this.#components
    const { clock } = participant
    this.check(job)
    const startedMs = clock.nowMs()
    const abort = new AbortController()
    this.#aborts.add(abort)
    let error: string | null = null
    try {
      reports.job(this.summaries.start(this.#newJob(job)))
      const delivery = reports.deliver()
      if (delivery !== undefined) await delivery
      return await work(abort.signal)
    } catch (cause) {
      error = asNote(cause instanceof Error ? cause.message : String(cause))
      throw cause
    } finally {
      this.#aborts.delete(abort)
      const nowMs = clock.nowMs()
      const ended = this.summaries.end(job, error, nowMs - startedMs, nowMs)
      if (ended !== undefined) reports.job(ended)
      // Peers take it for evidence of work, however late the main loop runs.
      participant.reportProgress()
    }
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT for a name, or a job that is in flight */
  check(job: JobIdentity): void {
    checkJob(job)
    if (!this.summaries.has(job)) return
    throw invalidArgument(`job ${shown(job)} is in flight on worker ${this.#components.workerId} already`)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
  requestRetry(job: JobIdentity, reason: string, afterMs: number): void {
    checkJob(job)
    if (!(afterMs >= 0 && afterMs <= Number.MAX_SAFE_INTEGER)) {
      throw invalidArgument(`afterMs must be a number of milliseconds from 0, not ${afterMs}`)
    }
    const retryAfterMs = Math.round(afterMs)
    const { participant, reports } = this.#components
    reports.job({ ...this.#newJob(job), event: 'retry-requested', error: asNote(reason), retryAfterMs })
    this.summaries.remember(job, participant.clock.nowMs())
  }

  /** Aborts the signal of every job in flight. */
  abortAll(reason: unknown): void {
    for (const abort of this.#aborts) abort.abort(reason)
  }

  /** Disposes the summaries of jobs that ended a while ago. */
  forget(): void {
    const { participant, reports } = this.#components
    for (const key of this.summaries.takeExpired(participant.clock.nowMs())) reports.forgetJob(key)
  }

  #newJob({ queue, jobId }: JobIdentity): JobLifecycle {
    const { participant, workerId } = this.#components
    const startedAtMs = participant.clock.wallMs()
    const { incarnation } = participant
    const identity = { jobId, workerId, incarnation, queue }
    return { ...identity, event: 'started', startedAtMs, durationMs: null, error: null, retryAfterMs: null }
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
