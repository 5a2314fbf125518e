import { withoutUndefined } from '../core/options.js'
import { checkDurationMs } from '../core/time/duration.js'
import { resolveUnreachableDeadAfterMs } from '../liveliness/unreachable-dead-after.js'

export interface FleetViewOptions {
  /**
   * A node whose collector was received from longer ago makes the view `best-effort`.
   * @default 3000
   */
  readonly maxAgeMs?: number
  /**
   * A worker that is `unreachable` for this long counts as `dead` in this view, although it may be working.
   * @default null: never by itself
   */
  readonly unreachableDeadAfterMs?: number | null
  /** Closes the view when it aborts. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedFleetViewOptions = Required<Omit<FleetViewOptions, 'signal'>>

export const defaultFleetViewOptions: ResolvedFleetViewOptions = Object.freeze({
  maxAgeMs: 3_000,
  unreachableDeadAfterMs: null,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveFleetViewOptions(options: FleetViewOptions): ResolvedFleetViewOptions {
  const resolved = { ...defaultFleetViewOptions, ...withoutUndefined(options) }
  return Object.freeze({
    maxAgeMs: checkDurationMs('maxAgeMs', resolved.maxAgeMs, { allowInfinity: true }),
    unreachableDeadAfterMs: resolveUnreachableDeadAfterMs(resolved.unreachableDeadAfterMs),
  })
}
