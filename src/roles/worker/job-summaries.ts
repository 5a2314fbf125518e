import type { JobLifecycle } from '../../plane/job-lifecycle.js'

export interface JobSummariesOptions {
  /** A finished job's summary is kept this long, then disposed. */
  readonly retentionMs: number
  /** Finished jobs beyond this many are disposed at once, oldest first. */
  readonly maxFinished: number
}

/** Summaries of a worker's jobs: those in flight, and a bounded tail of finished ones. */
export class JobSummaries {
  readonly #options: JobSummariesOptions
  readonly #inFlight = new Map<string, JobLifecycle>()
  readonly #byQueue = new Map<string, number>()
  /** By jobId, in order of ending. */
  readonly #finished = new Map<string, number>()
  #started = 0
  #completed = 0
  #failed = 0

  constructor(options: JobSummariesOptions) {
    this.#options = options
  }

  get inFlight(): number {
    return this.#inFlight.size
  }
  get byQueue(): ReadonlyMap<string, number> {
    return this.#byQueue
  }
  get started(): number {
    return this.#started
  }
  get completed(): number {
    return this.#completed
  }
  get failed(): number {
    return this.#failed
  }

  has(jobId: string): boolean {
    return this.#inFlight.has(jobId)
  }

  start(job: JobLifecycle): JobLifecycle {
    this.#inFlight.set(job.jobId, job)
    this.#finished.delete(job.jobId)
    if (job.queue !== null) this.#byQueue.set(job.queue, (this.#byQueue.get(job.queue) ?? 0) + 1)
    this.#started++
    return job
  }

  /** The job's last summary; undefined for a job that is not in flight. */
  end(jobId: string, error: string | null, durationMs: number, nowMs: number): JobLifecycle | undefined {
    const job = this.#inFlight.get(jobId)
    if (job === undefined) return undefined
    this.#inFlight.delete(jobId)
    this.#finished.set(jobId, nowMs)
    if (job.queue !== null) {
      const left = (this.#byQueue.get(job.queue) ?? 1) - 1
      if (left > 0) this.#byQueue.set(job.queue, left)
      else this.#byQueue.delete(job.queue)
    }
    if (error === null) this.#completed++
    else this.#failed++
    return { ...job, event: error === null ? 'completed' : 'failed', durationMs, error }
  }

  /** A summary was published for a job that is not in flight here; it is disposed like a finished one. */
  remember(jobId: string, nowMs: number): void {
    if (this.#inFlight.has(jobId)) return
    this.#finished.delete(jobId)
    this.#finished.set(jobId, nowMs)
  }

  /** Finished jobs to be disposed now, by age or number. */
  takeExpired(nowMs: number): string[] {
    const expired: string[] = []
    let excess = this.#finished.size - this.#options.maxFinished
    for (const [jobId, endedMs] of this.#finished) {
      if (excess <= 0 && endedMs + this.#options.retentionMs > nowMs) break
      excess--
      this.#finished.delete(jobId)
      expired.push(jobId)
    }
    return expired
  }
}
