import { invalidArgument, NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import { checkDurationMs } from '../../core/time/duration.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { ReservedTotals } from '../fit/reserved-totals.js'
import type { Candidate, Ranking } from '../rank/ranking.js'
import { freeAmounts, reservedZones } from './free-amounts.js'
import type { Reservation } from './reservation.js'
import { type ReservationVerdicts, resolveConflicts } from './reservation-conflicts.js'
import { totalsOf } from './totals.js'

export interface ReservationBookOptions {
  /** The scheduler that keeps the book: its participant's GUID. */
  readonly scheduler: string
  /** Reservations that are held at most, of all schedulers together. @default 65536 */
  readonly maxReservations?: number
}

export interface ReserveOptions {
  readonly jobId: string
  /** On this process's monotonic clock. */
  readonly nowMs: number
  /** After this time the reservation ends by itself. @default 10000 */
  readonly ttlMs?: number
}

export const defaultReservationTtlMs = 10_000
const defaultMaxReservations = 65_536

interface Held {
  readonly reservation: Reservation
  readonly expiresMs: number
}

/**
 * What has been given to workers since they last reported, so that a burst of decisions does not overfill one. A
 * reservation ends by its release, when the worker's report lists its job, when its time to live is over, or when its
 * worker's incarnation has been replaced, whichever comes first.
 */
export class ReservationBook {
  readonly #scheduler: string
  readonly #maxReservations: number
  readonly #counters: Counters | undefined
  readonly #held = new Map<string, Held>()
  /** Reservation ids by worker and job. */
  readonly #byJob = new Map<string, Set<string>>()
  #nextSeq = 1
  #totals: ReservedTotals | undefined

  /** Counts what ends without a release: `reservations.expired`, `.settled`, `.refused`. */
  constructor(options: ReservationBookOptions, counters?: Counters) {
    const { maxReservations = defaultMaxReservations } = options
    if (!Number.isSafeInteger(maxReservations) || maxReservations < 1) {
      throw invalidArgument(`maxReservations must be an integer from 1, not ${maxReservations}`)
    }
    this.#scheduler = options.scheduler
    this.#maxReservations = maxReservations
    this.#counters = counters
  }

  get size(): number {
    return this.#held.size
  }

  /**
   * Holds what a candidate of a ranking would give to a request.
   * @throws NumacastError NUMACAST_LIMIT when the book is full, or NUMACAST_INVALID_ARGUMENT
   */
  reserve(ranking: Ranking, { row, zones }: Candidate, options: ReserveOptions): Reservation {
    const { jobId, nowMs, ttlMs = defaultReservationTtlMs } = options
    checkDurationMs('ttlMs', ttlMs, { exclusive: true })
    const { request, snapshot } = ranking
    const seq = this.#nextSeq
    const reservation: Reservation = Object.freeze({
      reservationId: `${this.#scheduler}.${seq}`,
      scheduler: this.#scheduler,
      seq,
      jobId,
      workerId: row.workerId,
      incarnation: row.load.incarnation,
      bootId: row.load.bootId,
      cpus: request.cpus,
      memoryBytes: request.memoryBytes,
      vramBytes: request.vramBytes ?? 0,
      zones: reservedZones(snapshot, row.load.bootId, zones),
      free: freeAmounts(row),
      ttlMs,
    })
    this.#add(reservation, nowMs)
    this.#nextSeq = seq + 1
    return reservation
  }

  /**
   * Takes over a reservation of another scheduler. Idempotent. Its time to live counts from now, at most its own.
   * @throws NumacastError NUMACAST_LIMIT when the book is full
   */
  observe(reservation: Reservation, nowMs: number): void {
    this.#nextSeq = Math.max(this.#nextSeq, reservation.seq + 1)
    if (!this.#held.has(reservation.reservationId)) this.#add(reservation, nowMs)
  }

  /** Returns false when it is not held any more. */
  release(reservationId: string): boolean {
    const held = this.#held.get(reservationId)
    if (held === undefined) return false
    this.#held.delete(reservationId)
    this.#totals = undefined
    const key = jobKey(held.reservation.workerId, held.reservation.jobId)
    const ofJob = this.#byJob.get(key)
    ofJob?.delete(reservationId)
    if (ofJob?.size === 0) this.#byJob.delete(key)
    return true
  }

  /** The worker's report lists the job, as running or as ended: its row covers from now on what was reserved. */
  settle(workerId: string, jobId: string): void {
    for (const id of [...(this.#byJob.get(jobKey(workerId, jobId)) ?? [])]) this.#end(id, 'settled')
  }

  /** Ends what is over: by time, or because its worker's incarnation has been replaced or removed. */
  expire(snapshot: PlacementSnapshot, nowMs: number): void {
    for (const { reservation, expiresMs } of [...this.#held.values()]) {
      const row = snapshot.worker(reservation.workerId)
      const isGone = row === undefined || row.load.incarnation > reservation.incarnation
      if (expiresMs <= nowMs || isGone) this.#end(reservation.reservationId, 'expired')
    }
  }

  /** Ends what the conflict rule refuses, and returns the verdicts, so that a scheduler places its own again. */
  resolve(): ReservationVerdicts {
    const verdicts = resolveConflicts(this.list())
    for (const { reservation } of verdicts.refused) this.#end(reservation.reservationId, 'refused')
    return verdicts
  }

  /** Returns the sums that ranking takes off; the same object until something changes. */
  totals(): ReservedTotals {
    this.#totals ??= totalsOf(this.list())
    return this.#totals
  }

  *list(): IterableIterator<Reservation> {
    for (const { reservation } of this.#held.values()) yield reservation
  }

  #add(reservation: Reservation, nowMs: number): void {
    if (this.#held.size >= this.#maxReservations) {
      throw new NumacastError('NUMACAST_LIMIT', `the book holds ${this.#maxReservations} reservations already`)
    }
    this.#held.set(reservation.reservationId, { reservation, expiresMs: nowMs + reservation.ttlMs })
    this.#totals = undefined
    const key = jobKey(reservation.workerId, reservation.jobId)
    const ofJob = this.#byJob.get(key) ?? new Set()
    this.#byJob.set(key, ofJob.add(reservation.reservationId))
  }

  #end(reservationId: string, how: 'settled' | 'expired' | 'refused'): void {
    if (this.release(reservationId)) this.#counters?.add(`reservations.${how}`)
  }
}

function jobKey(workerId: string, jobId: string): string {
  return `${workerId.length}:${workerId}${jobId}`
}
