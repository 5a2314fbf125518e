import { JobEvent, type JobLifecycle, jobLifecycle } from '../../plane/job-lifecycle.js'
import { planePartition } from '../../plane/partitions.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'

/**
 * Holds the jobs that have started and not ended, per worker. A job's last report stays readable after
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

  /** Returns the open jobs of a worker, in the order in which they started. */
  of(workerId: string): readonly JobLifecycle[] {
    return [...(this.#byWorker.get(workerId)?.values() ?? [])].sort((a, b) => a.startedAtMs - b.startedAtMs)
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
    const { workerId } = value
    this.#remove(key)
    if (value.event !== JobEvent.started) return
    const jobs = this.#byWorker.get(workerId) ?? new Map<string, JobLifecycle>()
    this.#byWorker.set(workerId, jobs.set(key, value))
    this.#workerOf.set(key, workerId)
  }

  #remove(key: string): void {
    const workerId = this.#workerOf.get(key)
    if (workerId === undefined) return
    this.#workerOf.delete(key)
    const jobs = this.#byWorker.get(workerId)
    jobs?.delete(key)
    if (jobs?.size === 0) this.#byWorker.delete(workerId)
  }
}
