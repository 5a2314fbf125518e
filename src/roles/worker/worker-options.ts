import type { DomainOptions } from '../shared/enter-domain.js'
import type { HealthOptions, ResolvedHealth } from './health/health-options.js'
import type { ProfileOptions, ResolvedProfile } from './profile-options.js'
import type { ResolvedResourceSlots, ResourceConcurrency } from './slots/resource-slots.js'

/** What a worker does when another holds its name. */
export const WhenReplaced = { standBy: 'stand-by', close: 'close' } as const
export type WhenReplaced = (typeof WhenReplaced)[keyof typeof WhenReplaced]

export interface WorkerOptions extends DomainOptions, ProfileOptions {
  /** The worker's stable name. Of several that claim one, the strongest is the worker; of equals, the last that joined. */
  readonly workerId: string
  /**
   * Its claim to the name against others that live: the higher wins, up to 2³¹ − 1. At that strength a live claimant
   * wins over a stalled, suspect or unreachable one. @default 0
   */
  readonly ownershipStrength?: number
  /**
   * What it does when another live worker holds its name. `stand-by`: it finishes its jobs, takes no
   * more, and takes the name back when the other is gone. `close`: it closes, as if asked to.
   * @default 'stand-by'
   */
  readonly whenReplaced?: WhenReplaced
  /** The NUMA node whose collector it reports to. @default the node that this process runs on now, or 0 */
  readonly numaNode?: number
  /** Jobs that it takes at once: a number, or `resources()`, by which it follows what its process uses. @default 1 */
  readonly concurrency?: number | ResourceConcurrency
  /** worker.state goes out at most once in this time, however fast it changes. @default 100 */
  readonly stateIntervalMs?: number
  /** … and at least once in this, changed or not. @default 3000 */
  readonly stateRefreshMs?: number
  /** @default 1000 */
  readonly capacityIntervalMs?: number
  /** When it counts as unhealthy, and takes no work. @default `defaultHealthOptions` */
  readonly health?: HealthOptions
  /** Closes the worker when it aborts. */
  readonly signal?: AbortSignal
  /** How long the summary of a finished job is kept for others to read. @default 10000 */
  readonly jobRetentionMs?: number
  /** … and of how many at most. @default 256 */
  readonly maxFinishedJobs?: number
}

export interface SlotOptions {
  /**
   * The queue that the job will come from, whose throttle then applies. Without it the job may come from any queue that
   * the worker takes from, so the throttles of all of them apply.
   * @default the queue that the worker declares, if it declares one only
   */
  readonly queue?: string
  /**
   * The device memory that the job will use. A worker that admits by a budget of it needs this, and grants the slot once
   * that much of the budget is free. Other workers only publish the sum.
   * @default 0; required with admission `vram-budget`
   */
  readonly vramBytes?: number
  /** Ends the wait, and revokes the slot while it is open. */
  readonly signal?: AbortSignal
}

export interface CloseOptions {
  /** Jobs in flight get this long to end by themselves; then their signal is aborted. @default 10000 */
  readonly graceMs?: number
}

type OwnOptions = Omit<WorkerOptions, keyof DomainOptions | keyof ProfileOptions | 'health' | 'numaNode' | 'signal'>

export type ResolvedWorkerOptions = Required<Omit<OwnOptions, 'concurrency'>> &
  DomainOptions & {
    readonly numaNode: number | undefined
    readonly profile: ResolvedProfile
    readonly health: ResolvedHealth
    /** The most jobs that it takes at once. */
    readonly concurrency: number
    /** Undefined if its concurrency is a number. */
    readonly resources: ResolvedResourceSlots | undefined
    readonly signal: AbortSignal | undefined
  }

export const defaultWorkerOptions = Object.freeze({
  ownershipStrength: 0,
  whenReplaced: WhenReplaced.standBy as WhenReplaced,
  concurrency: 1,
  stateIntervalMs: 100,
  stateRefreshMs: 3_000,
  capacityIntervalMs: 1_000,
  jobRetentionMs: 10_000,
  maxFinishedJobs: 256,
})
