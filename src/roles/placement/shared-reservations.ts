import type { WaitOptions } from '../../core/abort.js'
import { closeEach } from '../../core/close-all.js'
import { invalidArgument } from '../../core/errors.js'
import { participantOf } from '../../core/ids.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'
import { Coalescer } from '../../core/time/coalescer.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { ReservedTotals } from '../../placement/fit/reserved-totals.js'
import type { Candidate, Ranking } from '../../placement/rank/ranking.js'
import type { Reservation } from '../../placement/reservations/reservation.js'
import {
  defaultReservationTtlMs,
  ReservationBook,
  type ReservationBookOptions,
} from '../../placement/reservations/reservation-book.js'
import type { ReservationConflict } from '../../placement/reservations/reservation-conflicts.js'
import {
  maxReservationTtlMs,
  type PublishedReservation,
  placementReservation,
} from '../../plane/placement/reservation.js'
import { keyFrom } from '../../plane/vocabulary/keys.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { type JobLifecycle, jobLifecycle, ReportedJobState } from '../../plane/worker/job-lifecycle.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { FleetView } from '../../views/fleet-view.js'

/** Why a reservation of this process has ended. */
export const ReservationEnd = {
  released: 'released',
  /** The worker's report lists the job. */
  settled: 'settled',
  /** Its time to live is over, or the process of its worker is dead or replaced. */
  expired: 'expired',
  /** A reservation that comes before it in the order left too little. */
  refused: 'refused',
} as const
export type ReservationEnd = (typeof ReservationEnd)[keyof typeof ReservationEnd]

/** A reservation of this process has ended. */
export interface EndedReservation {
  readonly reservation: Reservation
  readonly end: ReservationEnd
  /** What there was too little of; null unless it was refused. */
  readonly conflict: ReservationConflict | null
}

export interface HoldOptions {
  readonly jobId: string
  /** After this time the reservation ends by itself; at most 10 minutes. @default 10000 */
  readonly ttlMs?: number
}

/** A reservation ends at most this long after it is over. */
const maintainEveryMs = 250
/** A worker's row covers a job at the latest this long after the job's report. */
const coverMs = 1_000
/** Two moments that a worker wrote together may differ by this much here. */
const roundingMs = 5

/** A job whose report has arrived, and that the worker's row does not cover yet. */
interface Settling extends Pick<JobLifecycle, 'workerId' | 'incarnation' | 'jobId'> {
  readonly writtenMs: number
  /** By this time it had begun. */
  readonly begunMs: number
  readonly receivedMs: number
}

/**
 * The reservations of all schedulers of a plane, as one of them sees them. It publishes its own and takes those of the
 * others off what is free. Conflicts are decided by one rule at every scheduler, without a lock.
 */
export class SharedReservations implements Disposable {
  readonly #view: FleetView
  readonly #book: ReservationBook
  readonly #writer: Writer<PublishedReservation>
  readonly #reader: Reader<PublishedReservation>
  readonly #jobs: Reader<JobLifecycle>
  readonly #settling = new Map<string, Settling>()
  readonly #resolving: Coalescer
  readonly #maintaining: RepeatingTimer
  readonly #changes: Subscription
  readonly #ends: Listeners<EndedReservation>
  #closed = false

  /**
   * Borrows the view and its participant; closing leaves both open.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  constructor(view: FleetView, options: Omit<ReservationBookOptions, 'scheduler'> = {}) {
    const { participant } = view
    const { clock, counters } = participant
    this.#view = view
    this.#book = new ReservationBook({ ...options, scheduler: participant.guid }, counters)
    this.#ends = new Listeners(counters, 'reservations.listener-threw')
    this.#resolving = new Coalescer(clock, 1, () => this.#resolve(), { leading: 'after-poll' })
    const partition = planePartition
    this.#writer = participant.writer(placementReservation, { partition })
    this.#reader = participant.reader(placementReservation, { partition })
    this.#reader.onSample((sample) => this.#received(sample))
    this.#jobs = participant.reader(jobLifecycle, { partition })
    this.#jobs.onSample((sample) => this.#reported(sample))
    this.#changes = view.onChange((change) => {
      if (change.kind === 'worker' && this.#settling.size > 0) this.#settleCovered()
      // The death of a worker frees what is reserved there.
      if (change.kind === 'liveliness') this.#expire()
    })
    this.#maintaining = new RepeatingTimer(clock, maintainEveryMs, () => this.#maintain())
  }

  /** How many are held, those of other schedulers included. */
  get size(): number {
    return this.#book.size
  }

