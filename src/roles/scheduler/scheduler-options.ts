import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { resolveUnreachableDeadAfterMs } from '../../liveliness/liveliness-options.js'
import { memoryPressurePolicy } from '../../placement/memory-pressure.js'
import type { Policy } from '../../placement/policy.js'
import { maxIntentTtlMs } from '../../plane/intents.js'
import type { DomainOptions } from '../shared/enter-domain.js'

export interface SchedulerOptions extends DomainOptions {
  /** How it signs its intents. @default 'scheduler' */
  readonly name?: string
  /** What it decides by. @default the memory pressure policy with its defaults */
  readonly policies?: readonly Policy[]
  /** @default 1000 */
  readonly decideIntervalMs?: number
  /** Time to live of what it issues; renewed at a third of it. @default 60000 */
  readonly intentTtlMs?: number
  /**
   * A worker that is `unreachable` for this long counts as `dead` here, so that its work may be given to others
   * although it may well be working. @default null: never by itself
   */
  readonly unreachableDeadAfterMs?: number | null
  /** Whether it serves nodes of its host while their collectors are away and no other collector can. @default true */
  readonly adopts?: boolean
  /** Ends the start, or closes the scheduler, when it aborts. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedSchedulerOptions = Required<Omit<SchedulerOptions, keyof DomainOptions | 'signal'>> &
  DomainOptions & { readonly signal: AbortSignal | undefined }

export const defaultSchedulerOptions = Object.freeze({
  name: 'scheduler',
  decideIntervalMs: 1_000,
  intentTtlMs: 60_000,
  unreachableDeadAfterMs: null as number | null,
  adopts: true,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveSchedulerOptions(options: SchedulerOptions): ResolvedSchedulerOptions {
  const resolved = {
    ...defaultSchedulerOptions,
    policies: [memoryPressurePolicy()],
    signal: undefined,
    ...withoutUndefined(options),
  }
  if (resolved.name === '' || resolved.name.length > 256) throw invalidArgument('name must have 1 to 256 characters')
  checkDurationMs('decideIntervalMs', resolved.decideIntervalMs, { exclusive: true, allowInfinity: true })
  checkDurationMs('intentTtlMs', resolved.intentTtlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  const unreachableDeadAfterMs = resolveUnreachableDeadAfterMs(resolved.unreachableDeadAfterMs)
  return Object.freeze({ ...resolved, unreachableDeadAfterMs })
}
