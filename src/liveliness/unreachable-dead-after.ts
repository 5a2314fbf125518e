import { checkDurationMs } from '../core/time/duration.js'

/**
 * Returns null for `Infinity`: both mean never.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function resolveUnreachableDeadAfterMs(value: number | null): number | null {
  if (value === null || value === Infinity) return null
  return checkDurationMs('unreachableDeadAfterMs', value, { exclusive: true, allowInfinity: true })
}
