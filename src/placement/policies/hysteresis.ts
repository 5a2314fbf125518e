import { invalidArgument } from '../../core/errors.js'

/** How a reading lies to the thresholds of a policy. */
export type Reading =
  /** Past the threshold to act. */
  | 'over'
  /** Between the two: what holds goes on. */
  | 'between'
  /** Past the threshold to lift. */
  | 'under'

/** What a policy remembers of one target. Plain data. */
export interface Hysteresis {
  /** Over without a break since then; null while it is not. */
  readonly overSinceMs: number | null
  /** It acts since then; null while it does not. */
  readonly actingSinceMs: number | null
  /** Why it acts. */
  readonly reason: string
}

export const atRest: Hysteresis = Object.freeze({ overSinceMs: null, actingSinceMs: null, reason: '' })

export interface HysteresisOptions {
  /** The reading must be over for this time before the policy acts. */
  readonly sustainedMs: number
  /** What the policy does holds for at least this time. */
  readonly minHoldMs: number
}

/** Takes one reading in. The reason is asked for when the policy begins to act, and kept while it does. */
export function step(
  before: Hysteresis,
  reading: Reading,
  nowMs: number,
  { sustainedMs, minHoldMs }: HysteresisOptions,
  reason: () => string,
): Hysteresis {
  if (before.actingSinceMs !== null) {
    return reading === 'under' && nowMs - before.actingSinceMs >= minHoldMs ? atRest : before
  }
  if (reading !== 'over') return atRest
  const overSinceMs = before.overSinceMs ?? nowMs
  if (nowMs - overSinceMs < sustainedMs) return { overSinceMs, actingSinceMs: null, reason: '' }
  return { overSinceMs, actingSinceMs: nowMs, reason: reason() }
}

/**
 * Checks two thresholds, given by the names of their options, the lower first.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT unless the first is less than the second and both are within 0 … `most`
 */
export function checkGap(thresholds: Readonly<Record<string, number>>, most: number): void {
  const [[lowName, low], [highName, high]] = Object.entries(thresholds) as [[string, number], [string, number]]
  if (low >= 0 && low < high && high <= most) return
  throw invalidArgument(`0 ≤ ${lowName} < ${highName} ≤ ${most} must hold, but they are ${low} and ${high}`)
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT unless the value is more than 0 and at most 1 */
export function checkShare(name: string, value: number): void {
  if (!(value > 0 && value <= 1)) throw invalidArgument(`${name} must be a share over 0 and up to 1, not ${value}`)
}
