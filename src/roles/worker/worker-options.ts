import { invalidArgument } from '../../core/errors.js'
import { lazySchema } from '../../core/lazy-schema.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs, longestTimerMs } from '../../core/time/duration.js'
import { type Taint, workerStateSchema } from '../../plane/worker-state.js'
import type { DomainOptions } from '../shared/enter-domain.js'

/** What a worker does when another holds its name. */
export const WhenReplaced = { standBy: 'stand-by', close: 'close' } as const
export type WhenReplaced = (typeof WhenReplaced)[keyof typeof WhenReplaced]

export interface WorkerOptions extends DomainOptions {
  /** The worker's stable name. Of several that claim one, the strongest is the worker; of equals, the last that joined. */
  readonly workerId: string
  /** Its claim to the name against others that live: the higher wins. @default 0 */
  readonly ownershipStrength?: number
  /**
   * What it does when another live worker holds its name. `stand-by`: it finishes its jobs, takes no
   * more, and takes the name back when the other is gone. `close`: it closes, as if asked to.
   * @default 'stand-by'
   */
  readonly whenReplaced?: WhenReplaced
  /** The NUMA node whose collector it reports to. @default the node that this process runs on now, or 0 */
  readonly numaNode?: number
  /** Jobs that it takes at once. @default 1 */
  readonly concurrency?: number
  /** Queues that it takes from; empty: any. @default [] */
  readonly queues?: readonly string[]
  /** @default [] */
  readonly capabilities?: readonly string[]
  /** @default [] */
  readonly tags?: readonly string[]
  /** @default {} */
  readonly labels?: Readonly<Record<string, string>>
  /** @default [] */
  readonly taints?: readonly Taint[]
  /** worker.state goes out at most once in this time, however fast it changes. @default 100 */
  readonly stateIntervalMs?: number
  /** … and at least once in this, changed or not. @default 3000 */
  readonly stateRefreshMs?: number
  /** @default 1000 */
  readonly capacityIntervalMs?: number
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
  /** Ends the wait, and revokes the slot while it is open. */
  readonly signal?: AbortSignal
}

export interface CloseOptions {
  /** Jobs in flight get this long to end by themselves; then their signal is aborted. @default 10000 */
  readonly graceMs?: number
}

export type ResolvedWorkerOptions = Required<Omit<WorkerOptions, keyof DomainOptions | 'numaNode' | 'signal'>> &
  DomainOptions & { readonly numaNode: number | undefined; readonly signal: AbortSignal | undefined }

export const defaultWorkerOptions = Object.freeze({
  ownershipStrength: 0,
  whenReplaced: WhenReplaced.standBy as WhenReplaced,
  concurrency: 1,
  queues: Object.freeze([] as string[]),
  capabilities: Object.freeze([] as string[]),
  tags: Object.freeze([] as string[]),
  labels: Object.freeze({} as Record<string, string>),
  taints: Object.freeze([] as Taint[]),
  stateIntervalMs: 100,
  stateRefreshMs: 3_000,
  capacityIntervalMs: 1_000,
  jobRetentionMs: 10_000,
  maxFinishedJobs: 256,
})

/** The options that are published as they were given. */
const publishedOptions = lazySchema(() =>
  workerStateSchema().pick({
    workerId: true,
    queues: true,
    capabilities: true,
    tags: true,
    labels: true,
    taints: true,
  }),
)

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const resolved = { ...defaultWorkerOptions, numaNode: undefined, signal: undefined, ...withoutUndefined(options) }
  const parsed = publishedOptions().safeParse(resolved)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalidArgument(
      `worker option ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not acceptable'}`,
    )
  }
  integer('concurrency', resolved.concurrency, 1)
  integer('ownershipStrength', resolved.ownershipStrength, 0)
  if (!Object.values(WhenReplaced).includes(resolved.whenReplaced)) {
    throw invalidArgument(`whenReplaced must be 'stand-by' or 'close', not ${String(resolved.whenReplaced)}`)
  }
  integer('maxFinishedJobs', resolved.maxFinishedJobs, 0)
  if (resolved.numaNode !== undefined) integer('numaNode', resolved.numaNode, 0)
  checkDurationMs('stateIntervalMs', resolved.stateIntervalMs, { exclusive: true, mostMs: longestTimerMs })
  for (const name of ['stateRefreshMs', 'capacityIntervalMs', 'jobRetentionMs'] as const) {
    checkDurationMs(name, resolved[name], { exclusive: true, allowInfinity: true })
  }
  return Object.freeze(resolved)
}

function integer(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalidArgument(`${name} must be an integer from ${least}, not ${value}`)
  }
}
