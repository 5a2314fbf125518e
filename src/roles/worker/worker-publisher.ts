import { closeEach } from '../../core/close-all.js'
import type { EntityGuid } from '../../core/ids.js'
import { countFailure } from '../../core/reporting/count-failure.js'
import type { Counters } from '../../core/reporting/counters.js'
import { type IntentStatus, intentStatus } from '../../plane/intents/transitions.js'
import { upPartition } from '../../plane/vocabulary/partitions.js'
import { type JobLifecycle, jobLifecycle } from '../../plane/worker/job-lifecycle.js'
import { type WorkerCapacity, workerCapacity } from '../../plane/worker/worker-capacity.js'
import { type PublishedProfile, workerProfile } from '../../plane/worker/worker-profile.js'
import { type WorkerState, workerState } from '../../plane/worker/worker-state.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import { publishedProfile, type ResolvedProfile } from './profile-options.js'
import type { MachineFacts } from './readings/machine-facts.js'
import type { WorkerReading } from './readings/worker-readings.js'
import type { ResolvedWorkerOptions } from './worker-options.js'

/** The part of worker.state that changes while a worker runs. */
export type WorkerProgress = Pick<
  WorkerState,
  | 'standby'
  | 'state'
  | 'inFlight'
  | 'concurrency'
  | 'inFlightByQueue'
  | 'vramUsedBytes'
  | 'jobsStarted'
  | 'jobsCompleted'
  | 'jobsFailed'
  | 'admissionOpen'
  | 'admissionReason'
  | 'appliedIntents'
>

/** A job start waits at most this long for a congested network. */
const deliveryLimitMs = 100
const deliveryCheckMs = 1

/** Writes everything that a worker publishes, to its collector's `up` partition. */
export class WorkerPublisher {
  readonly #participant: Participant
  readonly #machine: MachineFacts
  readonly #fixed: Omit<WorkerState, keyof WorkerProgress>
  readonly #profile: Writer<PublishedProfile>
  readonly #state: Writer<WorkerState>
  readonly #capacity: Writer<WorkerCapacity>
  readonly #jobs: Writer<JobLifecycle>
  readonly #statuses: Writer<IntentStatus>
  readonly #counters: Counters

  constructor(
    participant: Participant,
    options: Pick<ResolvedWorkerOptions, 'workerId' | 'ownershipStrength'>,
    numaNode: number,
    machine: MachineFacts,
  ) {
    const { bootId, host, pid, startTimeTicks, pidNamespace } = participant.identity
    this.#participant = participant
    this.#counters = participant.counters
    const partition = upPartition(bootId, numaNode)
    this.#fixed = {
      workerId: options.workerId,
      bootId,
      host,
      numaNode,
      pid,
      startTimeTicks,
      pidNamespace,
      incarnation: participant.incarnation,
      ownershipStrength: options.ownershipStrength,
    }
    this.#machine = machine
    this.#profile = participant.writer(workerProfile, { partition })
    this.#state = participant.writer(workerState, { partition })
    this.#capacity = participant.writer(workerCapacity, { partition })
    this.#jobs = participant.writer(jobLifecycle, { partition })
    this.#statuses = participant.writer(intentStatus, { partition })
  }

  /** The readers of the worker's state. */
  stateReaders(): readonly EntityGuid[] {
    return this.#state.matchedReaders()
  }

  profile(profile: ResolvedProfile): void {
    const { workerId, incarnation } = this.#fixed
    const published = publishedProfile(profile, { workerId, incarnation }, this.#fixed, this.#machine)
    this.#publish(() => this.#profile.write(published))
  }

  state(progress: WorkerProgress): void {
    this.#publish(() => this.#state.write({ ...this.#fixed, ...progress }))
  }

  capacity(reading: WorkerReading): void {
    const { workerId, incarnation, numaNode } = this.#fixed
    this.#publish(() => this.#capacity.write({ workerId, incarnation, numaNode, ...reading }))
  }

  job(job: JobLifecycle): void {
    this.#publish(() => this.#jobs.write(job))
  }

  /** @param key of the job's instance; see `jobKey` */
  forgetJob(key: string): void {
    this.#publish(() => this.#jobs.dispose(key))
  }

  /**
   * Hands state and jobs to the kernel before this returns, unless its buffers are full: then the promise resolves once
   * they have room, or after 100 ms.
   */
  deliver(): Promise<void> | undefined {
    this.#state.drain()
    this.#jobs.drain()
    return this.#participant.pendingDatagrams === 0 ? undefined : this.#delivered()
  }

  status(status: IntentStatus): void {
    this.#publish(() => this.#statuses.write(status))
  }

  forgetStatus(status: IntentStatus): void {
    this.#publish(() => this.#statuses.dispose(intentStatus.keyOf(status)))
  }

  /** Hands what is waiting to the lanes. */
  flush(): void {
    for (const writer of this.#writers) writer.flush()
  }

  close(): void {
    closeEach(this.#writers.map((writer) => () => writer.close()))
  }

  get #writers(): readonly Pick<Writer<object>, 'flush' | 'close'>[] {
    return [this.#profile, this.#state, this.#capacity, this.#jobs, this.#statuses]
  }

  async #delivered(): Promise<void> {
    const { clock, counters } = this.#participant
    const givenUpMs = clock.nowMs() + deliveryLimitMs
    while (this.#participant.pendingDatagrams > 0) {
      if (clock.nowMs() >= givenUpMs) {
        counters.add('worker.delivery-timed-out')
        return
      }
      await new Promise<void>((resolve) => clock.after(deliveryCheckMs, resolve))
    }
  }

  /**
   * Counts by its code what cannot be published, because that must not stop the work: a reading that the schema
   * refuses, a participant that its owner has closed, a job that outlasts its worker.
   */
  #publish(write: () => void): void {
    countFailure(this.#counters, 'worker.publish-failed', write)
  }
}
