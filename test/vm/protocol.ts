// What the guest says to the host: one JSON object per line on the second serial port. `reading` is the addon's word,
// everything else was found out without it.
import type { Headroom } from '../../src/topology/model/cgroup-headroom.js'
import type { Topology } from '../../src/topology/model/numa-topology.js'
import type { NodePlacement, PlacementResult } from '../../src/topology/numa/placement.js'
import type { ProcessExit } from '../../src/topology/process/process-watch.js'
import type { StatusDocument } from '../../src/views/status-document.js'

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
  /** What `numactl -H` printed. */
  readonly numactl: string
  /** 2 MiB pages that were set aside on each node, as the kernel answered. */
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
  /** What as many busy loops as could be used got, in CPUs. */
  readonly achievedCpus: number
  readonly expectedQuotaCpus: number | null
}

export interface MemoryMeasurement {
  readonly title: string
  readonly reading: Pick<Headroom, 'layout' | 'ancestorsVisible' | 'memory' | 'warnings'>
  /** The lowest limit, and the last name of the directory that has it. */
  readonly lowest: { readonly limitBytes: number; readonly level: string }
  /** File pages that the process read twice, and so are active. */
  readonly activeFileBytes: number
  /** What could be touched after the reading, until the kernel ended the process. */
  readonly touchedBytes: number
  readonly endedBy: string
  /** OOM kills that the addon counts in the group afterwards; one is true. */
  readonly oomKillsRead: number | null
  /** OOM kills that the events watch told of; `null` where the layout has no events file. */
  readonly oomKillsWatched: number | null
}

/** Lists as `/proc/<pid>/status` prints them. */
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
  /** Distinct limits that the sampler reported, in order; the last when it had arrived or time was up. */
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
  /** How many it was told to run. */
  readonly workers: number
  /** The last look at each process of the plane that runs for one node. */
  readonly processes: readonly {
    readonly role: string
    readonly nodeId: number
    readonly pid: number
    readonly threadLists: readonly string[]
  }[]
}

/** What the scheduler was told of a worker. */
export interface LivelinessSighting {
  readonly workerId: string
  readonly liveliness: string
  readonly cause: string | null
  readonly detail: string | null
}

export interface OutOfMemoryMeasurement {
  readonly title: string
  readonly workerId: string
  /** From its joining on. */
  readonly sightings: readonly LivelinessSighting[]
  /** By how many `/proc/vmstat` counted more meanwhile. */
  readonly oomKills: number
}

export interface WallClockMeasurement {
  readonly phases: readonly WallClockPhase[]
  /** What somebody found who joined when the clock was an hour behind. */
  readonly late: {
    readonly nodes: number
    /** Of the workers that it saw, those that are alive. */
    readonly alive: readonly string[]
    /** How much longer the intent holds that was issued before everything else, and how much longer it should. */
    readonly expiresInMs: number | null
    readonly shouldExpireInMs: number
  }
}

/** The clock is stepped, and what the scheduler sees from then on, until all that was awaited has come. */
export interface WallClockPhase {
  readonly round: number
  /** 0: nothing was done to the clock, to know what a machine as busy as this one shows without. */
  readonly hours: number
  /** By how much the wall clock ran ahead of the monotonic one meanwhile. */
  readonly steppedMs: number
  /** All that were started by then. */
  readonly workerIds: readonly string[]
  readonly sightings: readonly LivelinessSighting[]
  /** Over all looks at all workers and nodes, and how long the machine has been running. */
  readonly ages: { readonly leastMs: number; readonly mostMs: number }
  readonly longestLivelinessMs: number
  readonly uptimeMs: number
  /** Workers that have completed a job since. */
  readonly working: readonly string[]
  /** An intent that was in force when the clock was stepped, and how long each held to it. */
  readonly ttlMs: number
  readonly heldMs: Readonly<Record<string, number>>
  /** Who still holds to the one that was issued before everything else. */
  readonly stillHeldBy: readonly string[]
}
