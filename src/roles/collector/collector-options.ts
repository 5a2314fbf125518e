import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs, longestTimerMs } from '../../core/time/duration.js'
import type { DomainOptions } from '../shared/enter-domain.js'

export interface CollectorOptions extends DomainOptions {
  /** The NUMA node that it serves. @default the node that this process runs on now, or 0 */
  readonly numaNode?: number
  /** A dead worker's row stays visible, with its cause, for this time; `Infinity`: always. @default 300000 */
  readonly deadRetentionMs?: number
  /** Time between two readings of the capacity; `Infinity`: only the first is made. @default 1000 */
  readonly capacityIntervalMs?: number
  /** Roster rows go out at most once in this; a change of liveliness goes out at once. @default 100 */
  readonly rosterIntervalMs?: number
  /** A worker that came back does not count as reliable for this time. @default 30000 */
  readonly probationMs?: number
  /** Whether it serves other nodes of the host while their own collectors are away. @default true */
  readonly adopts?: boolean
  /** Ends the start, or closes the collector, when it aborts. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedCollectorOptions = Required<Omit<CollectorOptions, keyof DomainOptions | 'numaNode' | 'signal'>> &
  DomainOptions & { readonly numaNode: number | undefined; readonly signal: AbortSignal | undefined }

export const defaultCollectorOptions = Object.freeze({
  deadRetentionMs: 300_000,
  capacityIntervalMs: 1_000,
  rosterIntervalMs: 100,
  probationMs: 30_000,
  adopts: true,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveCollectorOptions(options: CollectorOptions): ResolvedCollectorOptions {
  const resolved = { ...defaultCollectorOptions, numaNode: undefined, signal: undefined, ...withoutUndefined(options) }
  if (resolved.numaNode !== undefined && !(Number.isSafeInteger(resolved.numaNode) && resolved.numaNode >= 0)) {
    throw invalidArgument(`numaNode must be a node id, an integer from 0, not ${resolved.numaNode}`)
  }
  const { deadRetentionMs, probationMs, capacityIntervalMs, rosterIntervalMs } = resolved
  checkDurationMs('deadRetentionMs', deadRetentionMs, { allowInfinity: true })
  checkDurationMs('probationMs', probationMs, { mostMs: longestTimerMs })
  checkDurationMs('capacityIntervalMs', capacityIntervalMs, { exclusive: true, allowInfinity: true })
  checkDurationMs('rosterIntervalMs', rosterIntervalMs, { exclusive: true, mostMs: longestTimerMs })
  return Object.freeze(resolved)
}
