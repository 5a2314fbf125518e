import { JobEvent, type JobLifecycle, jobLifecycle } from '../../plane/job-lifecycle.js'
import { planePartition } from '../../plane/partitions.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'

/**
 * Holds the jobs that have started and not ended, per process of a worker. A job's last report stays readable after
 * its worker died, until its lifespan ends: the jobs of a dead worker can be looked up.
 */
export class OpenJobs {
  readonly #reader: Reader<JobLifecycle>
  readonly #byWorker = new Map<string, Map<string, JobLifecycle>>()
  readonly #workerOf = new Map<string, string>()

  constructor(participant: Participant) {
    this.#reader = participant.reader(jobLifecycle, { partition: planePartition })
    this.#reader.onSample((sample) => this.#apply(sample))
  }

  /** Resolves when every report that a collector held at the call has arrived. */
  synced(signal?: AbortSignal): Promise<void> {
    return this.#reader.synced(signal === undefined ? {} : { signal })
  }

  /** Returns the open jobs of one incarnation of a worker, in the order in which they started. */
  of(workerId: string, incarnation: number): readonly JobLifecycle[] {
    return [...(this.#byWorker.get(processKey(workerId, incarnation))?.values() ?? [])].sort(
      (a, b) => a.startedAtMs - b.startedAtMs,
    )
  }

  close(): void {
    this.#reader.close()
  }

  #apply({ key, value, instanceState }: Sample<JobLifecycle>): void {
    if (instanceState === 'disposed') {
      this.#remove(key)
      return
    }
    if (value === undefined) return
    const worker = processKey(value.workerId, value.incarnation)
    this.#remove(key)
    if (value.event !== JobEvent.started) return
    const jobs = this.#byWorker.get(worker) ?? new Map<string, JobLifecycle>()
    this.#byWorker.set(worker, jobs.set(key, value))
    this.#workerOf.set(key, worker)
  }

  #remove(key: string): void {
    const worker = this.#workerOf.get(key)
    if (worker === undefined) return
    this.#workerOf.delete(key)
    const jobs = this.#byWorker.get(worker)
    jobs?.delete(key)
    if (jobs?.size === 0) this.#byWorker.delete(worker)
  }
}

function processKey(workerId: string, incarnation: number): string {
  return `${incarnation} ${workerId}`
}
