import os from 'node:os'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { Listeners } from '../../core/reporting/listeners.js'
import { Coalescer } from '../../core/time/coalescer.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { downPartition, upPartition } from '../../plane/vocabulary/partitions.js'
import { toNote } from '../../plane/vocabulary/text.js'
import type { JobLifecycle } from '../../plane/worker/job-lifecycle.js'
import type { WorkerClaim } from '../../plane/worker/worker-claim.js'
import type { Participant } from '../../pubsub/participant.js'
import { UnservedNotice } from '../shared/unserved-notice.js'
import {
  type Admission,
  type AdmissionFacts,
  conditionOf,
  decideAdmission,
  decidePause,
  sameAdmission,
} from './admission.js'
import { ClaimListener } from './claim-listener.js'
import { type HealthProblem, WorkerHealth } from './health/worker-health.js'
import { type JobReports, JobRunner } from './jobs/job-runner.js'
import type { BeginOptions, JobWork, RunningJob } from './jobs/running-job.js'
import { type OfferHost, OfferResponder } from './offers/offer-responder.js'
import { type ProfileUpdate, type ResolvedProfile, updatedProfile } from './profile-options.js'
import type { MachineFacts } from './readings/machine-facts.js'
import type { WorkerReading, WorkerReadings } from './readings/worker-readings.js'
import { ResourceSlots } from './slots/resource-slots.js'
import { type Slot, SlotState } from './slots/slot.js'
import type { SlotLimits } from './slots/slot-limits.js'
import { type SlotHost, SlotPool } from './slots/slot-pool.js'
import { type ControlHost, WorkerControl } from './worker-control.js'
import { type DirectivesMark, sameDirectives, type WorkerDirectives } from './worker-directives.js'
import type { ResolvedWorkerOptions } from './worker-options.js'
import { WorkerPublisher } from './worker-publisher.js'

const housekeepingMs = 1_000
/** As many as `worker.state` has room for. */
const maxAppliedIntents = 64
const maxQueues = 64

/**
 * Joins the parts of a worker. Directives and running jobs decide which slots are granted. All of these decide what is
 * published.
 */
export class WorkerEngine implements SlotHost, ControlHost, JobReports, OfferHost {
  readonly admissionListeners: Listeners<Admission>
  readonly directivesListeners: Listeners<WorkerDirectives>
  readonly replacedListeners: Listeners<WorkerClaim | null>
  readonly unservedListeners: Listeners<boolean>
  readonly slots: SlotPool
  readonly jobs: JobRunner
  readonly control: WorkerControl
  readonly claim: ClaimListener
  readonly unserved: UnservedNotice
  readonly #participant: Participant
  readonly #options: ResolvedWorkerOptions
  readonly #readings: WorkerReadings
  readonly #health: WorkerHealth
  /** Undefined if the concurrency of the worker is a number. */
  readonly #resources: ResourceSlots | undefined
  readonly #publisher: WorkerPublisher
  /** Undefined unless the worker is reactive. */
  readonly #offers: OfferResponder | undefined
  readonly #state: Coalescer
  readonly #timers: readonly RepeatingTimer[]
  #profile: ResolvedProfile
  #admission: Admission
  #directives: DirectivesMark
  /** Counts what others have changed. */
  #revision = 0
  #publishedInFlight = 0
  #isClosing = false
  #hasStopped = false
  #isReconsidering = false
  #mustReconsider = false

