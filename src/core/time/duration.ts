import { invalidArgument } from '../errors.js'

/** The longest delay that a timer of Node takes: 2³¹ − 1 ms, almost 25 days. Node turns a longer one into 1 ms. */
export const longestTimerMs = 2 ** 31 - 1

export interface DurationRule {
  /** @default 0 */
  readonly leastMs?: number
  /** Whether the duration must be longer than {@link leastMs}. @default false */
  readonly exclusive?: boolean
  /** The longest finite duration. @default Number.MAX_SAFE_INTEGER */
  readonly mostMs?: number
  /** Whether `Infinity` is allowed, where "never" makes sense. @default false */
  readonly allowInfinity?: boolean
}

/**
 * Validates a duration in milliseconds. Every option of numacast that is a duration goes through here.
 *
 * @param name the option as the caller wrote it
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be
 */
export function checkDurationMs(name: string, value: unknown, rule: DurationRule = {}): number {
  if (isDurationMs(value, rule)) return value
  throw invalidArgument(`${name} must be ${durationRange(rule)}, not ${shown(value)}`, { [name]: value })
}

/** Returns whether {@link checkDurationMs} accepts `value`. */
export function isDurationMs(value: unknown, rule: DurationRule = {}): value is number {
  const { leastMs = 0, exclusive = false, mostMs = Number.MAX_SAFE_INTEGER, allowInfinity = false } = rule
  if (typeof value !== 'number' || Number.isNaN(value)) return false
  if (value === Infinity) return allowInfinity
  return value <= mostMs && (exclusive ? value > leastMs : value >= leastMs)
}

/** Returns the end of a sentence that begins with "it must be". */
export function durationRange(rule: DurationRule): string {
  const { leastMs = 0, exclusive = false, mostMs = Number.MAX_SAFE_INTEGER, allowInfinity = false } = rule
  const most = mostMs < Number.MAX_SAFE_INTEGER ? ` and at most ${mostMs}` : ''
  const never = allowInfinity ? ', or Infinity for never' : ''
  return `a number of milliseconds ${exclusive ? 'over' : 'of at least'} ${leastMs}${most}${never}`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
