import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import {
  type ZoneRow,
  zoneCpus,
  zoneDistance,
  zoneMemoryBytes,
  zoneMemoryFreeBytes,
} from '../../views/snapshot/zone-row.js'
import type { ReservedTotals } from './reserved-totals.js'

/** What a zone has and what of it is free, reservations taken off. */
export interface ZoneRoom {
  readonly slot: number
  readonly row: ZoneRow
  readonly cpus: number
  readonly freeCpus: number
  readonly memoryBytes: number
  readonly freeMemoryBytes: number
}

export function roomOf(
  snapshot: PlacementSnapshot,
  slot: number,
  reserved: ReservedTotals | undefined,
): ZoneRoom | undefined {
  const entry = snapshot.zones[slot]
  const row = entry?.row
  if (entry === undefined || row === null || row === undefined) return undefined
  const taken = reserved?.zones.get(entry.target)
  return {
    slot,
    row,
    cpus: zoneCpus(row),
    freeCpus: Math.max(0, row.cpuHeadroomCores - (taken?.cpus ?? 0)),
    memoryBytes: zoneMemoryBytes(row),
    freeMemoryBytes: Math.max(0, zoneMemoryFreeBytes(row) - (taken?.memoryBytes ?? 0)),
  }
}

/** What of a request one zone is to give. */
export interface ZoneShare {
  readonly room: ZoneRoom
  readonly cpus: number
  readonly memoryBytes: number
}

/**
 * Divides a request over the zones of a host, beginning at home and going on to the nearest: each gives what it has.
 * Zones at the same distance come by how much they have free, CPU first; where that is equal too, by node id counted
 * on from `turn`, so that it is not always the lowest. Undefined when all of them together have too little.
 */
export function divide(
  home: ZoneRoom,
  rooms: readonly ZoneRoom[],
  cpus: number,
  memoryBytes: number,
  turn: number,
): readonly ZoneShare[] | undefined {
  const others = rooms.filter((room) => room.slot !== home.slot)
  const shares: ZoneShare[] = []
  let missingCpus = cpus
  let missingBytes = memoryBytes
  for (const room of [home, ...others.sort((a, b) => compareRooms(home, a, b, rooms.length, turn))]) {
    const share = {
      room,
      cpus: Math.min(missingCpus, room.freeCpus),
      memoryBytes: Math.min(missingBytes, room.freeMemoryBytes),
    }
    if (share.cpus > 0 || share.memoryBytes > 0) shares.push(share)
    missingCpus -= share.cpus
    missingBytes -= share.memoryBytes
    if (missingCpus <= 0 && missingBytes <= 0) return shares
  }
  return undefined
}

function compareRooms(home: ZoneRoom, a: ZoneRoom, b: ZoneRoom, count: number, turn: number): number {
  const place = (room: ZoneRoom): number => (((room.row.numaNode - turn) % count) + count) % count
  return (
    zoneDistance(home.row, a.row.numaNode) - zoneDistance(home.row, b.row.numaNode) ||
    b.freeCpus - a.freeCpus ||
    b.freeMemoryBytes - a.freeMemoryBytes ||
    place(a) - place(b) ||
    a.row.numaNode - b.row.numaNode
  )
}
