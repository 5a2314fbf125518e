import { invalidArgument } from '../../core/errors.js'
import { longestTimerMs } from '../../core/time/duration.js'

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/** The longest duration that the command line accepts. */
export const longestDurationMs = longestTimerMs

export interface DurationOptions {
  /** @default 0 */
  readonly leastMs?: number
  /** @default {@link longestDurationMs} */
  readonly mostMs?: number
}

/** For help texts: what {@link parseDurationMs} reads. */
export const durationForms = '500ms, 30s, 1m30s, 2h; a number alone is seconds'

/** Each unit at most once, the larger first. */
const withUnits =
  /^(?:(?<h>\d+(?:\.\d+)?)h)?(?:(?<m>\d+(?:\.\d+)?)m)?(?:(?<s>\d+(?:\.\d+)?)s)?(?:(?<ms>\d+(?:\.\d+)?)ms)?$/
const bareSeconds = /^(?<s>\d+(?:\.\d+)?)$/

/**
 * `500ms`, `30s`, `1m30s`, `2h`, or `20` for seconds, in whole milliseconds. Every duration of the command line is
 * read by this.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT for anything else, and outside of what `options` allow
 */
export function parseDurationMs(text: string, options: DurationOptions = {}): number {
  const parts = text === '' ? undefined : (bareSeconds.exec(text) ?? withUnits.exec(text))?.groups
  if (parts === undefined) throw invalidArgument(`must be a duration such as ${durationForms}`)
  let sumMs = 0
  for (const unit of Object.keys(unitMs) as (keyof typeof unitMs)[]) sumMs += Number(parts[unit] ?? 0) * unitMs[unit]
  const durationMs = Math.round(sumMs)
  if (durationMs > longestDurationMs) throw invalidArgument('is longer than 24 days, the most that is supported')
  const { leastMs = 0, mostMs = longestDurationMs } = options
  if (durationMs < leastMs || durationMs > mostMs) {
    throw invalidArgument(`must be ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`)
  }
  return durationMs
}

/** The shortest exact form in one unit that {@link parseDurationMs} reads back: `30s`, `1500ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  for (const unit of ['h', 'm', 's'] as const) {
    if (durationMs % unitMs[unit] === 0) return `${durationMs / unitMs[unit]}${unit}`
  }
  return `${durationMs}ms`
}
