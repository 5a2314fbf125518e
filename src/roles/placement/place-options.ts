import type { WaitOptions } from '../../core/abort.js'
import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { Fallback } from '../../placement/rank/place.js'
import type { RankOptions } from '../../placement/rank/rank-options.js'
import { defaultReservationTtlMs } from '../../placement/reservations/reservation-book.js'

export interface PlaceOptions extends WaitOptions {
  /** Names the job, as the worker will report it. @default a random name */
  readonly jobId?: string
  /** What to answer when no worker takes the job. @default 'none' */
  readonly fallback?: Fallback
  /** By this time the worker must have begun the job: then its reservation ends. At most 10 minutes. @default 10000 */
  readonly ttlMs?: number
  /** How long a reactive worker may take to answer an offer. @default 2000 */
  readonly offerTimeoutMs?: number
  /** How many workers are tried at most. @default 8 */
  readonly maxAttempts?: number
  /** Told to a reactive worker with the offer. @default {} */
  readonly labels?: Readonly<Record<string, string>>
  /** How workers are ranked. @default as `rank` does */
  readonly rank?: Omit<RankOptions, 'nowMs' | 'reserved' | 'explain'>
}

export type ResolvedPlaceOptions = Required<Omit<PlaceOptions, 'jobId' | 'signal' | 'rank'>> &
  Pick<PlaceOptions, 'jobId' | 'signal' | 'rank'>

export const defaultPlaceOptions = Object.freeze({
  fallback: Fallback.none as Fallback,
  ttlMs: defaultReservationTtlMs,
  offerTimeoutMs: 2_000,
  maxAttempts: 8,
  labels: Object.freeze({}) as Readonly<Record<string, string>>,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolvePlaceOptions(options: PlaceOptions): ResolvedPlaceOptions {
  const resolved = { ...defaultPlaceOptions, ...withoutUndefined(options) }
  const { jobId, fallback, maxAttempts } = resolved
  if (jobId !== undefined && (jobId === '' || jobId.length > 256)) {
    throw invalidArgument('jobId must be a name of 1 to 256 characters')
  }
  if (!Object.values(Fallback).includes(fallback)) {
    throw invalidArgument(`fallback must be 'none' or 'self', not ${String(fallback)}`)
  }
  checkDurationMs('offerTimeoutMs', resolved.offerTimeoutMs, { exclusive: true })
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    throw invalidArgument(`maxAttempts must be an integer from 1, not ${maxAttempts}`)
  }
  return Object.freeze(resolved)
}
