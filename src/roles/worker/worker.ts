import { closeAll } from '../../core/close-all.js'
import { lazyImport } from '../../core/lazy-import.js'
import { loadZod } from '../../core/lazy-schema.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { checkDurationMs } from '../../core/time/duration.js'
import type { WorkerClaim } from '../../plane/worker/worker-claim.js'
import type { AppliedIntent } from '../../plane/worker/worker-state.js'
import type { Participant } from '../../pubsub/participant.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import type { Admission } from './admission.js'
import type { HealthProblem } from './health/worker-health.js'
import { checkQueue } from './jobs/check-queue.js'
import type { BeginOptions, JobWork, RunningJob } from './jobs/running-job.js'
import type { WorkerEngineComponents } from './open-worker-engine.js'
import type { ProfileUpdate } from './profile-options.js'
import type { Slot, SlotNeed } from './slots/slot.js'
import { checkVram } from './slots/slot-vram.js'
import type { WorkerDirectives } from './worker-directives.js'
import type { WorkerEngine } from './worker-engine.js'
import {
  type CloseOptions,
  type ResolvedWorkerOptions,
  type SlotOptions,
  WhenReplaced,
  type WorkerOptions,
} from './worker-options.js'

/** How one job is run. */
export interface RunOptions extends SlotOptions, BeginOptions {}

export interface WorkerComponents extends DomainComponents, WorkerEngineComponents {}

/** @internal Loads what a worker is made of. */
export const loadWorkerParts = lazyImport(() =>
  Promise.all([
    import('./resolve-worker-options.js'),
    import('./open-worker-engine.js'),
    import('../../topology/numa/placement.js'),
    loadZod(),
  ]),
)

/** How long aborted jobs have to end before the worker leaves without them. */
const abortGraceMs = 1_000

/**
 * A worker on the plane: it publishes what it is, how loaded it is and what becomes of its jobs, and it obeys intents.
 * The work itself stays the application's. It takes a {@link Slot}, fetches a job from its own queue, and runs the job
 * in the slot. Nothing here waits for a peer, so a worker goes on when the plane is gone.
 */
export class Worker implements AsyncDisposable {
  readonly participant: Participant
  readonly workerId: string
  readonly numaNode: number
  readonly #membership: DomainMembership
  readonly #engine: WorkerEngine
  readonly #lifetime: Lifetime
  #closing: Promise<void> | undefined

  /**
   * Joins the domain and reports to the collector of its node, whether there is one yet or not.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT, what joining the domain throws, or the signal's reason
   */
  static async start(options: WorkerOptions, components: WorkerComponents = {}): Promise<Worker> {
    const [{ resolveWorkerOptions }, { openWorkerEngine }, { currentNode }] = await loadWorkerParts()
    const resolved = resolveWorkerOptions(options)
    resolved.signal?.throwIfAborted()
    const numaNode = resolved.numaNode ?? currentNode() ?? 0
    const { workerId } = resolved
    const properties = { role: 'worker', workerId, numaNode }
    const membership = await enterDomain(`worker ${workerId}`, properties, resolved, components)
    const make = (): Worker => {
      const engine = openWorkerEngine(membership.participant, { ...resolved, numaNode }, components)
      return new Worker({ ...resolved, numaNode }, membership, engine)
    }
    return startRole(membership, make, resolved.signal)
  }

