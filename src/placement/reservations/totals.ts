import { nodeTarget } from '../../plane/targets.js'
import type { ReservedAtWorker, ReservedInZone, ReservedTotals } from '../fit/reserved-totals.js'
import type { Reservation } from './reservation.js'

/** Adds reservations up, by worker and by zone. Those of an incarnation that a later one has replaced do not count. */
export function totalsOf(reservations: Iterable<Reservation>): ReservedTotals {
  const workers = new Map<string, ReservedAtWorker>()
  const zones = new Map<string, ReservedInZone>()
  for (const reservation of reservations) {
    const { workerId, incarnation, cpus, memoryBytes, vramBytes, bootId } = reservation
    const known = workers.get(workerId)
    if (known === undefined || known.incarnation < incarnation) {
      workers.set(workerId, { incarnation, jobs: 1, cpus, memoryBytes, vramBytes })
    } else if (known.incarnation === incarnation) {
      workers.set(workerId, {
        incarnation,
        jobs: known.jobs + 1,
        cpus: known.cpus + cpus,
        memoryBytes: known.memoryBytes + memoryBytes,
        vramBytes: known.vramBytes + vramBytes,
      })
    }
    for (const zone of reservation.zones) {
      const target = nodeTarget({ bootId, numaNode: zone.numaNode })
      const before = zones.get(target) ?? { cpus: 0, memoryBytes: 0 }
      zones.set(target, { cpus: before.cpus + zone.cpus, memoryBytes: before.memoryBytes + zone.memoryBytes })
    }
  }
  return { workers, zones }
}
