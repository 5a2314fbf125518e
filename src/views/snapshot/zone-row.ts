import type { Liveliness } from '../../liveliness/verdict.js'

/** One NUMA node of one host, as its collector measures it. `null`: not limited, or could not be read. */
export interface ZoneRow {
  /** Of its host's kernel: it identifies the host. */
  readonly bootId: string
  /** The host's name, for people. */
  readonly host: string
  readonly numaNode: number
  readonly cpus: number
  readonly memoryTotalBytes: number
  readonly memoryAvailableBytes: number
  /** SLIT distances by node id, 10 being local; null where the machine does not tell. */
  readonly distances: Readonly<Record<string, number>> | null
  readonly memoryLimitBytes: number | null
  readonly memoryHeadroomBytes: number | null
  readonly cpuQuotaCores: number | null
  /** Cores that stood idle; null where that cannot be read, which is not the same as none. */
  readonly cpuHeadroomCores: number | null
  /** Pressure stall information, `some avg10`. */
  readonly memoryPressurePercent: number | null
  readonly cpuPressurePercent: number | null
  /** `some avg60`. */
  readonly memoryPressureAvg60Percent: number | null
  readonly cpuPressureAvg60Percent: number | null
  /** Liveliness of the participant that serves the zone; a stand-in counts. */
  readonly collectorLiveliness: Liveliness
  /** When its collector measured it, on this process's monotonic clock. */
  readonly observedMs: number
}

/** The cores that a zone has: its CPUs, or the quota where that is less. */
export function zoneCpus({ cpus, cpuQuotaCores }: ZoneRow): number {
  return cpuQuotaCores === null ? cpus : Math.min(cpus, cpuQuotaCores)
}

/** The memory that a zone has: all of it, or the limit where that is less. */
export function zoneMemoryBytes({ memoryTotalBytes, memoryLimitBytes }: ZoneRow): number {
  return memoryLimitBytes === null ? memoryTotalBytes : Math.min(memoryTotalBytes, memoryLimitBytes)
}

/** The memory that a zone can still give: what is available, or the limit's headroom where that is less. */
export function zoneMemoryFreeBytes({ memoryAvailableBytes, memoryHeadroomBytes }: ZoneRow): number {
  return memoryHeadroomBytes === null ? memoryAvailableBytes : Math.min(memoryAvailableBytes, memoryHeadroomBytes)
}

/** The SLIT distance between two nodes of a host: 10 within a node, 20 where the machine does not tell. */
export function zoneDistance(from: ZoneRow, toNode: number): number {
  if (from.numaNode === toNode) return 10
  return from.distances?.[String(toNode)] ?? 20
}

/** What a zone has and what of it is free. */
export interface ZoneRoom {
  /** Where this is false, `cpus` and `freeCpus` are 0: there may be CPUs, and nothing is known of their use. */
  readonly isCpuKnown: boolean
  readonly cpus: number
  readonly freeCpus: number
  readonly memoryBytes: number
  readonly freeMemoryBytes: number
}

export function zoneRoom(row: ZoneRow): ZoneRoom {
  const isCpuKnown = row.cpuHeadroomCores !== null
  return {
    isCpuKnown,
    cpus: isCpuKnown ? zoneCpus(row) : 0,
    freeCpus: row.cpuHeadroomCores ?? 0,
    memoryBytes: zoneMemoryBytes(row),
    freeMemoryBytes: zoneMemoryFreeBytes(row),
  }
}