  constructor(
    participant: Participant,
    options: ResolvedWorkerOptions & { readonly numaNode: number },
    readings: WorkerReadings,
    machine: MachineFacts,
  ) {
    const { clock, counters } = participant
    const { bootId } = participant.identity
    const { workerId, numaNode, profile, ownershipStrength } = options
    const { queues } = profile
    const partition = downPartition(bootId, numaNode)
    this.#participant = participant
    this.#options = options
    this.#readings = readings
    this.admissionListeners = new Listeners(counters, 'worker.listener-threw')
    this.directivesListeners = new Listeners(counters, 'worker.listener-threw')
    this.replacedListeners = new Listeners(counters, 'worker.listener-threw')
    this.unservedListeners = new Listeners(counters, 'worker.listener-threw')
    if (options.resources !== undefined) {
      const machine = { cpus: os.availableParallelism(), memoryBytes: os.totalmem() }
      this.#resources = new ResourceSlots(options.resources, machine)
    }
    const reconsider = (): void => this.#reconsider()
    this.#health = new WorkerHealth({ clock, counters, changed: reconsider }, options.health)
    this.#profile = profile
    this.#publisher = new WorkerPublisher(participant, options, numaNode, machine)
    this.jobs = new JobRunner(
      { participant, workerId, reports: this },
      { retentionMs: options.jobRetentionMs, maxFinished: options.maxFinishedJobs },
    )
    this.slots = new SlotPool(this)
    this.#state = new Coalescer(clock, options.stateIntervalMs, () => this.#publishState(), {
      leading: 'after-poll',
      refreshMs: options.stateRefreshMs,
    })
    const address = { workerId, bootId, numaNode, queues }
    this.control = new WorkerControl({ participant, partition, address, publisher: this.#publisher, host: this })
    const changed = (by: WorkerClaim | null): void => this.#replaced(by)
    this.claim = new ClaimListener({ participant, partition, workerId, ownershipStrength, changed })
    this.unserved = new UnservedNotice(participant, {
      workerId,
      numaNode,
      readers: () => this.#publisher.stateReaders(),
      changed: (isUnserved) => this.unservedListeners.emit(isUnserved),
    })
    this.#admission = decideAdmission(this.#facts())
    this.#directives = this.#directivesMark()
    this.#publisher.profile(profile)
    if (profile.admission.kind === 'reactive') {
      const { decide } = profile
      const up = upPartition(bootId, numaNode)
      this.#offers = new OfferResponder({ participant, down: partition, up, workerId, host: this, decide })
    }
    this.#state.now()
    this.#publishCapacity()
    this.#timers = [
      new RepeatingTimer(clock, options.capacityIntervalMs, () => this.#publishCapacity()),
      new RepeatingTimer(clock, housekeepingMs, () => this.#maintain()),
    ]
  }

  get profile(): ResolvedProfile {
    return this.#profile
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED */
  update(update: ProfileUpdate): void {
    const profile = updatedProfile(this.#profile, update)
    if (this.#hasStopped) throw this.closedError()
    const { queues } = this.#profile
    this.#profile = profile
    this.#publisher.profile(profile)
    if (profile.queues !== queues) this.control.setQueues(profile.queues)
  }

  get admission(): Admission {
    return this.#admission
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  get concurrency(): number {
    return Math.min(this.#resources?.allowed ?? this.#options.concurrency, this.control.maxInFlight)
  }

  get directives(): WorkerDirectives {
    const { preferredShards, priorityWeights, throttles } = this.control
    const { pause, concurrency } = this.limits
    return { pause, concurrency, queues: throttles.byQueue, preferredShards, priorityWeights }
  }

  /** Null declares the worker fit. */
  declareUnhealthy(reason: string | null): void {
    this.#health.declare(reason)
  }

  get healthProblems(): readonly HealthProblem[] {
    return this.#health.problems
  }

  /** Takes nothing more. */
  beginClosing(): void {
    this.#isClosing = true
    this.slots.rejectWaiting(this.closedError())
    this.#reconsider()
  }

  /**
   * Publishes the final state of the worker, and nothing more. Its last report leaves with the participant's goodbye.
   */
  stop(): void {
    closeEach([
      () => this.jobs.stop(),
      () => this.#state.now(),
      () => {
        this.#hasStopped = true
        this.#state.close()
      },
      () => this.control.stop(),
      () => this.claim.stop(),
      () => this.#offers?.stop(),
      () => this.unserved.close(),
      () => this.#health.close(),
      ...this.#timers.map((timer) => () => timer.close()),
      () => this.#readings.close(),
      () => this.#publisher.flush(),
      () => this.#offers?.flush(),
    ])
  }

  close(): void {
    closeEach([
      () => this.#publisher.close(),
      () => this.control.close(),
      () => this.claim.close(),
      () => this.#offers?.close(),
    ])
  }

  closedError(): NumacastError {
    return new NumacastError('NUMACAST_CLOSED', `worker ${this.#options.workerId} is closed or closing`)
  }

  get clock(): SlotHost['clock'] {
    return this.#participant.clock
  }

  get limits(): SlotLimits {
    const { admission } = this.#profile
    return {
      pause: decidePause(this.#facts()),
      concurrency: this.concurrency,
      vramBudgetBytes: admission.kind === 'vram-budget' ? admission.vramBudgetBytes : Infinity,
      throttles: this.control.throttles,
    }
  }

  beginJob(queue: string, jobId: string, options: BeginOptions, ended: () => void): Promise<RunningJob> {
    return this.jobs.begin({ queue, jobId }, options, ended)
  }

  runJob<R>(queue: string, jobId: string, work: JobWork<R>, options: BeginOptions): Promise<R> {
    return this.jobs.run({ queue, jobId }, work, options)
  }

  slotsChanged(slot: Slot): void {
    if (this.#hasStopped) return
    // What the start of a job completes is reported after the start: see `deliver`.
    if (slot.state === SlotState.released) this.control.advance()
    this.#reconsider()
  }

  takeBackSlots(because: string): void {
    this.#participant.counters.add('worker.slot-taken-back', this.slots.open)
    this.slots.takeBackOpen(because)
  }

  get load(): ControlHost['load'] {
    return this.slots
  }

  controlChanged(): void {
    this.#revision++
    this.#reconsider()
  }

  get pause(): OfferHost['pause'] {
    return decidePause(this.#facts())
  }

  get offerLoad(): OfferHost['offerLoad'] {
    return { inFlight: this.slots.running, concurrency: this.concurrency }
  }

  /** Offers that were claimed and whose jobs have not begun. */
  get claimedOffers(): number {
    return this.#offers?.claimed ?? 0
  }

  job(summary: JobLifecycle): void {
    if (summary.event === 'started') this.#offers?.begun(summary.jobId)
    this.#publisher.job(summary)
  }

  forgetJob(key: string): void {
    this.#publisher.forgetJob(key)
  }

  /**
   * A job that starts may block the loop at once. State is then published without pacing, unless the last published
   * state already counts as many jobs, as happens when short jobs follow each other.
   */
  deliver(): Promise<void> | undefined {
    if (this.slots.running > this.#publishedInFlight) this.#state.now()
    const delivery = this.#publisher.deliver()
    if (!this.#hasStopped) this.control.advance()
    return delivery
  }

  #replaced(by: WorkerClaim | null): void {
    this.#participant.counters.add(by === null ? 'worker.name-regained' : 'worker.replaced')
    this.#reconsider()
    // Published at once, because the collectors that decide about names wait for it.
    this.#state.now()
    this.replacedListeners.emit(by)
  }

  /**
   * Called when something that slots depend on has changed: revokes open slots, grants free ones, calls listeners. A
   * holder may release its slot meanwhile, which starts another pass.
   */
  #reconsider(): void {
    this.#mustReconsider = true
    if (this.#hasStopped || this.#isReconsidering) return
    this.#isReconsidering = true
    try {
      while (this.#mustReconsider) {
        this.#mustReconsider = false
        this.slots.revokeExcess()
        this.slots.grant()
      }
    } finally {
      this.#isReconsidering = false
    }
    this.#state.request()
    const admission = decideAdmission(this.#facts())
    const directives = this.#directivesMark()
    const isNewAdmission = !sameAdmission(admission, this.#admission)
    const areNewDirectives = !sameDirectives(directives, this.#directives)
    this.#admission = admission
    this.#directives = directives
    if (isNewAdmission) this.admissionListeners.emit(admission)
    if (areNewDirectives && this.directivesListeners.size > 0) this.directivesListeners.emit(this.directives)
  }

  #directivesMark(): DirectivesMark {
    return { pause: decidePause(this.#facts()), concurrency: this.concurrency, revision: this.#revision }
  }

  #facts(): AdmissionFacts {
    return {
      closing: this.#isClosing,
      replacedReason: this.claim.reason,
      unhealthyReason: this.#health.reason,
      ...this.control.reasons,
      inFlight: this.slots.running,
      concurrency: this.concurrency,
    }
  }

  #publishState(): void {
    const facts = this.#facts()
    const { started, completed, failed } = this.jobs.summaries
    const byQueue = this.jobs.summaries.inFlightByQueue()
    const { open, reason } = decideAdmission(facts)
    this.#publishedInFlight = facts.inFlight
    this.#publisher.state({
      standby: this.claim.holder !== null,
      state: conditionOf(facts),
      inFlight: facts.inFlight,
      concurrency: facts.concurrency,
      inFlightByQueue: byQueue.size > maxQueues ? null : Object.fromEntries(byQueue),
      vramUsedBytes: this.slots.vramRunningBytes,
      jobsStarted: started,
      jobsCompleted: completed,
      jobsFailed: failed,
      admissionOpen: open,
      admissionReason: reason === null ? null : toNote(reason),
      appliedIntents: this.control.applied(maxAppliedIntents),
    })
  }

  #publishCapacity(): void {
    let reading: WorkerReading
    try {
      reading = this.#readings.read()
    } catch (error) {
      // The last reading remains, and its age shows.
      this.#participant.counters.addError('worker.reading-failed', error)
      return
    }
    this.#publisher.capacity(reading)
    this.#health.measure(reading)
    if (this.#resources?.measure(reading, this.slots.taken, this.#participant.clock.nowMs())) this.#reconsider()
  }

  #maintain(): void {
    this.jobs.maintain()
    this.control.maintain()
    this.#offers?.maintain()
    this.#reportOverdueSlots()
  }

  /** A slot that its holder forgets holds up drains, and is one job less forever. */
  #reportOverdueSlots(): void {
    const { clock, counters } = this.#participant
    for (const { queue } of this.slots.takeOverdue(clock.nowMs())) {
      const slot = queue === '' ? 'a slot' : `a slot of queue ${queue}`
      const message = `${slot} was revoked 10 s ago and is neither run nor released: pass slot.signal to the fetch, and release each slot that you do not run`
      counters.addError('worker.slot-overdue', new NumacastError('NUMACAST_TIMEOUT', message))
    }
  }
}
