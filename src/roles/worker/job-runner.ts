import { invalidArgument } from '../../core/errors.js'
import type { JobLifecycle } from '../../plane/job-lifecycle.js'
import { asNote } from '../../plane/text.js'
import type { Participant } from '../../pubsub/participant.js'
import { JobSummaries, type JobSummariesOptions } from './job-summaries.js'
import type { WorkerPublisher } from './worker-publisher.js'

export interface JobRunnerComponents {
  readonly participant: Participant
  readonly workerId: string
  readonly publisher: WorkerPublisher
  /** A job has started or ended. */
  readonly changed: () => void
}

/** Runs a worker's jobs: counts them, tells the plane of each, and can end them. */
export class JobRunner {
  readonly ledger: JobSummaries
  readonly #components: JobRunnerComponents
  readonly #aborts = new Map<string, AbortController>()
  readonly #idle = new Set<() => void>()

  constructor(components: JobRunnerComponents, options: JobSummariesOptions) {
    this.#components = components
    this.ledger = new JobSummaries(options)
  }

  /** @throws what `work` throws; NumacastError NUMACAST_INVALID_ARGUMENT for a name, or a job that is in flight */
  async run<R>(jobId: string, work: (signal: AbortSignal) => Promise<R> | R, queue: string | null): Promise<R> {
    const { participant, workerId, publisher, changed } = this.#components
    checkName('jobId', jobId)
    if (queue !== null) checkName('queue', queue)
    if (this.ledger.has(jobId)) throw invalidArgument(`job ${jobId} is in flight on worker ${workerId} already`)
    const { clock } = participant
    const startedMs = clock.nowMs()
    const abort = new AbortController()
    this.#aborts.set(jobId, abort)
    publisher.job(this.ledger.start(this.#newJob(jobId, queue)))
    changed()
    let error: string | null = null
    try {
      return await work(abort.signal)
    } catch (cause) {
      error = asNote(cause instanceof Error ? cause.message : String(cause))
      throw cause
    } finally {
      this.#aborts.delete(jobId)
      const nowMs = clock.nowMs()
      const ended = this.ledger.end(jobId, error, nowMs - startedMs, nowMs)
      if (ended !== undefined) publisher.job(ended)
      // Observers take it for evidence of work, however late the main loop runs.
      participant.reportProgress()
      changed()
      if (this.ledger.inFlight === 0) for (const isIdle of [...this.#idle]) isIdle()
    }
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
  requestRetry(jobId: string, reason: string, afterMs: number, queue: string | null): void {
    checkName('jobId', jobId)
    if (queue !== null) checkName('queue', queue)
    if (!(afterMs >= 0 && afterMs <= Number.MAX_SAFE_INTEGER)) {
      throw invalidArgument(`afterMs must be a number of milliseconds from 0, not ${afterMs}`)
    }
    const job = this.#newJob(jobId, queue)
    const retryAfterMs = Math.round(afterMs)
    this.#components.publisher.job({ ...job, event: 'retry-requested', error: asNote(reason), retryAfterMs })
    this.ledger.remember(jobId, this.#components.participant.clock.nowMs())
  }

  /** Aborts the signal of every job in flight. */
  abortAll(reason: unknown): void {
    for (const abort of this.#aborts.values()) abort.abort(reason)
  }

  /** Resolves when nothing is in flight, or after `graceMs`. */
  idleWithin(graceMs: number): Promise<void> {
    if (this.ledger.inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.#idle.delete(done)
        resolve()
      }
      const timer = this.#components.participant.clock.after(graceMs, done)
      this.#idle.add(done)
    })
  }

  /** Disposes the summaries of jobs that ended a while ago. */
  forget(): void {
    const { participant, publisher } = this.#components
    for (const jobId of this.ledger.takeExpired(participant.clock.nowMs())) publisher.forgetJob(jobId)
  }

  #newJob(jobId: string, queue: string | null): JobLifecycle {
    const { participant, workerId } = this.#components
    const startedAtMs = participant.clock.wallMs()
    return { jobId, workerId, queue, event: 'started', startedAtMs, durationMs: null, error: null, retryAfterMs: null }
  }
}

function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > 256) {
    throw invalidArgument(`${what} must be a name of 1 to 256 characters`)
  }
}
