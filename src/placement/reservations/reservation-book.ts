import { invalidArgument, NumacastError } from '../../core/errors.js'
import { KeyedHeap } from '../../core/keyed-heap.js'
import type { Counters } from '../../core/reporting/counters.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { keyFrom } from '../../plane/vocabulary/keys.js'
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
/**
 * No scheduler counts this far. A higher number of another scheduler is not followed further, so that one forged number
 * leaves room for own numbers below the highest that is accepted (`maxReservationSeq`).
 */
const maxFollowedSeq = 2 ** 47

interface HeldReservation {
  readonly reservation: Reservation
  readonly madeMs: number
  readonly expiresMs: number
}

/**
 * What has been given to workers since they last reported, so that a burst of decisions does not overfill one. A
 * reservation ends by its release, when the worker's report lists its job, when its time to live is over, or when its
 * worker's process is dead or replaced, whichever comes first.
 */
export class ReservationBook {
  readonly #scheduler: string
  readonly #maxReservations: number
  readonly #counters: Counters | undefined
  readonly #held = new Map<string, HeldReservation>()
  /** Reservation ids by worker and job. */
  readonly #byJob = new Map<string, Set<string>>()
  /** Reservations that have ended here before their time to live, by its end. */
  readonly #ended = new KeyedHeap<string>()
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
   * Takes over a reservation of another scheduler. Idempotent: what has ended here does not come back. Its time to live
   * counts from `writtenMs`. Returns whether it is new here.
   * @throws NumacastError NUMACAST_LIMIT when the book is full
   */
  observe(reservation: Reservation, nowMs: number, writtenMs = nowMs): boolean {
    const { reservationId, seq, ttlMs } = reservation
    this.#nextSeq = Math.max(this.#nextSeq, Math.min(seq, maxFollowedSeq) + 1)
    this.#forgetEnded(nowMs)
    if (this.#held.has(reservationId) || this.#ended.has(reservationId) || writtenMs + ttlMs <= nowMs) return false
    this.#add(reservation, Math.min(nowMs, writtenMs))
    return true
  }

  get(reservationId: string): Reservation | undefined {
    return this.#held.get(reservationId)?.reservation
  }

  /** Whether anything is held for the job at this process of a worker; with `begunMs`, anything made by that time. */
  reservesFor(job: {
    readonly workerId: string
    readonly incarnation: number
    readonly jobId: string
    readonly begunMs?: number
  }): boolean {
    return this.#ofJob(job.workerId, job.jobId, job.incarnation, job.begunMs).length > 0
  }

  /** Whether the reservation is held. */
  has(reservationId: string): boolean {
    return this.#held.has(reservationId)
  }

  /** Returns false when it is not held any more. */
  release(reservationId: string): boolean {
    const held = this.#held.get(reservationId)
    if (held === undefined) return false
    this.#held.delete(reservationId)
    this.#ended.set(reservationId, held.expiresMs)
    this.#totals = undefined
    const key = keyFrom([held.reservation.workerId, held.reservation.jobId])
    const ofJob = this.#byJob.get(key)
    ofJob?.delete(reservationId)
    if (ofJob?.size === 0) this.#byJob.delete(key)
    return true
  }

  /**
   * The worker's report lists the job, as running or as ended: its row covers from now on what was reserved. Returns what
   * ends.
   * @param incarnation of the process that reports it; without it any
   * @param begunMs when the job began: what was made later is for its next run, and stays; without it any
   */
  settle(workerId: string, jobId: string, incarnation?: number, begunMs?: number): readonly Reservation[] {
    return this.#ofJob(workerId, jobId, incarnation, begunMs).flatMap((id) => this.#end(id, 'settled') ?? [])
  }

  /**
   * Ends what is over: by time, or because the process of its worker is dead, replaced or removed. Returns what ends.
   */
  expire(snapshot: PlacementSnapshot, nowMs: number): readonly Reservation[] {
    this.#forgetEnded(nowMs)
    const over = [...this.#held.values()].filter(
      ({ reservation, expiresMs }) => expiresMs <= nowMs || this.#isGone(reservation, snapshot),
    )
    return over.flatMap(({ reservation }) => this.#end(reservation.reservationId, 'expired') ?? [])
  }

  /**
   * Returns the verdicts of the conflict rule on all that is held, and ends what it refuses of this scheduler, so that the
   * scheduler places that again. What it refuses of others stays until they end it: they may not know of the conflict yet.
   */
  resolve(): ReservationVerdicts {
    const verdicts = resolveConflicts(this.list())
    for (const { reservation } of verdicts.refused) {
      if (reservation.scheduler === this.#scheduler) this.#end(reservation.reservationId, 'refused')
    }
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

  #ofJob(workerId: string, jobId: string, incarnation?: number, begunMs = Number.POSITIVE_INFINITY): string[] {
    const ids = [...(this.#byJob.get(keyFrom([workerId, jobId])) ?? [])]
    return ids.filter((id) => {
      const held = this.#held.get(id)
      if (held === undefined || held.madeMs > begunMs) return false
      return incarnation === undefined || held.reservation.incarnation === incarnation
    })
  }

  #add(reservation: Reservation, nowMs: number): void {
    if (this.#held.size >= this.#maxReservations) {
      throw new NumacastError('NUMACAST_LIMIT', `the book holds ${this.#maxReservations} reservations already`)
    }
    this.#held.set(reservation.reservationId, { reservation, madeMs: nowMs, expiresMs: nowMs + reservation.ttlMs })
    this.#totals = undefined
    const key = keyFrom([reservation.workerId, reservation.jobId])
    const ofJob = this.#byJob.get(key) ?? new Set()
    this.#byJob.set(key, ofJob.add(reservation.reservationId))
  }

  #end(reservationId: string, how: 'settled' | 'expired' | 'refused'): Reservation | undefined {
    const held = this.#held.get(reservationId)
    if (held === undefined) return undefined
    this.release(reservationId)
    this.#counters?.add(`reservations.${how}`)
    return held.reservation
  }

  /** Another scheduler may have reserved at a worker before this one has its row. */
  #isGone({ workerId, incarnation, scheduler }: Reservation, snapshot: PlacementSnapshot): boolean {
    const load = snapshot.worker(workerId)?.load
    if (load === undefined) return scheduler === this.#scheduler
    if (load.incarnation !== incarnation) return load.incarnation > incarnation
    return load.liveliness === Liveliness.dead
  }

  #forgetEnded(nowMs: number): void {
    while (this.#ended.shift(nowMs) !== undefined);
  }
}
