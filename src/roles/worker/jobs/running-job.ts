import { invalidArgument } from '../../../core/errors.js'
import { errorText } from '../../../core/reporting/error-text.js'
import { toNote } from '../../../plane/vocabulary/text.js'
import type { JobLifecycle } from '../../../plane/worker/job-lifecycle.js'

/** Where a running job reports. */
export interface JobProgressSink {
  /** What holds for the job has changed; `report` tells it. */
  jobChanged(job: RunningJob): void
  /** The job has ended, and `report` is its last. */
  jobEnded(job: RunningJob): void
  /** The end of a job was reported twice. */
  endedAgain(job: RunningJob): void
  /** Time since the job started, in milliseconds. */
  durationMs(job: RunningJob): number
}

export interface BeginOptions {
  /** Counts the attempts at the job, from 1. @default one more than the last attempt that this worker remembers */
  readonly attempt?: number
}

/** The work of one job. It may report progress, and an end other than its own, by `job`. */
export type JobWork<R> = (signal: AbortSignal, job: RunningJob) => Promise<R> | R

export interface FailOptions {
  /** Whether another attempt may succeed. @default null: the job does not tell */
  readonly retryable?: boolean | null
}

export interface RetryOptions {
  /** How long to wait before the job is offered again, in milliseconds. @default 0 */
  readonly afterMs?: number
  /** @default 'the job asked for a retry' */
  readonly reason?: string
}

/**
 * One job that runs in a slot. What it reports reaches the plane as a summary; its payload and its result do not. The
 * first end counts: a later one changes nothing and is counted as `worker.job-ended-again`.
 */
export class RunningJob {
  readonly #sink: JobProgressSink
  readonly #abort = new AbortController()
  #report: JobLifecycle

  /** @internal Begun by `Slot.begin`, `Worker.begin` and `Worker.run`. */
  constructor(sink: JobProgressSink, report: JobLifecycle) {
    this.#sink = sink
    this.#report = report
  }

  /** Empty for a job of no named queue. */
  get queue(): string {
    return this.#report.queue
  }
  get jobId(): string {
    return this.#report.jobId
  }
  /** Counts the attempts at the job, from 1. */
  get attempt(): number {
    return this.#report.attempt
  }

  /** Aborts when the worker closes and its grace is over. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether its end has been reported. */
  get hasEnded(): boolean {
    return this.#report.state !== 'running'
  }

  /** The last report on it. @internal */
  get report(): JobLifecycle {
    return this.#report
  }

  /**
   * Reports how far the job is. Reports that follow each other quickly are joined: the last one counts. Without effect
   * after the end.
   * @param fraction the share that is done, 0 … 1; null if it is not known
   * @param note at most 512 characters; what is longer is cut
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  progress(fraction: number | null, note?: string): void {
    if (fraction !== null && !(fraction >= 0 && fraction <= 1)) {
      throw invalidArgument(`progress must be a number from 0 to 1, or null, not ${fraction}`)
    }
    if (this.hasEnded) return
    this.#change({ event: 'progress', progress: fraction, ...(note !== undefined && { note: toNote(note) }) })
    this.#sink.jobChanged(this)
  }

  /** @param summary shown to people; at most 512 characters, what is longer is cut */
  complete(summary?: string): void {
    const note = summary === undefined ? this.#report.note : toNote(summary)
    this.#end({ event: 'completed', state: 'completed', progress: this.#report.progress === null ? null : 1, note })
  }

  /** @param error its message is reported, cut to 512 characters */
  fail(error: unknown, { retryable = null }: FailOptions = {}): void {
    this.#end({ event: 'failed', state: 'failed', error: messageOf(error), retryable })
  }

  /**
   * Ends the job as failed and asks the owner of the queue to offer it again. numacast itself moves no work.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  requestRetry({ afterMs = 0, reason = 'the job asked for a retry' }: RetryOptions = {}): void {
    const retryAfterMs = checkRetryAfterMs(afterMs)
    this.#end({ event: 'retry-requested', state: 'failed', error: toNote(reason), retryable: true, retryAfterMs })
  }

  /** @internal */
  abort(reason: unknown): void {
    this.#abort.abort(reason)
  }

  #end(end: Partial<JobLifecycle>): void {
    if (this.hasEnded) {
      this.#sink.endedAgain(this)
      return
    }
    this.#change({ ...end, durationMs: this.#sink.durationMs(this) })
    this.#sink.jobEnded(this)
  }

  #change(change: Partial<JobLifecycle>): void {
    this.#report = { ...this.#report, ...change, revision: this.#report.revision + 1 }
  }
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkRetryAfterMs(afterMs: number): number {
  if (afterMs >= 0 && afterMs <= Number.MAX_SAFE_INTEGER) return Math.round(afterMs)
  throw invalidArgument(`afterMs must be a number of milliseconds from 0, not ${afterMs}`)
}

function messageOf(error: unknown): string {
  return toNote(errorText(error))
}
