import type { Liveliness, LivelinessCause, VerdictEvidence } from '../../liveliness/verdict.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import type { Transition } from '../../plane/intents/transitions.js'
import type { WorkerTotals } from '../../plane/node/node-capacity.js'
import type { SchedulerState } from '../../plane/scheduler/scheduler-state.js'
import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'
import type { PublishedProfile } from '../../plane/worker/worker-profile.js'
import type { AppliedIntent, WorkerCondition } from '../../plane/worker/worker-state.js'
import type { ReadWitness } from '../freshness/read-witness.js'
import type { ViewConsistency } from './view-consistency.js'

/** Everything a fleet view knows, as plain data: what `numacast status --json` prints. Ages are in milliseconds. */
export interface StatusDocument {
  readonly domain: number
  readonly nodes: readonly NodeStatus[]
  readonly workers: readonly WorkerStatus[]
  readonly intents: readonly IntentReport[]
  /** What each scheduler decides by, and what it withholds. */
  readonly schedulers: readonly SchedulerState[]
  readonly witness: ViewConsistency
  /** What can be claimed of this document; a read states the same of its answer. */
  readonly serving: ReadWitness
}

/** One NUMA node of one host. `null`: not limited, or could not be read. */
export interface NodeStatus {
  /** Identifies the host; its name is for display. */
  readonly bootId: string
  readonly host: string
  readonly numaNode: number
  readonly cpus: number
  readonly memoryTotalBytes: number
  readonly memoryAvailableBytes: number
  readonly memoryLimitBytes: number | null
  /** What that limit still allows; null also where there is none. */
  readonly memoryHeadroomBytes: number | null
  readonly cpuQuotaCores: number | null
  /** Null where the node's idle time cannot be read. */
  readonly cpuHeadroomCores: number | null
  readonly memoryPressurePercent: number | null
  readonly cpuPressurePercent: number | null
  readonly memoryPressureAvg60Percent: number | null
  readonly cpuPressureAvg60Percent: number | null
  readonly workers: WorkerTotals
  /** The process that serves the node. */
  readonly collector: {
    readonly pid: number
    readonly liveliness: Liveliness
    readonly cause: LivelinessCause | null
    /** How long the liveliness has lasted, as far as this view has seen it. */
    readonly livelinessForMs: number
    /** It stands in for the node's own collector. */
    readonly adopted: boolean
    /** Live workers whose end the kernel does not report to it: their processes cannot be watched. */
    readonly unwatchedWorkers: number
  }
  /** Since its collector measured it. */
  readonly ageMs: number
}

export interface WorkerStatus {
  readonly workerId: string
  /** Identifies the host; its name is for display. */
  readonly bootId: string
  readonly host: string
  readonly numaNode: number
  readonly pid: number
  readonly incarnation: number
  readonly state: WorkerCondition
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause | null
  readonly detail: string | null
  /** What the liveliness rests on. */
  readonly evidence: VerdictEvidence
  /** How long the liveliness has lasted. */
  readonly livelinessForMs: number
  /** How much longer a worker that came back does not count as reliable; 0 otherwise. */
  readonly probationMs: number
  readonly inFlight: number
  readonly concurrency: number
  readonly jobsCompleted: number
  readonly jobsFailed: number
  readonly admissionOpen: boolean
  readonly admissionReason: string | null
  readonly appliedIntents: readonly AppliedIntent[]
  readonly eventLoopUtilization: number | null
  /** What it may still allocate before a limit of its cgroups, or the host's memory, is used up. */
  readonly memoryHeadroomBytes: number | null
  /** What it offers and holds; null while that has not arrived. */
  readonly profile: ProfileStatus | null
  /** What its process may still use; null while that has not arrived. */
  readonly capacity: CapacityStatus | null
  /** Since that was measured; null without a measurement. */
  readonly capacityAgeMs: number | null
  /** Since the worker's last report. */
  readonly ageMs: number
}

/** What a worker publishes of itself and rarely changes. */
export type ProfileStatus = Readonly<Omit<PublishedProfile, 'workerId' | 'incarnation'>>

/** What a worker measures of its process. */
export type CapacityStatus = Readonly<Omit<WorkerCapacity, 'workerId' | 'incarnation' | 'numaNode'>>

/** An intent that holds or held recently, with what each worker reported on it. */
export interface IntentReport {
  readonly intentId: string
  readonly kind: IntentKind
  readonly target: string
  readonly action: 'apply' | 'lift'
  readonly issuer: string
  readonly epoch: number
  readonly reason: string
  /** Whether it is in force for its target. */
  readonly holds: boolean
  readonly ageMs: number
  readonly expiresInMs: number
  readonly statuses: readonly {
    readonly workerId: string
    readonly transition: Transition
    readonly reason: string | null
  }[]
}
