import { ConditionWaiters } from '../../../core/condition-waiters.js'
import { NumacastError } from '../../../core/errors.js'
import type { Clock } from '../../../core/time/clock.js'
import type { Load } from '../intents/intent-progress.js'
import type { BeginOptions, JobWork, RunningJob } from '../jobs/running-job.js'
import { Slot, type SlotNeed, type SlotOwner, SlotState } from './slot.js'
import { admitsSlot, type SlotLimits, type SlotUse, takenOf } from './slot-limits.js'

/** What a pool needs of its worker. */
export interface SlotHost {
  readonly clock: Clock
  readonly limits: SlotLimits
  runJob<R>(queue: string, jobId: string, work: JobWork<R>, options: BeginOptions): Promise<R>
  beginJob(queue: string, jobId: string, options: BeginOptions, ended: () => void): Promise<RunningJob>
  /** A slot was released, or is about to run its job. */
  slotsChanged(slot: Slot): void
}

/** A holder that passes the slot's signal to its fetch releases the slot much sooner. */
const overdueMs = 10_000

/**
 * The slots of a worker: grants them in order of asking, within the limits, and revokes open ones that the limits do
 * not allow any more. A slot is taken at the moment of its grant, so that no two callers get the same place.
 */
export class SlotPool implements SlotOwner, SlotUse, Load {
  readonly #host: SlotHost
  readonly #waiting = new ConditionWaiters<Slot>()
  /** In order of their grant. */
  readonly #open = new Set<Slot>()
  readonly #byQueue = new Map<string, number>()
  readonly #idle = new Set<() => void>()
  /** When an open slot was first found revoked; infinite once it has been counted as overdue. */
  readonly #revokedMs = new Map<Slot, number>()
  #running = 0
  #vramUsedBytes = 0
  #vramRunningBytes = 0

  constructor(host: SlotHost) {
    this.#host = host
  }

  get taken(): number {
    return this.#open.size + this.#running
  }

  /** Slots that are reserved and run no job yet. */
  get open(): number {
    return this.#open.size
  }

  /** Device memory that the slots count for, open ones included. */
  get vramUsedBytes(): number {
    return this.#vramUsedBytes
  }

  /** Device memory of the slots in which a job runs. */
  get vramRunningBytes(): number {
    return this.#vramRunningBytes
  }

  get byQueue(): ReadonlyMap<string, number> {
    return this.#byQueue
  }

  /** Slots in which a job runs. */
  get running(): number {
    return this.#running
  }

  /** Returns a slot if one is free now. */
  try(need: SlotNeed, signal?: AbortSignal): Slot | undefined {
    return admitsSlot(need, this, this.#host.limits) ? this.#openSlot(need, signal) : undefined
  }

  /** Resolves with a slot when it is this caller's turn. @throws the signal's reason, or what `refuseAll` gives */
  wait(need: SlotNeed, signal?: AbortSignal): Promise<Slot> {
    return this.#waiting.wait(
      () => this.try(need, signal),
      signal,
      (slot) => slot.release(),
    )
  }

  /**
   * Grants what the limits allow, in order of asking. A caller whose queue is throttled, or that needs more device memory
   * than is free, does not hold up the others.
   */
  grant(): void {
    this.#waiting.check()
  }

  /** Revokes the open slots that the limits do not allow any more, the latest granted first. */
  revokeExcess(): void {
    if (this.#open.size === 0) return
    const { pause, concurrency, throttles } = this.#host.limits
    if (pause !== null) {
      this.#revoke(() => true, this.#open.size, pause.reason)
      return
    }
    this.#revoke(() => true, this.taken - concurrency, `a limit of ${concurrency} jobs at once`)
    for (const queue of this.#byQueue.keys()) {
      const most = queue === '' ? throttles.tightest : throttles.limitOf(queue)
      const mayHold = (slot: Slot): boolean => slot.queue === queue || slot.queue === ''
      const why = `a limit of ${most} jobs at once of ${queue === '' ? 'a queue' : `queue ${queue}`}`
      this.#revoke(mayHold, takenOf(queue, this.#byQueue) - most, why)
    }
  }

  /** Rejects every call that waits for a slot. */
  rejectWaiting(reason: unknown): void {
    this.#waiting.reject(reason)
  }

  /** Takes back the slots in which no job runs. */
  takeBackOpen(because: string): void {
    for (const slot of [...this.#open]) slot.takeBack(because)
  }

  /**
   * Returns the slots that were revoked {@link overdueMs} ago and are neither run nor released, each once. To be called
   * regularly: a slot counts as revoked from the first call that finds it so.
   */
  takeOverdue(nowMs: number): Slot[] {
    const overdue: Slot[] = []
    for (const slot of this.#open) {
      if (!slot.signal.aborted) continue
      const revokedMs = this.#revokedMs.get(slot) ?? nowMs
      const isOverdue = nowMs - revokedMs >= overdueMs
      if (isOverdue) overdue.push(slot)
      this.#revokedMs.set(slot, isOverdue ? Number.POSITIVE_INFINITY : revokedMs)
    }
    return overdue
  }

  /** Resolves when no slot is taken, or after `graceMs`. */
  idleWithin(graceMs: number): Promise<void> {
    if (this.taken === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.#idle.delete(done)
        resolve()
      }
      const timer = this.#host.clock.after(graceMs, done)
      this.#idle.add(done)
    })
  }

  beginJob(queue: string, jobId: string, options: BeginOptions, ended: () => void): Promise<RunningJob> {
    return this.#host.beginJob(queue, jobId, options, ended)
  }

  runJob<R>(queue: string, jobId: string, work: JobWork<R>, options: BeginOptions): Promise<R> {
    return this.#host.runJob(queue, jobId, work, options)
  }

  slotChanged(slot: Slot, from: SlotState): void {
    this.#revokedMs.delete(slot)
    if (from === SlotState.open) this.#open.delete(slot)
    else {
      this.#running--
      this.#vramRunningBytes = this.#running === 0 ? 0 : this.#vramRunningBytes - slot.vramBytes
    }
    if (slot.state === SlotState.running) {
      this.#running++
      this.#vramRunningBytes += slot.vramBytes
    } else {
      const left = (this.#byQueue.get(slot.queue) ?? 1) - 1
      if (left > 0) this.#byQueue.set(slot.queue, left)
      else this.#byQueue.delete(slot.queue)
      this.#vramUsedBytes = this.taken === 0 ? 0 : this.#vramUsedBytes - slot.vramBytes
    }
    this.#host.slotsChanged(slot)
    if (this.taken === 0) for (const isIdle of [...this.#idle]) isIdle()
  }

  #openSlot(need: SlotNeed, signal: AbortSignal | undefined): Slot {
    const slot = new Slot(this, need, signal)
    this.#open.add(slot)
    this.#byQueue.set(need.queue, (this.#byQueue.get(need.queue) ?? 0) + 1)
    this.#vramUsedBytes += need.vramBytes
    return slot
  }

  /** Revokes open slots until `excess` of them are ending, including any revoked earlier. */
  #revoke(isAffected: (slot: Slot) => boolean, excess: number, why: string): void {
    if (excess <= 0) return
    const affected = [...this.#open].filter(isAffected)
    const lasting = affected.filter(({ signal }) => !signal.aborted)
    const tooMany = excess - (affected.length - lasting.length)
    if (tooMany <= 0) return
    const reason = new NumacastError('NUMACAST_CLOSED', `the slot is revoked: ${why}`)
    for (const slot of lasting.slice(-tooMany)) slot.revoke(reason)
  }
}