  /** What is held, of all schedulers together. */
  list(): readonly Reservation[] {
    return [...this.#book.list()]
  }

  /** The sums that `rank` takes off as `reserved`; the same object until something changes. */
  totals(): ReservedTotals {
    return this.#book.totals()
  }

  has(reservationId: string): boolean {
    return this.#book.has(reservationId)
  }

  /** Resolves when every reservation that other schedulers held at the call has arrived. */
  synced(wait: WaitOptions = {}): Promise<void> {
    return this.#reader.synced(wait)
  }

  /**
   * Holds what a candidate of a ranking would give to a job, and publishes it. Rank with {@link totals} as `reserved`.
   * @throws NumacastError NUMACAST_LIMIT when too many are held; NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED
   */
  reserve(
    ranking: Ranking,
    candidate: Candidate,
    { jobId, ttlMs = defaultReservationTtlMs }: HoldOptions,
  ): Reservation {
    if (!(ttlMs > 0 && ttlMs <= maxReservationTtlMs)) {
      throw invalidArgument(`ttlMs must be over 0 and at most ${maxReservationTtlMs}, not ${ttlMs}`)
    }
    const nowMs = this.#view.participant.clock.nowMs()
    const reservation = this.#book.reserve(ranking, candidate, { jobId, nowMs, ttlMs })
    try {
      this.#writer.write({ ...reservation, zones: [...reservation.zones] })
    } catch (error) {
      this.#book.release(reservation.reservationId)
      throw error
    }
    return reservation
  }

  /** Ends a reservation of this process. Returns false when it is not held any more. */
  release(reservationId: string): boolean {
    const reservation = this.#book.get(reservationId)
    if (this.#closed || reservation === undefined || reservation.scheduler !== this.#view.participant.guid) return false
    this.#book.release(reservationId)
    this.#ended(reservation, ReservationEnd.released)
    return true
  }

  /** Calls `listener` whenever a reservation of this process has ended. */
  onEnd(listener: (ended: EndedReservation) => void): Subscription {
    return this.#ends.add(listener)
  }

  /** Idempotent. What was published holds at the other schedulers until its time to live ends. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeEach([
      () => this.#maintaining.close(),
      () => this.#resolving.close(),
      () => this.#changes.close(),
      () => this.#ends.clear(),
      () => this.#reader.close(),
      () => this.#jobs.close(),
      () => this.#writer.close(),
    ])
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #received({ key, value, token, writtenMs, instanceState }: Sample<PublishedReservation>): void {
    const { guid, clock, counters } = this.#view.participant
    const owner = participantOf(token.writer)
    if (owner === guid) return
    if (instanceState === 'disposed') {
      // The id starts with its scheduler, and only that scheduler ends it.
      if (key.startsWith(`${owner}.`)) this.#book.release(key)
      return
    }
    // Those of a scheduler that has left hold until their time to live ends.
    if (value === undefined || instanceState === 'no-writers') return
    if (value.scheduler !== owner || !value.reservationId.startsWith(`${owner}.`)) {
      counters.add('reservations.rejected.foreign')
      return
    }
    try {
      if (this.#book.observe(value, clock.nowMs(), writtenMs)) this.#resolving.request()
    } catch (error) {
      counters.addError('reservations.rejected.limit', error)
    }
  }

  #reported({ value, writtenMs, instanceState }: Sample<JobLifecycle>): void {
    if (value === undefined || instanceState !== 'alive') return
    const { workerId, incarnation, jobId, state, durationMs } = value
    // A report of an earlier run may arrive after the job was placed again.
    const begunMs = writtenMs - (durationMs ?? 0) + roundingMs
    if (!this.#book.reservesFor({ workerId, incarnation, jobId, begunMs })) return
    const receivedMs = this.#view.participant.clock.nowMs()
    const settling = { workerId, incarnation, jobId, writtenMs, begunMs, receivedMs }
    if (state !== ReportedJobState.running) {
      this.#settle(settling)
      return
    }
    const key = settlingKey(value)
    if ((this.#settling.get(key)?.writtenMs ?? Number.NEGATIVE_INFINITY) < writtenMs) this.#settling.set(key, settling)
    this.#settleCovered()
  }

  /** Settles the jobs that the rows of their workers cover by now. */
  #settleCovered(): void {
    const snapshot = this.#view.snapshot()
    const nowMs = this.#view.participant.clock.nowMs()
    for (const job of this.#settling.values()) {
      const load = snapshot.worker(job.workerId)?.load
      const isCovered = load?.incarnation === job.incarnation && load.observedMs + roundingMs >= job.writtenMs
      if (isCovered || nowMs - job.receivedMs >= coverMs) this.#settle(job)
    }
  }

  #settle(job: Settling): void {
    this.#settling.delete(settlingKey(job))
    for (const reservation of this.#book.settle(job.workerId, job.jobId, job.incarnation, job.begunMs)) {
      this.#ended(reservation, ReservationEnd.settled)
    }
  }

  #resolve(): void {
    for (const { reservation, conflict } of this.#book.resolve().refused) {
      this.#ended(reservation, ReservationEnd.refused, conflict)
    }
  }

  #maintain(): void {
    if (this.#settling.size > 0) this.#settleCovered()
    this.#expire()
  }

  #expire(): void {
    if (this.#book.size === 0) return
    const nowMs = this.#view.participant.clock.nowMs()
    for (const reservation of this.#book.expire(this.#view.snapshot(), nowMs)) {
      this.#ended(reservation, ReservationEnd.expired)
    }
  }

  /** Tells the other schedulers and the listeners of the end of a reservation of this process. */
  #ended(reservation: Reservation, how: ReservationEnd, refusal: ReservationConflict | null = null): void {
    const { participant } = this.#view
    // Its job has begun, and the row of the worker does not cover it yet: it is not to be placed again.
    const hasBegun = how !== ReservationEnd.released && this.#settling.has(settlingKey(reservation))
    const [end, conflict] = hasBegun ? [ReservationEnd.settled, null] : [how, refusal]
    if (reservation.scheduler !== participant.guid) return
    if (this.#book.has(reservation.reservationId)) return
    try {
      this.#writer.dispose(reservation.reservationId)
    } catch (error) {
      // The participant's owner has closed it.
      participant.counters.addError('reservations.publish-failed', error)
    }
    this.#ends.emit({ reservation, end, conflict })
  }
}

function settlingKey({
  workerId,
  incarnation,
  jobId,
}: Pick<JobLifecycle, 'workerId' | 'incarnation' | 'jobId'>): string {
  return keyFrom([workerId, String(incarnation), jobId])
}
