import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { type ZoneRoom, type ZoneRow, zoneDistance } from '../../views/snapshot/zone-row.js'
import type { ReservedTotals } from './reserved-totals.js'

/** A zone about which something is known, and what of it is free, reservations taken off. */
export interface KnownZone {
  readonly slot: number
  readonly row: ZoneRow
  readonly room: ZoneRoom
}

/** What is free of a zone, reservations taken off; undefined where nothing is known of it. */
export function roomOf(
  snapshot: PlacementSnapshot,
  slot: number,
  reserved: ReservedTotals | undefined,
): ZoneRoom | undefined {
  const entry = snapshot.zones[slot]
  const room = entry?.room
  if (entry === undefined || room === null || room === undefined) return undefined
  const taken = reserved === undefined || reserved.zones.size === 0 ? undefined : reserved.zones.get(entry.target)
  if (taken === undefined) return room
  return {
    ...room,
    freeCpus: Math.max(0, room.freeCpus - taken.cpus),
    freeMemoryBytes: Math.max(0, room.freeMemoryBytes - taken.memoryBytes),
  }
}

/** The zones of a host about which something is known. */
export function knownZones(
  snapshot: PlacementSnapshot,
  bootId: string,
  reserved: ReservedTotals | undefined,
): readonly KnownZone[] {
  return snapshot.zonesOf(bootId).flatMap(({ slot, row }) => {
    const room = roomOf(snapshot, slot, reserved)
    return row === null || room === undefined ? [] : [{ slot, row, room }]
  })
}

/** What of a request one zone is to give. */
export interface ZoneShare {
  readonly zone: KnownZone
  readonly cpus: number
  readonly memoryBytes: number
}

/**
 * Divides a request over the zones of a host, beginning at home and going on to the nearest: each gives what it has.
 * Zones at the same distance come by how much they have free, CPU first; where that is equal too, by node id counted
 * on from `turn`, so that it is not always the lowest. Undefined when all of them together have too little.
 */
export function divide(
  home: KnownZone,
  zones: readonly KnownZone[],
  request: { readonly cpus: number; readonly memoryBytes: number },
  turn: number,
): readonly ZoneShare[] | undefined {
  const others = zones.filter((zone) => zone.slot !== home.slot)
  const shares: ZoneShare[] = []
  let missingCpus = request.cpus
  let missingBytes = request.memoryBytes
  for (const zone of [home, ...others.sort((a, b) => compareZones(home, a, b, zones.length, turn))]) {
    const cpus = Math.min(missingCpus, zone.room.freeCpus)
    const memoryBytes = Math.min(missingBytes, zone.room.freeMemoryBytes)
    if (cpus > 0 || memoryBytes > 0) shares.push({ zone, cpus, memoryBytes })
    missingCpus -= cpus
    missingBytes -= memoryBytes
    if (missingCpus <= 0 && missingBytes <= 0) return shares
  }
  return undefined
}

function compareZones(home: KnownZone, a: KnownZone, b: KnownZone, count: number, turn: number): number {
  const place = ({ row }: KnownZone): number => (((row.numaNode - turn) % count) + count) % count
  return (
    zoneDistance(home.row, a.row.numaNode) - zoneDistance(home.row, b.row.numaNode) ||
    b.room.freeCpus - a.room.freeCpus ||
    b.room.freeMemoryBytes - a.room.freeMemoryBytes ||
    place(a) - place(b) ||
    a.row.numaNode - b.row.numaNode
  )
}
