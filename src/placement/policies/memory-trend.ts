import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import { availableShare } from './available-memory.js'
import { estimateUse, type MemorySample, type MemoryUse } from './memory-use.js'
import type { Policy } from './policy.js'
import { decideByZone, type ZoneStates } from './zone-decision.js'
import { type ZoneWorkers, zoneWorkers } from './zone-workers.js'

export interface MemoryTrendOptions {
  /** The share of a zone's memory that is meant to be used. @default 0.8 */
  readonly target?: number
  /** Weight of how far the use is from the target. @default 5 */
  readonly proportional?: number
  /** Weight of how far it has been from the target, in seconds, at most one either way. @default 0 */
  readonly integral?: number
  /** Weight of how much it rises in a second; 10 times `proportional` looks 10 s ahead. @default 50 */
  readonly derivative?: number
  /** Jobs at once go down while the sum is below this. @default 0 */
  readonly downBelow?: number
  /** They go up again while it is above this. @default 0.25 */
  readonly upAbove?: number
  /** At most one step down in this time. @default 2000 */
  readonly rampDownMs?: number
  /** At most one step up in this time. @default 5000 */
  readonly rampUpMs?: number
  /** A reading older than this decides nothing. @default 5000 */
  readonly maxAgeMs?: number
  /** @default 30000 */
  readonly ttlMs?: number
}

export const defaultMemoryTrendOptions: Required<MemoryTrendOptions> = Object.freeze({
  target: 0.8,
  proportional: 5,
  integral: 0,
  derivative: 50,
  downBelow: 0,
  upAbove: 0.25,
  rampDownMs: 2_000,
  rampUpMs: 5_000,
  maxAgeMs: 5_000,
  ttlMs: 30_000,
})

export interface MemoryTrendState extends MemoryUse {
  /** How fast the committed share rises beyond what was known to be committed, smoothed over some 2 s. */
  readonly risePerSecond: number
  readonly integral: number
  /** Jobs at once per worker; null: not limited. */
  readonly limit: number | null
  /** The most that one worker took at once before it was limited: what workers report then is the limit itself. */
  readonly unlimited: number
  readonly steppedMs: number | null
}

/** Readings of about this time make up the rise. */
const smoothingMs = 2_000
/** A step down leaves this share of the jobs. */
const stepDown = 0.75

/**
 * Lowers how many jobs the workers of a zone run at once before its memory is used up, and raises it step by step once
 * there is room: a PID controller on the committed share, towards a target, with a ramp. Committed is what is used now,
 * or what the jobs in flight will use by what such jobs took before, whichever is more.
 *
 * The model is Temporal's resource-based slot tuner, from which it differs: it limits all workers of a zone by one
 * expiring intent, where Temporal grants each slot of one process; it never raises a worker over its own concurrency;
 * it goes down by a quarter and up by one, and up only if the jobs of one more slot per worker fit; and the derivative
 * weighs the zone's rise ahead, since readings come once a second and not at every slot.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option
 */
export function memoryTrendPolicy(options: MemoryTrendOptions = {}): Policy<ZoneStates<MemoryTrendState>> {
  const resolved = resolveMemoryTrendOptions(options)
  return {
    name: 'memory-trend',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      decideByZone(snapshot, states, nowMs, resolved.maxAgeMs, ({ zone, row }, before) => {
        const workers = zoneWorkers(snapshot, zone.bootId, zone.numaNode)
        const sample = { usedShare: 1 - availableShare(row), inFlight: workers.inFlight, observedMs: row.observedMs }
        const measured = measure(sample, before, resolved)
        const output =
          resolved.proportional * (resolved.target - measured.committedShare) +
          resolved.integral * measured.integral -
          resolved.derivative * measured.risePerSecond
        const state = ramp(measured, output, nowMs, resolved, workers)
        const { limit } = state
        if (limit === null) return { state }
        const terms = { maxInFlight: limit }
        const reason = reasonOf(state, resolved.target)
        return { state, wanted: [{ kind: 'rebalance', target: zone.target, terms, reason, ttlMs: resolved.ttlMs }] }
      }),
  }
}

