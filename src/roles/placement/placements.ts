import { raceSignal } from '../../core/abort.js'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { fnv1a64 } from '../../core/fnv.js'
import { randomHex } from '../../core/random-hex.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { Fallback } from '../../placement/rank/place.js'
import { rank } from '../../placement/rank/rank.js'
import type { Candidate, Ranking } from '../../placement/rank/ranking.js'
import {
  type PlacementRequest,
  type ResolvedRequest,
  resolveRequest,
} from '../../placement/request/placement-request.js'
import type { Reservation } from '../../placement/reservations/reservation.js'
import type { FleetView } from '../../views/fleet-view.js'
import { OfferClient } from './offer-client.js'
import { type PlaceOptions, type ResolvedPlaceOptions, resolvePlaceOptions } from './place-options.js'
import type { PassedOver, PlacedJob, PlaceResult } from './placed-job.js'
import { type EndedReservation, ReservationEnd, SharedReservations } from './shared-reservations.js'

/**
 * Places jobs: ranks the fleet, reserves at the best worker, offers the job if that worker is reactive, and goes on with
 * the next one when it declines, does not answer or dies. The job itself is the caller's to send.
 */
export class Placements implements Disposable {
  readonly reservations: SharedReservations
  readonly #view: FleetView
  readonly #offers: OfferClient
  readonly #ends: Subscription
  readonly #placed = new Map<string, AbortController>()
  readonly #synced: Promise<void>
  /** Decisions so far: candidates of equal score take turns by it. Each dispatcher begins elsewhere. */
  #turn: number
  #closed = false

  /** Borrows the view and its participant; closing leaves both open. */
  constructor(view: FleetView) {
    this.#view = view
    this.reservations = new SharedReservations(view)
    this.#offers = new OfferClient(view.participant, this.reservations)
    this.#ends = this.reservations.onEnd((ended) => this.#reservationEnded(ended))
    this.#turn = Number(fnv1a64(view.participant.guid) % 65_536n)
    this.#synced = this.reservations.synced()
    // Each caller of `place` gets the error. Without a caller it is no unhandled rejection.
    this.#synced.catch(() => {})
  }

  /**
   * Finds a worker for a job and holds what the job needs there. Begins once the reservations of the other schedulers
   * have arrived.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; NUMACAST_LIMIT when too many reservations are held; NUMACAST_CLOSED;
   *   the signal's reason when it aborts
   */
  async place(request: PlacementRequest, options: PlaceOptions = {}): Promise<PlaceResult> {
    const resolved = resolveRequest(request)
    const { jobId = `job-${randomHex(8)}`, ...rest } = resolvePlaceOptions(options)
    rest.signal?.throwIfAborted()
    await raceSignal(this.#synced, rest.signal)
    const passedOver: PassedOver[] = []
    const tried = new Set<string>()
    // All attempts at one job are one turn.
    const turn = this.#turn++
    while (tried.size < rest.maxAttempts) {
      rest.signal?.throwIfAborted()
      if (this.#closed)
        throw new NumacastError('NUMACAST_CLOSED', `the placements were closed before job ${jobId} had a worker`)
      const ranking = this.#rank(resolved, rest.rank, turn)
      const candidate = firstUntried(ranking, tried)
      if (candidate === undefined) return noWorker(ranking, passedOver, rest.fallback)
      tried.add(candidate.workerId)
      const reservation = this.reservations.reserve(ranking, candidate, { jobId, ttlMs: rest.ttlMs })
      if (candidate.row.profile?.admission.kind !== 'reactive') {
        return this.#placedJob(reservation, candidate, passedOver)
      }
      const outcome = await this.#offer(resolved, reservation, rest)
      if (outcome === undefined) return this.#placedJob(reservation, candidate, passedOver)
      passedOver.push(outcome)
    }
    return noWorker(this.#rank(resolved, rest.rank, turn), passedOver, rest.fallback)
  }

  /** Ranks the present snapshot; what all schedulers have reserved is taken off. */
  rank(request: ResolvedRequest, options: PlaceOptions['rank'] = {}): Ranking {
    return this.#rank(request, options, this.#turn++)
  }

  #rank(request: ResolvedRequest, options: PlaceOptions['rank'], turn: number): Ranking {
    return rank(this.#view.snapshot(), request, {
      ties: request.strategy === 'random' ? { kind: 'random', seed: turn, share: 0.2 } : { kind: 'round-robin', turn },
      ...options,
      nowMs: this.#view.participant.clock.nowMs(),
      reserved: this.reservations.totals(),
      explain: false,
    })
  }

  /** Idempotent. Offers are withdrawn; reservations hold until their time to live ends. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeEach([() => this.#ends.close(), () => this.#offers.close(), () => this.reservations.close()])
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Returns why the worker does not take the job; undefined if it claims it. */
  async #offer(
    request: ResolvedRequest,
    { reservationId, workerId, incarnation, jobId, cpus, memoryBytes, ttlMs }: Reservation,
    { offerTimeoutMs, labels, signal }: ResolvedPlaceOptions,
  ): Promise<PassedOver | undefined> {
    const { capability, queue, vramBytes } = request
    const offer = {
      ...{ offerId: reservationId, workerId, incarnation, jobId, queue: queue ?? '', capability },
      ...{ cpus, memoryBytes, vramBytes, labels: { ...labels }, ttlMs },
    }
    let isClaimed = false
    try {
      const outcome = await this.#offers.offer(offer, offerTimeoutMs, signal)
      if (outcome.outcome !== 'claimed') return { workerId, ...outcome }
      // The answer and the end of the reservation may come in one turn.
      isClaimed = this.reservations.has(reservationId)
      return isClaimed ? undefined : { workerId, outcome: 'lost', reason: 'the reservation has ended' }
    } finally {
      if (!isClaimed) this.reservations.release(reservationId)
    }
  }