  private constructor(
    options: ResolvedWorkerOptions & { readonly numaNode: number },
    membership: DomainMembership,
    engine: WorkerEngine,
  ) {
    this.participant = membership.participant
    this.workerId = options.workerId
    this.numaNode = options.numaNode
    this.#membership = membership
    this.#engine = engine
    this.#lifetime = new Lifetime(options.signal, () => this.#closeUnasked())
    // Its jobs may have been given to others.
    const { restored } = membership.participant
    restored.addEventListener('abort', () => this.#closeUnasked({ graceMs: 0 }), { once: true })
    if (options.whenReplaced === WhenReplaced.close) {
      this.onReplaced((by) => {
        if (by !== null) this.#closeUnasked()
      })
    }
  }

  /** Resolves when the worker has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Returns whether it takes new work now, from any queue, and if not, why. Jobs that run count; open slots do not. */
  get admission(): Admission {
    return this.#engine.admission
  }

  /** Jobs that run. */
  get inFlight(): number {
    return this.#engine.slots.running
  }

  /** Slots that are reserved and run no job yet. */
  get openSlots(): number {
    return this.#engine.slots.open
  }

  /** Offers that it has claimed and whose jobs have not begun; 0 unless its admission is reactive. */
  get claimedOffers(): number {
    return this.#engine.claimedOffers
  }

  /** Jobs that have ended without an error. */
  get completed(): number {
    return this.#engine.jobs.summaries.completed
  }

  /** Jobs that it takes at once, after every limit that applies now. */
  get concurrency(): number {
    return this.#engine.concurrency
  }

  /** What it enforces on its slots now. */
  get directives(): WorkerDirectives {
    return this.#engine.directives
  }

  /** Shards that it was asked to prefer. Advice. */
  get preferredShards(): readonly string[] {
    return this.#engine.control.preferredShards
  }

  /** Weights of queues as configured for it. Advice. */
  get priorityWeights(): Readonly<Record<string, number>> {
    return this.#engine.control.priorityWeights
  }

  /** The other worker that holds its name; null while it holds the name itself. */
  get replacedBy(): WorkerClaim | null {
    return this.#engine.claim.holder
  }

  /** Whether it runs unwatched because no collector serves it. It has then reported so on the plane. */
  get unserved(): boolean {
    return this.#engine.unserved.isReported
  }

  /** The intents that it obeys now. */
  appliedIntents(): readonly AppliedIntent[] {
    return this.#engine.control.applied()
  }

  /** Calls `listener` when admission opens or closes, or closes for another reason. */
  onAdmission(listener: (admission: Admission) => void): Subscription {
    return this.#engine.admissionListeners.add(listener)
  }

  /**
   * Calls `listener` when what the worker enforces has changed: a pause, its concurrency, a limit of a queue, advice.
   */
  onDirectives(listener: (directives: WorkerDirectives) => void): Subscription {
    return this.#engine.directivesListeners.add(listener)
  }

  /**
   * Calls `listener` with the other worker when another live worker holds its name, and with null when it has the name
   * back.
   */
  onReplaced(listener: (by: WorkerClaim | null) => void): Subscription {
    return this.#engine.replacedListeners.add(listener)
  }

  /** Calls `listener` with true when it reports that no collector serves it, with false when one does again. */
  onUnserved(listener: (unserved: boolean) => void): Subscription {
    return this.#engine.unservedListeners.add(listener)
  }

  /**
   * Yields a slot whenever one is free, in order of asking. Ends when the worker closes or the signal aborts. Leaving
   * the loop releases the slot of that turn, unless its job runs.
   *
   *     for await (const slot of worker.slots({ queue, signal })) {
   *       const job = await queue.take({ signal: slot.signal })
   *       if (job === undefined) slot.release()
   *       else slot.run(job.id, (signal) => process(job, signal))
   *     }
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  slots(options: SlotOptions = {}): AsyncIterableIterator<Slot> {
    return this.#yieldSlots(this.#needOf(options), options.signal)
  }

  /**
   * Waits for a slot, first come first served. Run a job in it, or release it: `using slot = await worker.slot()` does.
   * @throws the signal's reason; NumacastError NUMACAST_CLOSED, NUMACAST_INVALID_ARGUMENT
   */
  async slot(options: SlotOptions = {}): Promise<Slot> {
    const need = this.#needOf(options)
    if (this.#engine.isClosing) throw this.#engine.closedError()
    return this.#engine.slots.wait(need, options.signal)
  }

  /** Returns a slot if one is free now. For a job that was pushed: without a slot, give the job back. */
  trySlot(options: SlotOptions = {}): Slot | undefined {
    return this.#engine.slots.try(this.#needOf(options), options.signal)
  }

  /**
   * Waits for a slot and runs one job in it; see {@link Slot.run}. For a job that is in hand already: it waits here
   * while the worker is drained, paused or at its limit.
   * @throws what `work` throws; the signal's reason, if it aborts before the job has started; NumacastError
   *   NUMACAST_CLOSED, or NUMACAST_INVALID_ARGUMENT for a name, or for a job that is in flight
   */
  async run<R>(jobId: string, work: JobWork<R>, options: RunOptions = {}): Promise<R> {
    const slot = this.#slotFor(jobId, options) ?? (await this.#waitForSlot(options))
    return slot.run(jobId, work, options)
  }

  /**
   * Waits for a slot and begins one job in it; see {@link Slot.begin}.
   * @throws the signal's reason, if it aborts before the job has started; NumacastError NUMACAST_CLOSED, or
   *   NUMACAST_INVALID_ARGUMENT for a name, or for a job that is in flight
   */
  async begin(jobId: string, options: RunOptions = {}): Promise<RunningJob> {
    const slot = this.#slotFor(jobId, options) ?? (await this.#waitForSlot(options))
    return slot.begin(jobId, options)
  }

  /** Asks the owner of the queue to offer a job again. numacast itself moves no work. */
  requestRetry(
    jobId: string,
    options: { readonly reason: string; readonly afterMs?: number; readonly queue?: string },
  ): void {
    this.#engine.jobs.requestRetry({ queue: this.#queueOf(options), jobId }, options.reason, options.afterMs ?? 0)
  }

  /**
   * Changes what the worker offers and holds, while it runs. What is left out stays as it is.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the field and what it must be; NUMACAST_CLOSED
   */
  update(update: ProfileUpdate): void {
    this.#engine.update(update)
  }

  /** Why it is unhealthy, by its application and by the checks of its option `health`; empty if it is not. */
  get healthProblems(): readonly HealthProblem[] {
    return this.#engine.healthProblems
  }

  /** Takes no new work until {@link declareHealthy}. The checks of the option `health` go on beside it. */
  declareUnhealthy(reason: string): void {
    this.#engine.declareUnhealthy(reason)
  }

  declareHealthy(): void {
    this.#engine.declareUnhealthy(null)
  }

  /**
   * Takes nothing more, lets jobs in flight end or aborts them, and leaves the domain. Idempotent.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; what leaving the domain throws
   */
  async close({ graceMs = 10_000 }: CloseOptions = {}): Promise<void> {
    checkDurationMs('graceMs', graceMs, { allowInfinity: true })
    this.#closing ??= this.#close(graceMs).finally(() => this.#lifetime.end())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(graceMs: number): Promise<void> {
    const engine = this.#engine
    await closeAll([
      () => this.#endJobs(graceMs),
      () => engine.stop(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => engine.close(),
    ])
  }

  async #endJobs(graceMs: number): Promise<void> {
    const engine = this.#engine
    engine.beginClosing()
    await engine.slots.idleWithin(graceMs)
    engine.slots.takeBackOpen('the worker closes')
    engine.jobs.abortAll(engine.closedError())
    await engine.slots.idleWithin(abortGraceMs)
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(options?: CloseOptions): void {
    this.close(options).catch((error: unknown) => this.participant.counters.addError('worker.close-failed', error))
  }

  async *#yieldSlots(need: SlotNeed, signal: AbortSignal | undefined): AsyncIterableIterator<Slot> {
    const isOver = (): boolean => this.#engine.isClosing || (signal?.aborted ?? false)
    while (!isOver()) {
      let slot: Slot
      try {
        slot = await this.#engine.slots.wait(need, signal)
      } catch (error) {
        if (isOver()) return
        throw error
      }
      let isAskedForMore = false
      try {
        yield slot
        isAskedForMore = true
      } finally {
        if (!isAskedForMore) slot.release()
      }
    }
  }

  /** Returns a slot for the job if one is free now. A job that can start does so before its caller goes on. */
  #slotFor(jobId: string, options: SlotOptions): Slot | undefined {
    const need = this.#needOf(options)
    this.#engine.jobs.check({ queue: need.queue, jobId })
    if (this.#engine.isClosing) throw this.#engine.closedError()
    options.signal?.throwIfAborted()
    return this.#engine.slots.try(need)
  }

  #waitForSlot(options: SlotOptions): Promise<Slot> {
    return this.#engine.slots.wait(this.#needOf(options), options.signal)
  }

  #needOf(options: SlotOptions): SlotNeed {
    return { queue: this.#queueOf(options), vramBytes: checkVram(options.vramBytes, this.#engine.profile.admission) }
  }

  #queueOf({ queue }: { readonly queue?: string }): string {
    if (queue !== undefined) {
      checkQueue(queue)
      return queue
    }
    const [only, ...others] = this.#engine.profile.queues
    return only !== undefined && others.length === 0 ? only : ''
  }
}
