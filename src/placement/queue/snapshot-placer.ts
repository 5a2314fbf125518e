import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { Fallback, place } from '../rank/place.js'
import { rank } from '../rank/rank.js'
import type { RankOptions } from '../rank/rank-options.js'
import type { Candidate } from '../rank/ranking.js'
import type { Reservation } from '../reservations/reservation.js'
import type { ReservationBook } from '../reservations/reservation-book.js'
import type { PlacementOutcome, Placer, RequestReport } from './queued-request.js'

/** Where a request is to run, and what is held for it there. */
export type ReservedPlacement =
  | { readonly kind: 'worker'; readonly candidate: Candidate; readonly reservation: Reservation }
  | { readonly kind: 'self' }

export interface SnapshotPlacerComponents {
  /** The fleet as it is now. */
  readonly fleet: { snapshot(): PlacementSnapshot }
  readonly reservations: ReservationBook
}

export interface SnapshotPlacerOptions {
  /** How workers are ranked; the placer adds the time, the turn and the reservations. */
  readonly rank?: Omit<RankOptions, 'nowMs' | 'reserved' | 'explain'>
  /** @default 'none' */
  readonly fallback?: Fallback
  /** How long a reservation holds at most. @default 10000 */
  readonly reservationTtlMs?: number
}

/** Ranks the present snapshot for each request and reserves the best candidate. */
export class SnapshotPlacer implements Placer<ReservedPlacement> {
  readonly #components: SnapshotPlacerComponents
  readonly #options: SnapshotPlacerOptions
  /** Decisions so far: candidates of equal score take turns by it. */
  #turn = 0

  constructor(components: SnapshotPlacerComponents, options: SnapshotPlacerOptions = {}) {
    this.#components = components
    this.#options = options
  }

  place({ requestId, request }: RequestReport<ReservedPlacement>, nowMs: number): PlacementOutcome<ReservedPlacement> {
    const { fleet, reservations } = this.#components
    const { fallback = Fallback.none, reservationTtlMs } = this.#options
    const turn = this.#turn++
    const ranking = rank(fleet.snapshot(), request, {
      ties: request.strategy === 'random' ? { kind: 'random', seed: turn, share: 0.2 } : { kind: 'round-robin', turn },
      ...this.#options.rank,
      nowMs,
      reserved: reservations.totals(),
      explain: false,
    })
    const placement = place(ranking, fallback)
    if (placement.kind === 'none')
      return { placed: false, retryAfterMs: placement.retryAfterMs, refusals: placement.refusals }
    if (placement.kind === 'self') return { placed: true, placement: { kind: 'self' } }
    const { candidate } = placement
    const reservation = reservations.reserve(ranking, candidate, {
      jobId: requestId,
      nowMs,
      ...(reservationTtlMs !== undefined && { ttlMs: reservationTtlMs }),
    })
    return { placed: true, placement: { kind: 'worker', candidate, reservation } }
  }
}
