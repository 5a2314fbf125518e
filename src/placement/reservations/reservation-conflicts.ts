import { workerProcessKey } from '../../plane/vocabulary/keys.js'
import { nodeTarget } from '../../plane/vocabulary/targets.js'
import { compareReservations, type Reservation, type ReservedZone } from './reservation.js'

/** Why a reservation does not hold beside those before it. */
export const ReservationConflict = {
  /** The worker runs no more jobs at once. */
  jobs: 'jobs',
  /** The worker's budget of device memory is used up. */
  vram: 'vram',
  /** The worker's own cgroup does not have enough CPU or memory left. */
  workerHeadroom: 'worker-headroom',
  /** A zone does not have enough CPU or memory left. */
  zoneHeadroom: 'zone-headroom',
} as const
export type ReservationConflict = (typeof ReservationConflict)[keyof typeof ReservationConflict]

export interface ReservationVerdicts {
  readonly granted: readonly Reservation[]
  readonly refused: readonly { readonly reservation: Reservation; readonly conflict: ReservationConflict }[]
}

/**
 * Decides which reservations of several schedulers hold: each in its turn, by the order of `compareReservations`, if
 * what its maker saw as free covers it after those granted before it.
 *
 * The verdicts follow from the reservations alone. So every scheduler that knows the same ones refuses the same ones,
 * in whatever order they came and however old its own snapshot is, and no scheduler needs to ask another. A
 * reservation that comes later in the order never changes the verdict on an earlier one.
 */
export function resolveConflicts(reservations: Iterable<Reservation>): ReservationVerdicts {
  const byId = new Map<string, Reservation>()
  for (const reservation of reservations) byId.set(reservation.reservationId, reservation)
  const granted: Reservation[] = []
  const refused: { reservation: Reservation; conflict: ReservationConflict }[] = []
  const grants = new Grants()
  for (const reservation of [...byId.values()].sort(compareReservations)) {
    const conflict = grants.conflictOf(reservation)
    if (conflict === undefined) {
      grants.add(reservation)
      granted.push(reservation)
    } else refused.push({ reservation, conflict })
  }
  return { granted, refused }
}

/** Sums of cores are not exact: what is over by less than this share is not over. */
const rounding = 1e-9

interface Amounts {
  jobs: number
  cpus: number
  memoryBytes: number
  vramBytes: number
}

/** Sums of what was granted. */
class Grants {
  /** By worker and incarnation. */
  readonly #workers = new Map<string, Amounts>()
  /** By the target that names the zone. */
  readonly #zones = new Map<string, Amounts>()

  conflictOf(reservation: Reservation): ReservationConflict | undefined {
    const { free, bootId, zones } = reservation
    const taken = this.#workers.get(workerProcessKey(reservation)) ?? nothing
    const exceeds = (taken: number, wanted: number, free: number | null): boolean =>
      free !== null && taken + wanted > free + rounding * (1 + free)
    if (exceeds(taken.jobs, 1, free.jobs)) return ReservationConflict.jobs
    if (exceeds(taken.vramBytes, reservation.vramBytes, free.vramBytes)) return ReservationConflict.vram
    if (
      exceeds(taken.cpus, reservation.cpus, free.cpus) ||
      exceeds(taken.memoryBytes, reservation.memoryBytes, free.memoryBytes)
    ) {
      return ReservationConflict.workerHeadroom
    }
    const isFull = (zone: ReservedZone): boolean => {
      const inZone = this.#zones.get(nodeTarget({ bootId, numaNode: zone.numaNode })) ?? nothing
      return (
        exceeds(inZone.cpus, zone.cpus, zone.freeCpus) ||
        exceeds(inZone.memoryBytes, zone.memoryBytes, zone.freeMemoryBytes)
      )
    }
    return zones.some(isFull) ? ReservationConflict.zoneHeadroom : undefined
  }

  add(reservation: Reservation): void {
    const { cpus, memoryBytes, vramBytes, bootId, zones } = reservation
    addTo(this.#workers, workerProcessKey(reservation), { jobs: 1, cpus, memoryBytes, vramBytes })
    for (const zone of zones) {
      const { cpus, memoryBytes } = zone
      addTo(this.#zones, nodeTarget({ bootId, numaNode: zone.numaNode }), { jobs: 1, cpus, memoryBytes, vramBytes: 0 })
    }
  }
}

const nothing: Readonly<Amounts> = Object.freeze({ jobs: 0, cpus: 0, memoryBytes: 0, vramBytes: 0 })

function addTo(sums: Map<string, Amounts>, key: string, amounts: Amounts): void {
  const sum = sums.get(key)
  if (sum === undefined) {
    sums.set(key, amounts)
    return
  }
  sum.jobs += amounts.jobs
  sum.cpus += amounts.cpus
  sum.memoryBytes += amounts.memoryBytes
  sum.vramBytes += amounts.vramBytes
}
