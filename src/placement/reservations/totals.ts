import { nodeTarget } from '../../plane/vocabulary/targets.js'
import type { ReservedAtWorker, ReservedInZone, ReservedTotals } from '../fit/reserved-totals.js'
import type { Reservation } from './reservation.js'

/**
 * Adds reservations up, by worker and incarnation, and by zone. Each incarnation has sums of its own: which of them a
 * worker's row shows is the view's decision, and of two live claimants it may be the lower one. A zone counts all of
 * them until they expire.
 */
export function totalsOf(reservations: Iterable<Reservation>): ReservedTotals {
  const workers = new Map<string, ReservedAtWorker[]>()
  const zones = new Map<string, ReservedInZone>()
  for (const reservation of reservations) {
    const { workerId, bootId } = reservation
    const sums = workers.get(workerId) ?? []
    workers.set(workerId, sums)
    addTo(sums, reservation)
    for (const zone of reservation.zones) {
      const target = nodeTarget({ bootId, numaNode: zone.numaNode })
      const before = zones.get(target) ?? { cpus: 0, memoryBytes: 0 }
      zones.set(target, { cpus: before.cpus + zone.cpus, memoryBytes: before.memoryBytes + zone.memoryBytes })
    }
  }
  return { workers, zones }
}

function addTo(sums: ReservedAtWorker[], { incarnation, cpus, memoryBytes, vramBytes }: Reservation): void {
  const at = sums.findIndex((sum) => sum.incarnation === incarnation)
  const known = sums[at]
  if (known === undefined) {
    sums.push({ incarnation, jobs: 1, cpus, memoryBytes, vramBytes })
    return
  }
  sums[at] = {
    incarnation,
    jobs: known.jobs + 1,
    cpus: known.cpus + cpus,
    memoryBytes: known.memoryBytes + memoryBytes,
    vramBytes: known.vramBytes + vramBytes,
  }
}
