import { type Guid, participantOf } from '../../core/ids.js'
import { JobEvent, type JobLifecycle, jobLifecycle } from '../../plane/job-lifecycle.js'
import { planePartition } from '../../plane/partitions.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'

/**
 * Holds the jobs that have started and not ended, per process that runs them. A job's last report stays readable after
 * its worker died, until its lifespan ends: the jobs of a dead worker can be looked up.
 */
export class OpenJobs {
  readonly #reader: Reader<JobLifecycle>
  readonly #byOwner = new Map<Guid, Map<string, JobLifecycle>>()
  readonly #ownerOf = new Map<string, Guid>()

  constructor(participant: Participant) {
    this.#reader = participant.reader(jobLifecycle, { partition: planePartition })
    this.#reader.onSample((sample) => this.#apply(sample))
  }

  /** Resolves when every report that a collector held at the call has arrived. */
  synced(signal?: AbortSignal): Promise<void> {
    return this.#reader.synced(signal === undefined ? {} : { signal })
  }

  /** Returns the open jobs of the worker process whose participant this is, in the order in which they started. */
  of(owner: Guid): readonly JobLifecycle[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])].sort((a, b) => a.startedAtMs - b.startedAtMs)
  }

  close(): void {
    this.#reader.close()
  }

  #apply({ key, value, instanceState, token }: Sample<JobLifecycle>): void {
    if (instanceState === 'disposed') {
      this.#remove(key)
      return
    }
    if (value === undefined) return
    // The owner's number stays when a collector relays the report.
    const owner = participantOf(token.writer)
    this.#remove(key)
    if (value.event !== JobEvent.started) return
    const jobs = this.#byOwner.get(owner) ?? new Map<string, JobLifecycle>()
    this.#byOwner.set(owner, jobs.set(key, value))
    this.#ownerOf.set(key, owner)
  }

  #remove(key: string): void {
    const owner = this.#ownerOf.get(key)
    if (owner === undefined) return
    this.#ownerOf.delete(key)
    const jobs = this.#byOwner.get(owner)
    jobs?.delete(key)
    if (jobs?.size === 0) this.#byOwner.delete(owner)
  }
}
