import { type JobIdentity, type JobLifecycle, jobKey } from '../../plane/job-lifecycle.js'

export interface JobSummariesOptions {
  /** A finished job's summary is kept this long, then disposed. */
  readonly retentionMs: number
  /** Finished jobs beyond this number are disposed at once, oldest first. */
  readonly maxFinished: number
}

/** Summaries of a worker's jobs by queue and jobId: those in flight, and a bounded tail of finished ones. */
export class JobSummaries {
  readonly #options: JobSummariesOptions
  readonly #inFlight = new Map<string, JobLifecycle>()
  /** When each ended, by key, in order of ending. */
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
  /** Jobs in flight by queue. */
  inFlightByQueue(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { queue } of this.#inFlight.values()) counts.set(queue, (counts.get(queue) ?? 0) + 1)
    return counts
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

  has(job: JobIdentity): boolean {
    return this.#inFlight.has(jobKey(job))
  }

  start(job: JobLifecycle): JobLifecycle {
    const key = jobKey(job)
    this.#inFlight.set(key, job)
    this.#finished.delete(key)
    this.#started++
    return job
  }

  /** Returns the job's last summary; undefined for a job that is not in flight. */
  end(identity: JobIdentity, error: string | null, durationMs: number, nowMs: number): JobLifecycle | undefined {
    const key = jobKey(identity)
    const job = this.#inFlight.get(key)
    if (job === undefined) return undefined
    this.#inFlight.delete(key)
    this.#finished.set(key, nowMs)
    if (error === null) this.#completed++
    else this.#failed++
    return { ...job, event: error === null ? 'completed' : 'failed', durationMs, error }
  }

  /** Notes that a summary was published for a job that is not in flight here. It is disposed like a finished one. */
  remember(job: JobIdentity, nowMs: number): void {
    const key = jobKey(job)
    if (this.#inFlight.has(key)) return
    this.#finished.delete(key)
    this.#finished.set(key, nowMs)
  }

  /** Returns the keys of finished jobs to be disposed now, by age or number. */
  takeExpired(nowMs: number): string[] {
    const expired: string[] = []
    let excess = this.#finished.size - this.#options.maxFinished
    for (const [key, endedMs] of this.#finished) {
      if (excess <= 0 && endedMs + this.#options.retentionMs > nowMs) break
      excess--
      this.#finished.delete(key)
      expired.push(key)
    }
    return expired
  }
}
