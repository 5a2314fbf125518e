import { NumacastError } from '../../../core/errors.js'
import type { BeginOptions, JobWork, RunningJob } from '../jobs/running-job.js'

export const SlotState = {
  /** Reserved; no job runs in it yet. */
  open: 'open',
  running: 'running',
  /** The holder no longer has it. */
  released: 'released',
} as const
export type SlotState = (typeof SlotState)[keyof typeof SlotState]

/** What a slot counts for. */
export interface SlotNeed {
  /** Empty for a slot of no named queue. */
  readonly queue: string
  readonly vramBytes: number
}

/** What a slot needs of the worker that granted it. */
export interface SlotOwner {
  /** Runs the job that a slot of `queue` was taken for. */
  runJob<R>(queue: string, jobId: string, work: JobWork<R>, options: BeginOptions): Promise<R>
  /** Begins the job that a slot of `queue` was taken for, and calls `ended` at its end. */
  beginJob(queue: string, jobId: string, options: BeginOptions, ended: () => void): Promise<RunningJob>
  /** The slot has left the state `from`. */
  slotChanged(slot: Slot, from: SlotState): void
}

/**
 * A reservation for one job. From the grant on it counts for concurrency, throttles and drains, as a job does. It ends
 * when its job has ended, or when it is released without one: release each slot that you do not run.
 */
export class Slot implements Disposable {
  /** The queue that it counts for; empty for one of no named queue. */
  readonly queue: string
  /** The device memory that it counts for. */
  readonly vramBytes: number
  readonly #owner: SlotOwner
  readonly #revocation = new AbortController()
  readonly #forgetCaller: () => void
  #state: SlotState = SlotState.open
  /** Why the worker took it back; undefined if its holder released it. */
  #takenBackBecause: string | undefined

  /** @internal Granted by `Worker.slot` and `Worker.slots`. */
  constructor(owner: SlotOwner, { queue, vramBytes }: SlotNeed, callerSignal: AbortSignal | undefined) {
    this.#owner = owner
    this.queue = queue
    this.vramBytes = vramBytes
    const onAbort = (): void => this.revoke(callerSignal?.reason)
    callerSignal?.addEventListener('abort', onAbort, { once: true })
    this.#forgetCaller = () => callerSignal?.removeEventListener('abort', onAbort)
    if (callerSignal?.aborted === true) onAbort()
  }

  get state(): SlotState {
    return this.#state
  }

  /**
   * Aborts when the slot should not wait for a job any more: the worker drains, pauses or closes, a limit went down, or
   * the signal given for the slot aborted. Pass it to whatever fetches the job. A job that was fetched nevertheless may
   * still run in the slot: a drain is not completed before the slot is released. At the drain's deadline, and when the
   * worker closes, the worker takes the slot back.
   */
  get signal(): AbortSignal {
    return this.#revocation.signal
  }

  /**
   * Runs one job in the slot and releases the slot at its end. The plane knows that the job has started before `work`
   * is called. The signal that `work` gets aborts when the worker closes and its grace is over.
   *
   * The result may be ignored: a job that fails is reported as `failed`, and is no unhandled rejection.
   * @throws what `work` throws; NumacastError NUMACAST_CLOSED when the slot was released or taken back, or has run a job
   *   already, NUMACAST_INVALID_ARGUMENT for a name, or for a job that is in flight. The slot is released in each case
   */
  run<R>(jobId: string, work: JobWork<R>, options: BeginOptions = {}): Promise<R> {
    const running = this.#run(jobId, work, options)
    running.catch(() => undefined)
    return running
  }

  /**
   * Begins one job in the slot, for work that is no single function. The slot is released when the job has reported its
   * end by `complete`, `fail` or `requestRetry`. Resolves once the plane knows that the job has started.
   * @throws NumacastError NUMACAST_CLOSED when the slot was released or has run a job already,
   *   NUMACAST_INVALID_ARGUMENT for a name, or for a job that is in flight. The slot is released in each case
   */
  async begin(jobId: string, options: BeginOptions = {}): Promise<RunningJob> {
    this.#occupy(jobId)
    try {
      return await this.#owner.beginJob(this.queue, jobId, options, () => this.#leave())
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Gives an open slot back. Idempotent; without effect on a slot whose job runs. */
  release(): void {
    if (this.#state === SlotState.open) this.#leave()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  /** @internal */
  revoke(reason: unknown): void {
    if (this.#state === SlotState.open) this.#revocation.abort(reason)
  }

  /** @internal Ends an open slot that its holder has not released. */
  takeBack(because: string): void {
    if (this.#state !== SlotState.open) return
    this.#takenBackBecause = because
    this.#leave()
  }

  async #run<R>(jobId: string, work: JobWork<R>, options: BeginOptions): Promise<R> {
    this.#occupy(jobId)
    try {
      return await this.#owner.runJob(this.queue, jobId, work, options)
    } finally {
      this.#leave()
    }
  }

  #occupy(jobId: string): void {
    if (this.#state !== SlotState.open) {
      throw new NumacastError('NUMACAST_CLOSED', `job ${jobId} cannot run: its slot ${this.#closedReason()}`)
    }
    this.#forgetCaller()
    this.#state = SlotState.running
    this.#owner.slotChanged(this, SlotState.open)
  }

  #closedReason(): string {
    if (this.#state === SlotState.running) return 'runs a job already'
    return this.#takenBackBecause === undefined ? 'was released' : `was taken back: ${this.#takenBackBecause}`
  }

  #leave(): void {
    const from = this.#state
    this.#state = SlotState.released
    this.#forgetCaller()
    this.#owner.slotChanged(this, from)
  }
}
