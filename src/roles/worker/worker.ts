import { Coalescer } from '../../core/coalescer.js'
import { NumacastError } from '../../core/errors.js'
import { Listeners, type Subscription } from '../../core/listeners.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import { downPartition } from '../../plane/partitions.js'
import { asNote } from '../../plane/text.js'
import type { WorkerClaim } from '../../plane/worker-claim.js'
import type { AppliedIntent } from '../../plane/worker-state.js'
import type { Participant } from '../../pubsub/participant.js'
import { currentNode } from '../../topology/numa/placement.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import { UnservedNotice } from '../shared/unserved-notice.js'
import { type Admission, type AdmissionFacts, conditionOf, decideAdmission } from './admission.js'
import { AdmissionQueue } from './admission-queue.js'
import { ClaimListener } from './claim-listener.js'
import { JobRunner } from './job-runner.js'
import type { JobSummaries } from './job-summaries.js'
import { WorkerControl } from './worker-control.js'
import { type ResolvedWorkerOptions, resolveWorkerOptions, WhenReplaced, type WorkerOptions } from './worker-options.js'
import { WorkerPublisher } from './worker-publisher.js'
import { openWorkerReadings, type WorkerReading, type WorkerReadings } from './worker-readings.js'

export interface WorkerComponents extends DomainComponents {
  /** What the worker learns of its process. @default cgroup headroom by the addon, the rest by Node */
  readonly readings?: WorkerReadings
}

export interface RunOptions {
  /** The queue that the job came from; it counts against that queue's throttle. */
  readonly queue?: string
}

export interface AdmittedOptions {
  /** Waits for this queue's throttle, too. */
  readonly queue?: string
  readonly signal?: AbortSignal
}

export interface CloseOptions {
  /** Jobs in flight get this long to end by themselves, then their signal is aborted. @default 10000 */
  readonly graceMs?: number
}

/** After their signal was aborted, jobs get so long to end before the worker leaves without them. */
const abortGraceMs = 1_000
const housekeepingMs = 1_000

/**
 * A worker on the plane: it says what it is, how loaded it is and what becomes of its jobs, and it obeys intents.
 * The work itself stays the application's: it takes a job from its own queue once {@link Worker.admitted} resolves
 * and hands it to {@link Worker.run}. Nothing here waits for a peer, so a worker goes on when the plane is gone.
 */
export class Worker implements AsyncDisposable {
  readonly participant: Participant
  readonly workerId: string
  readonly numaNode: number
  readonly #options: ResolvedWorkerOptions
  readonly #membership: DomainMembership
  readonly #readings: WorkerReadings
  readonly #control: WorkerControl
  readonly #claim: ClaimListener
  readonly #jobs: JobSummaries
  readonly #jobRunner: JobRunner
  readonly #publisher: WorkerPublisher
  readonly #state: Coalescer
  readonly #line = new AdmissionQueue()
  readonly #listeners: Listeners<Admission>
  readonly #replacedListeners: Listeners<WorkerClaim | null>
  readonly #closers: (() => void)[] = []
  #admission: Admission
  #unhealthyReason: string | null = null
  #isClosing = false
  #hasLeft = false
  #closing: Promise<void> | undefined

  /**
   * Joins the domain and reports to the collector of its node, whether there is one yet or not.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT, or what joining the domain throws
   */
  static async start(options: WorkerOptions, components: WorkerComponents = {}): Promise<Worker> {
    const resolved = resolveWorkerOptions(options)
    const numaNode = resolved.numaNode ?? currentNode() ?? 0
    const { workerId } = resolved
    const properties = { role: 'worker', workerId, numaNode }
    const membership = await enterDomain(`worker ${workerId}`, properties, resolved, components)
    return startRole(
      membership,
      () => new Worker(resolved, numaNode, membership, components.readings ?? openWorkerReadings()),
    )
  }

