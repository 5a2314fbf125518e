import { invalidArgument } from '../core/errors.js'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
type Unit = keyof typeof unitMs

/** The longest delay that a timer of Node takes: 2³¹ − 1 ms, almost 25 days. */
export const longestDurationMs = 2 ** 31 - 1

export interface DurationOptions {
  /** The unit of a number that has none. Without it, such a number is refused: `30` could mean anything. */
  readonly bareUnit?: Unit
  /** @default 0 */
  readonly leastMs?: number
  /** @default {@link longestDurationMs} */
  readonly mostMs?: number
}

/**
 * `500ms`, `30s`, `1.5m`, `2h` in whole milliseconds.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT for anything else, and outside of what `options` allow
 */
export function parseDurationMs(text: string, options: DurationOptions = {}): number {
  const [, digits, suffix] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  if (digits === undefined) throw invalidArgument('must be a duration such as 500ms, 30s, 2m or 1h')
  const unit = (suffix as Unit | undefined) ?? options.bareUnit
  if (unit === undefined) throw invalidArgument(`has no unit: write ${text}s for seconds or ${text}ms for milliseconds`)
  const durationMs = Math.round(Number(digits) * unitMs[unit])
  if (durationMs > longestDurationMs) throw invalidArgument('is longer than 24 days, the most that is supported')
  const { leastMs = 0, mostMs = longestDurationMs } = options
  if (durationMs < leastMs || durationMs > mostMs) {
    throw invalidArgument(`must be ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`)
  }
  return durationMs
}

/** The shortest exact form that {@link parseDurationMs} reads back: `30s`, `1500ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  for (const unit of ['h', 'm', 's'] as const) {
    if (durationMs % unitMs[unit] === 0) return `${durationMs / unitMs[unit]}${unit}`
  }
  return `${durationMs}ms`
}