  #placedJob(reservation: Reservation, candidate: Candidate, passedOver: readonly PassedOver[]): PlacedJob {
    const { reservationId, jobId, workerId, incarnation } = reservation
    const placed = new AbortController()
    this.#placed.set(reservationId, placed)
    return {
      ...{ kind: 'worker' as const, jobId, workerId, incarnation, candidate, reservation, passedOver },
      signal: placed.signal,
      release: () => void this.reservations.release(reservationId),
    }
  }

  #reservationEnded({ reservation, end, conflict }: EndedReservation): void {
    const { reservationId, workerId, jobId, ttlMs } = reservation
    const placed = this.#placed.get(reservationId)
    this.#placed.delete(reservationId)
    if (placed === undefined || end === ReservationEnd.settled || end === ReservationEnd.released) return
    const why =
      end === ReservationEnd.refused
        ? `another scheduler's reservation came first, and there is too little left (${conflict})`
        : `the worker has ended, or has not begun it within ${ttlMs} ms`
    placed.abort(
      new NumacastError('NUMACAST_UNAVAILABLE', `job ${jobId} is not placed at ${workerId} any more: ${why}`),
    )
  }
}

function firstUntried(ranking: Ranking, tried: ReadonlySet<string>): Candidate | undefined {
  if (tried.size === 0) return ranking.best
  for (const candidate of ranking.candidates()) if (!tried.has(candidate.workerId)) return candidate
  return undefined
}

function noWorker(ranking: Ranking, passedOver: readonly PassedOver[], fallback: Fallback): PlaceResult {
  const refusals = ranking.refusedByReason()
  if (fallback === Fallback.self) return { kind: 'self', refusals, passedOver }
  return { kind: 'none', retryAfterMs: retryAfterMs(ranking, passedOver), refusals, passedOver }
}

/** A worker that has declined may be asked again at the time that it names, or after the ranking's own time. */
function retryAfterMs({ size, retryAfterMs: ranked }: Ranking, passedOver: readonly PassedOver[]): number | null {
  const waits = passedOver.map((passed) => (passed.outcome === 'declined' ? (passed.retryAfterMs ?? 1_000) : 1_000))
  if (size === 0 && ranked !== null) waits.push(ranked)
  return waits.length === 0 ? null : Math.min(...waits)
}
