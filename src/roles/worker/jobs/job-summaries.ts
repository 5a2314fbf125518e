import { type JobIdentity, type JobLifecycle, jobKey } from '../../../plane/worker/job-lifecycle.js'

export interface JobSummariesOptions {
  /** A finished job's summary is kept this long, then disposed. */
  readonly retentionMs: number
  /** Finished jobs beyond this number are disposed at once, oldest first. */
  readonly maxFinished: number
}

interface Finished {
  readonly endedMs: number
  readonly summary: JobLifecycle
}

interface InFlight {
  summary: JobLifecycle
  reportedMs: number
}

/** The last report of each of a worker's jobs, by queue and jobId: those in flight, and a bounded tail of finished ones. */
export class JobSummaries {
  readonly #options: JobSummariesOptions
  readonly #inFlight = new Map<string, InFlight>()
  /** In order of ending. */
  readonly #finished = new Map<string, Finished>()
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
    for (const { summary } of this.#inFlight.values()) {
      counts.set(summary.queue, (counts.get(summary.queue) ?? 0) + 1)
    }
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

  /** Returns the last report on the job; undefined if this worker does not remember the job. */
  last(job: JobIdentity): JobLifecycle | undefined {
    const key = jobKey(job)
    return this.#inFlight.get(key)?.summary ?? this.#finished.get(key)?.summary
  }

  start(summary: JobLifecycle, nowMs: number): void {
    const key = jobKey(summary)
    this.#inFlight.set(key, { summary, reportedMs: nowMs })
    this.#finished.delete(key)
    this.#started++
  }

  /** Replaces the last report on a job. A job that is not in flight is disposed like a finished one. */
  update(summary: JobLifecycle, nowMs: number): void {
    const key = jobKey(summary)
    const job = this.#inFlight.get(key)
    if (job === undefined) {
      this.#finish(key, summary, nowMs)
      return
    }
    job.summary = summary
    job.reportedMs = nowMs
  }

  /** Takes the last report on a job in flight, which has the state `completed` or `failed`. */
  end(summary: JobLifecycle, nowMs: number): void {
    const key = jobKey(summary)
    this.#inFlight.delete(key)
    this.#finish(key, summary, nowMs)
    if (summary.state === 'completed') this.#completed++
    else this.#failed++
  }

  /** Returns the reports on jobs in flight that are as old as `ageMs`, and takes them for reported now. */
  takeDue(ageMs: number, nowMs: number): JobLifecycle[] {
    const due: JobLifecycle[] = []
    for (const job of this.#inFlight.values()) {
      if (nowMs - job.reportedMs < ageMs) continue
      job.reportedMs = nowMs
      due.push(job.summary)
    }
    return due
  }

  /** Returns the keys of finished jobs to be disposed now, by age or number. */
  takeExpired(nowMs: number): string[] {
    const expired: string[] = []
    let excess = this.#finished.size - this.#options.maxFinished
    for (const [key, { endedMs }] of this.#finished) {
      if (excess <= 0 && endedMs + this.#options.retentionMs > nowMs) break
      excess--
      this.#finished.delete(key)
      expired.push(key)
    }
    return expired
  }

  #finish(key: string, summary: JobLifecycle, nowMs: number): void {
    this.#finished.delete(key)
    this.#finished.set(key, { endedMs: nowMs, summary })
  }
}
