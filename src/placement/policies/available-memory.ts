import type { ZoneRow } from '../../views/snapshot/zone-row.js'

type ZoneMemory = Pick<
  ZoneRow,
  'memoryTotalBytes' | 'memoryAvailableBytes' | 'memoryLimitBytes' | 'memoryHeadroomBytes'
>

/**
 * Returns the available share, 0 to 1: of the zone's memory or of what its cgroup allows, whichever is scarcer. A zone
 * without memory is never scarce.
 */
export function availableShare(zone: ZoneMemory): number {
  const ofZone = zone.memoryTotalBytes > 0 ? zone.memoryAvailableBytes / zone.memoryTotalBytes : 1
  return Math.min(1, ofZone, shareOfLimit(zone))
}

/**
 * The headroom is never more than the machine has available, so a limit above the zone's memory counts as the zone's
 * memory: as a share of such a limit the headroom would be small on an idle machine.
 */
function shareOfLimit({ memoryTotalBytes, memoryLimitBytes, memoryHeadroomBytes }: ZoneMemory): number {
  if (memoryLimitBytes === null || memoryLimitBytes <= 0 || memoryHeadroomBytes === null) return 1
  const reachable = memoryTotalBytes > 0 ? Math.min(memoryLimitBytes, memoryTotalBytes) : memoryLimitBytes
  return memoryHeadroomBytes / reachable
}
