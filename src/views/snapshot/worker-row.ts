import type { Liveliness } from '../../liveliness/verdict.js'
import type { Taint } from '../../plane/vocabulary/taint.js'
import type { AdmissionStrategy } from '../../plane/worker/worker-profile.js'
import type { WorkerCondition } from '../../plane/worker/worker-state.js'

/** What a worker publishes of itself and rarely changes (`worker.profile`). */
export interface WorkerProfile {
  readonly incarnation: number
  /** Each `kind@version`. */
  readonly capabilities: readonly string[]
  /** Each `key=value`, or a bare name. */
  readonly tags: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Readonly<Taint>[]
  /** Queues that it takes from; empty: any. */
  readonly queues: readonly string[]
  readonly admission: AdmissionStrategy
  /** Models and caches that it holds loaded. */
  readonly residents: readonly string[]
  /** Shards whose data it holds. */
  readonly shards: readonly string[]
  /** Whether it runs on the CPUs and in the memory of its own NUMA node only. */
  readonly numaBound: boolean
}

/** What changes with every job: the roster's row, with ages turned into moments of this process's monotonic clock. */
export interface WorkerLoad {
  readonly incarnation: number
  /** Of its host's kernel: it identifies the host. */
  readonly bootId: string
  /** The host's name, for people. */
  readonly host: string
  readonly numaNode: number
  readonly liveliness: Liveliness
  /** When its probation ends; null while it is not alive, or when it is not on probation. */
  readonly reliableFromMs: number | null
  readonly condition: WorkerCondition
  readonly inFlight: number
  /** Jobs that it takes at once. */
  readonly concurrency: number
  /** Jobs in flight by queue; null where that is not known. */
  readonly inFlightByQueue: Readonly<Record<string, number>> | null
  readonly vramUsedBytes: number
  /** A reactive worker's own estimate of what it can still take, 0 … 1; null where it gives none. */
  readonly capacityScore: number | null
  readonly admissionOpen: boolean
  readonly admissionReason: string | null
  /** When the worker wrote what this rests on. */
  readonly observedMs: number
}

/** What a worker's process may still use (`worker.capacity`). `null`: not limited, or could not be read. */
export interface WorkerHeadroom {
  readonly incarnation: number
  readonly cpuQuotaCores: number | null
  readonly cpuUsedCores: number
  readonly memoryLimitBytes: number | null
  readonly memoryHeadroomBytes: number | null
  /** Over ten seconds. */
  readonly memoryPressurePercent: number | null
  readonly cpuPressurePercent: number | null
  /** Over a minute. */
  readonly memoryPressureAvg60Percent: number | null
  readonly cpuPressureAvg60Percent: number | null
  /** Share of the scheduling periods in which its quota stopped it. */
  readonly cpuThrottledPercent: number | null
  readonly eventLoopUtilization: number | null
  readonly observedMs: number
}

/** All that is known of one worker. Parts of another incarnation than `load`'s are left out. */
export interface WorkerRow {
  readonly workerId: string
  readonly load: WorkerLoad
  readonly profile: WorkerProfile | null
  readonly headroom: WorkerHeadroom | null
}

/** Stands for a worker's profile while none is known. Such a worker is never a candidate. */
export const emptyProfile: WorkerProfile = Object.freeze({
  incarnation: 0,
  capabilities: [],
  tags: [],
  labels: {},
  taints: [],
  queues: [],
  admission: Object.freeze({ kind: 'fixed' as const }),
  residents: [],
  shards: [],
  numaBound: false,
})