  private constructor(
    options: ResolvedWorkerOptions,
    numaNode: number,
    membership: DomainMembership,
    readings: WorkerReadings,
  ) {
    const { participant } = membership
    const { bootId } = participant.identity
    this.participant = participant
    this.workerId = options.workerId
    this.numaNode = numaNode
    this.#options = options
    this.#membership = membership
    this.#readings = readings
    this.#listeners = new Listeners(participant.counters, 'worker.listener-threw')
    this.#replacedListeners = new Listeners(participant.counters, 'worker.listener-threw')
    this.#publisher = new WorkerPublisher(participant, options, numaNode)
    this.#jobRunner = new JobRunner(
      { participant, workerId: options.workerId, publisher: this.#publisher, changed: () => this.#reconsider() },
      { retentionMs: options.jobRetentionMs, maxFinished: options.maxFinishedJobs },
    )
    this.#jobs = this.#jobRunner.ledger
    this.#state = new Coalescer(participant.clock, options.stateIntervalMs, () => this.#publishState(), {
      leading: 'after-poll',
      refreshMs: options.stateRefreshMs,
    })
    this.#control = new WorkerControl({
      participant,
      partition: downPartition(bootId, numaNode),
      address: { workerId: options.workerId, bootId, numaNode, queues: options.queues },
      publisher: this.#publisher,
      load: () => this.#jobs,
      changed: () => this.#reconsider(),
    })
    this.#claim = new ClaimListener({
      participant,
      partition: downPartition(bootId, numaNode),
      workerId: options.workerId,
      ownershipStrength: options.ownershipStrength,
      changed: (by) => this.#replaced(by),
    })
    this.#admission = decideAdmission(this.#facts())
    this.#state.now()
    this.#publishCapacity()
    const capacity = new RepeatingTimer(participant.clock, options.capacityIntervalMs, () => this.#publishCapacity())
    const unserved = new UnservedNotice(participant, {
      workerId: options.workerId,
      numaNode,
      readers: () => this.#publisher.stateReaders(),
    })
    const housekeeping = new RepeatingTimer(participant.clock, housekeepingMs, () => this.#forget())
    this.#closers.push(
      () => capacity.close(),
      () => housekeeping.close(),
      () => unserved.close(),
      () => this.#readings.close(),
    )
  }

  /** Whether it takes new work now, of any queue, and if not, why. */
  get admission(): Admission {
    return this.#admission
  }

  get inFlight(): number {
    return this.#jobs.inFlight
  }

  /** Jobs that have ended without an error. */
  get completed(): number {
    return this.#jobs.completed
  }

  /** Jobs that it takes at once, after every limit that applies now. */
  get concurrency(): number {
    return Math.min(this.#options.concurrency, this.#control.maxInFlight)
  }

  /** Shards that it was asked to prefer. Advice. */
  get preferredShards(): readonly string[] {
    return this.#control.preferredShards
  }

  /** Weights of queues as configured for it. Advice. */
  get priorityWeights(): Readonly<Record<string, number>> {
    return this.#control.priorityWeights
  }

  /** The worker that holds its name instead of it; null while it does so itself. */
  get replacedBy(): WorkerClaim | null {
    return this.#claim.holder
  }

  /** Called when another live worker turns out to hold its name, and with null when the name is its own again. */
  onReplaced(listener: (by: WorkerClaim | null) => void): Subscription {
    return this.#replacedListeners.add(listener)
  }

  /** The intents that it obeys now. */
  appliedIntents(): readonly AppliedIntent[] {
    return this.#control.applied()
  }

  /** Called when admission opens or closes, or closes for another reason. */
  onAdmission(listener: (admission: Admission) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /**
   * Waits while the worker is draining, paused, unfit or at its limit, first come first served. Admission is about
   * taking work: take a job when it resolves, and `run` it.
   * @throws the signal's reason, or NumacastError NUMACAST_CLOSED
   */
  admitted(options: AdmittedOptions = {}): Promise<void> {
    if (this.#isClosing) return Promise.reject(this.#closedError())
    const wait = options.signal === undefined ? {} : { signal: options.signal }
    return this.#line.wait(() => this.#admits(options.queue), wait)
  }

  /**
   * Runs one job and tells the plane when it starts and ends. It never waits and never refuses for admission's
   * sake: a job that has been taken must be done. The signal aborts when the worker closes and grace is over.
   * @throws what `work` throws; NumacastError NUMACAST_CLOSED, or NUMACAST_INVALID_ARGUMENT for a job in flight
   */
  async run<R>(jobId: string, work: (signal: AbortSignal) => Promise<R> | R, options: RunOptions = {}): Promise<R> {
    if (this.#isClosing) throw this.#closedError()
    return this.#jobRunner.run(jobId, work, options.queue ?? null)
  }

  /** Asks whoever owns the queue to offer a job again. numacast itself moves no work. */
  requestRetry(
    jobId: string,
    options: { readonly reason: string; readonly afterMs?: number; readonly queue?: string },
  ): void {
    this.#jobRunner.requestRetry(jobId, options.reason, options.afterMs ?? 0, options.queue ?? null)
  }

  /** Takes no new work until {@link declareHealthy}. */
  declareUnhealthy(reason: string): void {
    this.#unhealthyReason = asNote(reason)
    this.#reconsider()
  }

  declareHealthy(): void {
    this.#unhealthyReason = null
    this.#reconsider()
  }

  /** Takes nothing more, lets jobs in flight end or aborts them, and says goodbye. Twice is fine. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.graceMs ?? 10_000)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(graceMs: number): Promise<void> {
    this.#isClosing = true
    this.#line.refuseAll(this.#closedError())
    this.#reconsider()
    await this.#jobRunner.idleWithin(graceMs)
    this.#jobRunner.abortAll(this.#closedError())
    await this.#jobRunner.idleWithin(abortGraceMs)
    this.#state.now()
    this.#state.close()
    this.#hasLeft = true
    this.#control.stop()
    this.#claim.stop()
    for (const close of this.#closers.splice(0)) close()
    this.#publisher.flush()
    // The goodbye comes first: a participant says it in the partitions that it still writes to.
    await this.#membership.leave()
    this.#publisher.close()
    this.#control.close()
    this.#claim.close()
  }

  #replaced(by: WorkerClaim | null): void {
    this.participant.counters.add(by === null ? 'worker.name-regained' : 'worker.replaced')
    this.#reconsider()
    // Whoever decides about names must know at once that this one has understood.
    this.#state.now()
    this.#replacedListeners.emit(by)
    if (by !== null && this.#options.whenReplaced === WhenReplaced.close) void this.close()
  }

  /** Something that admission rests on has changed, or its time has come. */
  #reconsider(): void {
    if (this.#hasLeft) return
    this.#control.advance()
    const admission = decideAdmission(this.#facts())
    const changed = admission.open !== this.#admission.open || admission.reason !== this.#admission.reason
    this.#admission = admission
    this.#state.touch()
    this.#line.recheck()
    if (changed) this.#listeners.emit(admission)
  }

  #admits(queue: string | undefined): boolean {
    return this.#admission.open && (queue === undefined || this.#control.admitsQueue(queue))
  }

  #facts(): AdmissionFacts {
    return {
      closing: this.#isClosing,
      replacedReason: this.#claim.reason,
      unhealthyReason: this.#unhealthyReason,
      ...this.#control.reasons,
      inFlight: this.#jobs.inFlight,
      concurrency: this.concurrency,
    }
  }

  #publishState(): void {
    const facts = this.#facts()
    this.#publisher.state({
      standby: this.#claim.holder !== null,
      state: conditionOf(facts),
      inFlight: facts.inFlight,
      concurrency: facts.concurrency,
      jobsStarted: this.#jobs.started,
      jobsCompleted: this.#jobs.completed,
      jobsFailed: this.#jobs.failed,
      admissionOpen: this.#admission.open,
      admissionReason: this.#admission.reason === null ? null : asNote(this.#admission.reason),
      appliedIntents: this.#control.applied().slice(0, 64),
    })
  }

  #publishCapacity(): void {
    let reading: WorkerReading
    try {
      reading = this.#readings.read()
    } catch (error) {
      // The last reading stands, and its age shows.
      this.participant.counters.addError('worker.reading-failed', error)
      return
    }
    this.#publisher.capacity(reading)
  }

  #forget(): void {
    this.#jobRunner.forget()
    this.#control.forget()
  }

  #closedError(): NumacastError {
    return new NumacastError('NUMACAST_CLOSED', `worker ${this.workerId} is closed or closing`)
  }
}
