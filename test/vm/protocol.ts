// The reports from the guest to the host: one JSON object per line on the second serial port. `reading` comes from the
// addon, and everything else was measured without it.
import type { Headroom } from '../../src/topology/model/cgroup-headroom.js'
import type { Topology } from '../../src/topology/model/numa-topology.js'
import type { NodePlacement, PlacementResult } from '../../src/topology/numa/placement.js'
import type { ProcessExit } from '../../src/topology/process/process-watch.js'
import type { StatusDocument } from '../../src/views/status/status-document.js'

export interface Measurements {
  readonly topology: TopologyMeasurement
  readonly 'offline CPU': OfflineCpuMeasurement
  readonly 'CPU headroom': readonly CpuMeasurement[]
  readonly 'memory headroom': readonly MemoryMeasurement[]
  readonly cpuset: CpusetMeasurement
  readonly placement: PlacementMeasurement
  readonly migration: readonly MigrationMeasurement[]
  readonly pressure: readonly PressureMeasurement[]
  readonly 'process exit': readonly ExitMeasurement[]
  readonly plane: PlaneMeasurement
  readonly 'out of memory': readonly OutOfMemoryMeasurement[]
  readonly 'wall clock': WallClockMeasurement
}

export type MeasurementName = keyof Measurements

export type Report =
  | { readonly [N in MeasurementName]: { readonly name: N; readonly value: Measurements[N] } }[MeasurementName]
  | { readonly name: 'failure'; readonly of: string; readonly message: string }
  | { readonly name: 'end' }

export interface TopologyMeasurement {
  readonly reading: Topology
  /** The output of `numactl -H`. */
  readonly numactl: string
  /** 2 MiB pages that were reserved on each node, as reported by the kernel. */
  readonly hugepages: readonly { readonly nodeId: number; readonly total: number }[]
}

export interface OfflineCpuMeasurement {
  readonly offline: number
  /** Processors of `/proc/cpuinfo` while it was offline. */
  readonly processors: readonly number[]
  readonly reading: Topology
  readonly readingAfterwards: Topology
}

export interface CpuMeasurement {
  readonly title: string
  readonly reading: Pick<Headroom, 'layout' | 'ancestorsVisible' | 'cpu' | 'warnings'>
  /** The CPU time of busy loops on all usable CPUs, in CPUs. */
  readonly achievedCpus: number
  readonly expectedQuotaCpus: number | null
}

export interface MemoryMeasurement {
  readonly title: string
  readonly reading: Pick<Headroom, 'layout' | 'ancestorsVisible' | 'memory' | 'warnings'>
  /** The lowest limit, and the last path segment of its directory. */
  readonly lowest: { readonly limitBytes: number; readonly level: string }
  /** File pages that the process read twice, and so are active. */
  readonly activeFileBytes: number
  /** Bytes that could be touched after the reading, until the kernel ended the process. */
  readonly touchedBytes: number
  readonly endedBy: string
  /** OOM kills that the addon counts in the group afterwards. One is correct. */
  readonly oomKillsRead: number | null
  /** OOM kills that the events watch reported. `null` if the layout has no events file. */
  readonly oomKillsWatched: number | null
}

/** Lists as in `/proc/<pid>/status`. */
export interface AllowedLists {
  readonly cpus: string
  readonly mems: string
}

export interface CpusetMeasurement {
  readonly allowed: AllowedLists
  readonly reading: Pick<Headroom, 'cpuset' | 'warnings'>
  readonly effectiveCpus: number | null
  /** Of a process inside. */
  readonly allowedNodes: readonly { readonly id: number; readonly allowed: boolean | null }[]
}

export interface PlacementMeasurement {
  readonly pins: readonly {
    readonly nodeId: number
    readonly result: NodePlacement
    readonly currentCpu: number | null
    readonly currentNode: number | null
    readonly affinity: readonly number[] | null
    /** Field 39 of `/proc/self/stat`. */
    readonly processor: number
    /** Distinct lists over all threads of the process. */
    readonly threadLists: readonly string[]
  }[]
  readonly policies: readonly {
    readonly policy: string
    readonly nodes: readonly number[]
    readonly result: PlacementResult
    readonly bytes: number
    /** Growth of the process's pages per node, from `/proc/self/numa_maps`. */
    readonly grownByNode: Readonly<Record<string, number>>
    /** Growth of `headroom.memory.byNode` (anonymous memory). */
    readonly readByNode: Readonly<Record<string, number>>
  }[]
}

export interface MigrationMeasurement {
  readonly title: string
  readonly limitBefore: number
  readonly limitAfter: number
  /** Distinct limits that the sampler reported, in order, until the last arrived or the time was up. */
  readonly limitsRead: readonly (number | null)[]
  readonly discoveriesBefore: number
  readonly discoveriesAfter: number
}

export interface PressureMeasurement {
  readonly scope: 'system' | 'group'
  readonly status: string
  readonly stallUs: number
  readonly stalledUs: number | null
  readonly totalUs: number | null
  /** The file's total before arming, and after the event. */
  readonly totalBefore: number
  readonly totalAfter: number
}

export interface ExitMeasurement {
  readonly title: string
  readonly status: string
  readonly exit: ProcessExit | null
}

export interface PlaneMeasurement {
  readonly exitCode: number | null
  readonly stderr: string
  readonly document: StatusDocument | null
  /** Number of workers that it was asked to run. */
  readonly workers: number
  /** The last facts of each process of the plane that runs for one node. */
  readonly processes: readonly {
    readonly role: string
    readonly nodeId: number
    readonly pid: number
    readonly threadLists: readonly string[]
  }[]
}

/** A change of a worker that the scheduler received. */
export interface LivelinessSighting {
  readonly workerId: string
  readonly liveliness: string
  readonly cause: string | null
  readonly detail: string | null
}

export interface OutOfMemoryMeasurement {
  readonly title: string
  readonly workerId: string
  /** Since it joined. */
  readonly sightings: readonly LivelinessSighting[]
  /** The increase in `/proc/vmstat` meanwhile. */
  readonly oomKills: number
}

export interface WallClockMeasurement {
  readonly phases: readonly WallClockPhase[]
  /** The view of a participant that joined while the clock was an hour behind. */
  readonly late: {
    readonly nodes: number
    /** The workers that it saw alive. */
    readonly alive: readonly string[]
    /** Remaining time of the standing intent as read, and as expected. */
    readonly expiresInMs: number | null
    readonly shouldExpireInMs: number
  }
}

/** A step of the clock, and what the scheduler sees until all awaited conditions hold. */
export interface WallClockPhase {
  readonly round: number
  /** 0: the clock was unchanged, as a baseline for the load of this machine. */
  readonly hours: number
  /** The gain of the wall clock over the monotonic clock meanwhile. */
  readonly steppedMs: number
  /** All workers that were started by then. */
  readonly workerIds: readonly string[]
  readonly sightings: readonly LivelinessSighting[]
  /** Ages over all readings of all workers and nodes. */
  readonly ages: { readonly leastMs: number; readonly mostMs: number }
  readonly longestLivelinessMs: number
  readonly uptimeMs: number
  /** Workers that have completed a job since. */
  readonly working: readonly string[]
  /** Time to live of an intent in force at the step, and how long each holder kept it. */
  readonly ttlMs: number
  readonly heldMs: Readonly<Record<string, number>>
  /** The participants that still hold the standing intent. */
  readonly stillHeldBy: readonly string[]
}
