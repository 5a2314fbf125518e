import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { WorkerRow } from '../../views/snapshot/worker-row.js'
import type { ZoneUse } from '../rank/zone-verdicts.js'
import type { FreeAmounts, ReservedZone } from './reservation.js'

/** What a worker has free by its own row. */
export function freeAmounts({ load, profile, headroom }: WorkerRow): FreeAmounts {
  const admission = profile?.admission
  const quota = headroom?.cpuQuotaCores ?? null
  return {
    jobs: admission?.kind === 'reactive' ? null : Math.max(0, load.concurrency - load.inFlight),
    cpus: quota === null ? null : Math.max(0, quota - (headroom?.cpuUsedCores ?? 0)),
    memoryBytes: headroom?.memoryHeadroomBytes ?? null,
    vramBytes: admission?.kind === 'vram-budget' ? Math.max(0, admission.vramBudgetBytes - load.vramUsedBytes) : null,
  }
}

/** What the zones give, and what they have free by their collectors' rows. */
export function reservedZones(
  snapshot: PlacementSnapshot,
  bootId: string,
  zones: readonly ZoneUse[],
): readonly ReservedZone[] {
  return zones.map(({ numaNode, cpus, memoryBytes }) => {
    const room = snapshot.zone(bootId, numaNode)?.room
    return { numaNode, cpus, memoryBytes, freeCpus: room?.freeCpus ?? 0, freeMemoryBytes: room?.freeMemoryBytes ?? 0 }
  })
}
