import { invalidArgument } from '../core/errors.js'
import { type Taint, workerStateSchema } from '../plane/worker-state.js'
import type { MembershipOptions } from './membership.js'

export interface WorkerOptions extends MembershipOptions {
  /** The worker's stable name. Of two that claim one, the one that joined later is the worker. */
  readonly workerId: string
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
  /** How long the summary of a finished job is kept for others to read. @default 10000 */
  readonly jobRetentionMs?: number
  /** … and of how many at most. @default 256 */
  readonly maxFinishedJobs?: number
}

export type ResolvedWorkerOptions = Required<Omit<WorkerOptions, keyof MembershipOptions | 'numaNode'>> &
  MembershipOptions & { readonly numaNode: number | undefined }

export const defaultWorkerOptions = Object.freeze({
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

/** What the plane will be told as it was given. */
const workerSays = workerStateSchema.pick({
  workerId: true,
  queues: true,
  capabilities: true,
  tags: true,
  labels: true,
  taints: true,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const resolved = { ...defaultWorkerOptions, numaNode: undefined, ...options }
  const said = workerSays.safeParse(resolved)
  if (!said.success) {
    const [issue] = said.error.issues
    throw invalidArgument(
      `worker option ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not acceptable'}`,
    )
  }
  integer('concurrency', resolved.concurrency, 1)
  integer('maxFinishedJobs', resolved.maxFinishedJobs, 0)
  if (resolved.numaNode !== undefined) integer('numaNode', resolved.numaNode, 0)
  for (const name of ['stateIntervalMs', 'stateRefreshMs', 'capacityIntervalMs', 'jobRetentionMs'] as const) {
    if (!(resolved[name] > 0))
      throw invalidArgument(`${name} must be a positive number of milliseconds, not ${resolved[name]}`)
  }
  return Object.freeze(resolved)
}

function integer(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalidArgument(`${name} must be an integer from ${least}, not ${value}`)
  }
}
