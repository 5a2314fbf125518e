import { zoneDistance } from '../../views/snapshot/zone-row.js'
import type { ZoneRoom, ZoneShare } from '../fit/zone-room.js'

/**
 * Scores the zones that a request would use: closeness · (1 + room) / 2.
 *
 * `closeness` is 10 ÷ the mean SLIT distance from the worker's own zone to the zones used, so 1 when it is that zone
 * alone, and less the farther they lie; half of that where several zones are used although one is preferred. `room`
 * is the smallest share of a resource that any of the zones would have left.
 */
export function numaFit(home: ZoneRoom, shares: readonly ZoneShare[], prefersSingle: boolean): number {
  let distance = 0
  let room = 1
  for (const share of shares) {
    distance += zoneDistance(home.row, share.room.row.numaNode)
    room = Math.min(room, roomLeft(share))
  }
  const closeness = (10 * shares.length) / distance
  const scale = prefersSingle && shares.length > 1 ? 0.5 : 1
  return (closeness * scale * (1 + room)) / 2
}

function roomLeft({ room, cpus, memoryBytes }: ZoneShare): number {
  const cpuLeft = room.cpus > 0 ? (room.freeCpus - cpus) / room.cpus : 1
  const memoryLeft = room.memoryBytes > 0 ? (room.freeMemoryBytes - memoryBytes) / room.memoryBytes : 1
  return Math.min(1, Math.max(0, Math.min(cpuLeft, memoryLeft)))
}
