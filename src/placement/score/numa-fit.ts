import type { ZoneRoom } from '../../views/snapshot/zone-row.js'

/**
 * Scores the zones that a request would use: closeness · (1 + room) / 2.
 *
 * `closeness` is 10 ÷ the mean SLIT distance from the worker's own zone to the zones used, so 1 when it is that zone
 * alone, and less the farther they lie; half of that where several zones are used although one is preferred. `room`
 * is the smallest share of a resource that any of the zones would have left.
 */
export function numaFit(closeness: number, room: number): number {
  return (closeness * (1 + room)) / 2
}

/** The closeness of zones at these distances from home. */
export function closenessOf(distances: readonly number[], prefersSingle: boolean): number {
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length
  return (10 / mean) * (prefersSingle && distances.length > 1 ? 0.5 : 1)
}

/** The smaller share of CPU and memory, 0 … 1, that a zone has left once it has given this. */
export function roomLeft(room: ZoneRoom, cpus: number, memoryBytes: number): number {
  const cpuLeft = room.cpus > 0 ? (room.freeCpus - cpus) / room.cpus : 1
  const memoryLeft = room.memoryBytes > 0 ? (room.freeMemoryBytes - memoryBytes) / room.memoryBytes : 1
  return Math.min(1, Math.max(0, Math.min(cpuLeft, memoryLeft)))
}
