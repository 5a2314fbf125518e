import type { Limit } from './limit.js'
import type { ReadingWarning } from './reading-warning.js'

/** Bytes, unless the name has another unit. A figure is `null` where it could not be read or does not exist. */
export interface MemoryHeadroom {
  /** Hard limit: `memory.max`, or v1 `memory.limit_in_bytes`; the tightest on the way up. */
  readonly limit: Limit
  /** Throttling limit: `memory.high` (v2 only). */
  readonly high: Limit
  readonly currentBytes: number | null
  /** `max(0, current − inactive_file)` of the process's own cgroup. */
  readonly workingSetBytes: number | null
  /** `min` over the levels of `min(max, high) − working set`, also ≤ the host's MemAvailable; never below 0. */
  readonly safeHeadroomBytes: number | null
  /**
   * `min` over the levels of `max − (current − inactive_file − active_file − slab_reclaimable)`: what is left when
   * every clean page is dropped. Where no level has a limit, the same sum for the host.
   */
  readonly maxHeadroomBytes: number | null
  /** `MemAvailable` and `MemTotal` of `/proc/meminfo`. */
  readonly hostAvailableBytes: number | null
  readonly hostTotalBytes: number | null
  readonly swap: {
    readonly limit: Limit
    readonly currentBytes: number | null
    /** v1 limits memory and swap together. */
    readonly counts: 'swap' | 'memory+swap'
  }
  /** Counters of the process's own cgroup (`memory.events`; v1 knows `max` as failcnt and `oomKill` only). */
  readonly events: {
    readonly high: number | null
    readonly max: number | null
    readonly oom: number | null
    readonly oomKill: number | null
  }
  /** Use per NUMA node (`memory.numa_stat`). */
  readonly byNode: readonly { readonly nodeId: number; readonly anonBytes: number; readonly fileBytes: number }[]
  /** From the process's own cgroup up to the mount's root. */
  readonly levels: readonly MemoryLevel[]
}

export interface MemoryLevel {
  readonly path: string
  readonly limit: Limit
  readonly high: Limit
  readonly currentBytes: number | null
  readonly workingSetBytes: number | null
}

/** CPU in fractional CPUs, times in µs. */
export interface CpuHeadroom {
  /** `min` over the levels of quota ÷ period. */
  readonly quotaCpus: Limit
  /** `min(quota, |effective cpuset ∩ allowed affinity ∩ online|)`; `null` when there is a quota that cannot be read. */
  readonly effectiveCpus: number | null
  /** The CPUs behind {@link effectiveCpus}, ascending. */
  readonly cpus: readonly number[]
  /** CPU time that may be saved up for a burst, at the level that sets the quota. */
  readonly burstUs: number | null
  /** v2 `cpu.weight` (1–10000, default 100). */
  readonly weight: number | null
  /** v1 `cpu.shares` (default 1024). */
  readonly shares: number | null
  readonly usageUs: number | null
  readonly periods: number | null
  readonly throttledPeriods: number | null
  readonly throttledUs: number | null
  readonly levels: readonly { readonly path: string; readonly quotaCpus: Limit; readonly periodUs: number | null }[]
}

export interface PressureLine {
  /** Share of time stalled, in percent, over the last 10, 60 and 300 seconds. */
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
  readonly totalUs: number
}

export interface Pressure {
  /** Whether it is the process's cgroup's, or the whole machine's (v1 has none of its own). */
  readonly scope: 'cgroup' | 'system'
  readonly path: string
  /** Some task was stalled. */
  readonly some: PressureLine
  /** All tasks were; `null` where the kernel does not tell. */
  readonly full: PressureLine | null
}

export interface CgroupPlace {
  readonly controller: string
  readonly version: 1 | 2
  /** The process's cgroup, as `/proc/<pid>/cgroup` names it. */
  readonly cgroupPath: string
  /** The directory that stands for it. */
  readonly directory: string
  readonly mountPoint: string
  readonly ancestorsVisible: boolean | 'unknown'
}

export interface Headroom {
  /** `hybrid`: v1 controllers and a v2 mount side by side. */
  readonly layout: 'v1' | 'v2' | 'hybrid' | 'none'
  /** Whether every ancestor's limits can be seen; inside a cgroup namespace or bind mount they cannot. */
  readonly ancestorsVisible: boolean | 'unknown'
  readonly memory: MemoryHeadroom
  readonly cpu: CpuHeadroom
  /** Effective sets; `null` when unknown. */
  readonly cpuset: { readonly cpus: readonly number[] | null; readonly mems: readonly number[] | null }
  readonly pids: { readonly limit: Limit; readonly current: number | null; readonly headroom: number | null }
  readonly hugetlb: readonly {
    readonly pageBytes: number
    readonly limit: Limit
    readonly currentBytes: number | null
  }[]
  readonly pressure: { readonly cpu: Pressure | null; readonly memory: Pressure | null; readonly io: Pressure | null }
  /** Where each controller was found. */
  readonly places: readonly CgroupPlace[]
  readonly warnings: readonly ReadingWarning[]
}