export function resolveMemoryTrendOptions(options: MemoryTrendOptions): Required<MemoryTrendOptions> {
  const resolved = { ...defaultMemoryTrendOptions, ...withoutUndefined(options) }
  if (!(resolved.target > 0 && resolved.target < 1)) {
    throw invalidArgument(`target must be a share between 0 and 1, not ${resolved.target}`)
  }
  for (const name of ['proportional', 'integral', 'derivative'] as const) {
    if (!(resolved[name] >= 0)) throw invalidArgument(`${name} must be a number from 0, not ${resolved[name]}`)
  }
  if (!(resolved.downBelow < resolved.upAbove)) {
    throw invalidArgument(`downBelow must be less than upAbove, not ${resolved.downBelow} and ${resolved.upAbove}`)
  }
  for (const name of ['rampDownMs', 'rampUpMs', 'maxAgeMs'] as const) checkDurationMs(name, resolved[name])
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return Object.freeze(resolved)
}

/** Takes a reading in, unless it has been taken in before. */
function measure(
  sample: MemorySample,
  before: MemoryTrendState | undefined,
  { target }: Required<MemoryTrendOptions>,
): MemoryTrendState {
  const use = estimateUse(sample, before)
  if (before === undefined) {
    return { ...use, risePerSecond: 0, integral: 0, limit: null, unlimited: 0, steppedMs: null }
  }
  const elapsedMs = sample.observedMs - before.observedMs
  if (elapsedMs <= 0) return before
  const expectedShare = before.baseShare + sample.inFlight * before.jobShare
  const rise = (Math.max(0, use.committedShare - Math.max(expectedShare, before.usedShare)) * 1000) / elapsedMs
  const risePerSecond = rise + (before.risePerSecond - rise) * Math.exp(-elapsedMs / smoothingMs)
  const integral = Math.max(-1, Math.min(1, before.integral + ((target - use.committedShare) * elapsedMs) / 1000))
  return { ...before, ...use, risePerSecond, integral }
}

function ramp(
  state: MemoryTrendState,
  output: number,
  nowMs: number,
  { downBelow, upAbove, rampDownMs, rampUpMs, target }: Required<MemoryTrendOptions>,
  { alive, maxInFlight, maxConcurrency }: ZoneWorkers,
): MemoryTrendState {
  const { limit } = state
  const isDue = (rampMs: number): boolean => state.steppedMs === null || nowMs - state.steppedMs >= rampMs
  if (output < downBelow && isDue(rampDownMs)) {
    // From what is in flight, not from what would be allowed: a limit that no worker reaches changes nothing.
    const from = limit === null ? maxInFlight : Math.min(limit, Math.max(1, maxInFlight))
    const lower = Math.max(1, Math.floor(from * stepDown))
    if (limit === null && lower >= maxConcurrency) return state
    const unlimited = limit === null ? maxConcurrency : state.unlimited
    return { ...state, limit: lower, unlimited, steppedMs: nowMs }
  }
  if (limit !== null && output > upAbove && isDue(rampUpMs)) {
    const higher = limit + 1
    if (state.baseShare + alive * higher * state.jobShare > target) return state
    const isLimit = higher < Math.max(state.unlimited, maxConcurrency)
    return { ...state, limit: isLimit ? higher : null, steppedMs: nowMs }
  }
  return state
}

function reasonOf({ usedShare, committedShare }: MemoryTrendState, target: number): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`
  const used = `${percent(usedShare)} of the memory is used`
  const committed = committedShare > usedShare ? `, ${percent(committedShare)} once the jobs in flight have grown` : ''
  return `${used}${committed}; ${percent(target)} is the target`
}
