import { invalidArgument } from '../../../core/errors.js'
import { withoutUndefined } from '../../../core/options.js'
import { checkDurationMs, longestTimerMs } from '../../../core/time/duration.js'

/**
 * Resolves if the worker is fit for work. What it throws is the reason why the worker is unhealthy.
 * @param signal aborts when the time for the check is over, or the worker closes
 */
export type HealthCheck = (signal: AbortSignal) => void | Promise<void>

/** When a worker counts as unhealthy. Without options only the application decides, by `declareUnhealthy`. */
export interface HealthOptions {
  /** The application's own check. Until it has passed for the first time, the worker takes no work. @default none */
  readonly check?: HealthCheck
  /** From the end of a check to the start of the next. @default 10000 */
  readonly checkIntervalMs?: number
  /** A check that takes longer has failed. @default 5000 */
  readonly checkTimeoutMs?: number
  /** A main loop that was blocked for longer is unhealthy. @default Infinity */
  readonly maxLoopDelayMs?: number
  /** With less memory headroom in its cgroup it is unhealthy. @default 0 */
  readonly minMemoryHeadroomBytes?: number
  /** With tasks of its cgroup waiting for memory for more than this share of ten seconds it is unhealthy. @default 100 */
  readonly maxMemoryPressurePercent?: number
  /** As `maxMemoryPressurePercent`, for tasks that wait for a CPU. @default 100 */
  readonly maxCpuPressurePercent?: number
  /** A reading must keep within its bound for this long before the worker is healthy again. @default 5000 */
  readonly recoverAfterMs?: number
}

export type ResolvedHealth = Required<Omit<HealthOptions, 'check'>> & { readonly check: HealthCheck | undefined }

export const defaultHealthOptions = Object.freeze({
  checkIntervalMs: 10_000,
  checkTimeoutMs: 5_000,
  maxLoopDelayMs: Number.POSITIVE_INFINITY,
  minMemoryHeadroomBytes: 0,
  maxMemoryPressurePercent: 100,
  maxCpuPressurePercent: 100,
  recoverAfterMs: 5_000,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveHealth(options: HealthOptions = {}): ResolvedHealth {
  const resolved = { ...defaultHealthOptions, check: undefined, ...withoutUndefined(options) }
  if (resolved.check !== undefined && typeof resolved.check !== 'function') {
    throw invalidArgument('health.check must be a function')
  }
  for (const name of ['checkIntervalMs', 'checkTimeoutMs'] as const) {
    checkDurationMs(`health.${name}`, resolved[name], { exclusive: true, mostMs: longestTimerMs })
  }
  checkDurationMs('health.maxLoopDelayMs', resolved.maxLoopDelayMs, { exclusive: true, allowInfinity: true })
  checkDurationMs('health.recoverAfterMs', resolved.recoverAfterMs)
  if (!(resolved.minMemoryHeadroomBytes >= 0 && Number.isFinite(resolved.minMemoryHeadroomBytes))) {
    throw invalidArgument(
      `health.minMemoryHeadroomBytes must be a number of bytes from 0, not ${resolved.minMemoryHeadroomBytes}`,
    )
  }
  for (const name of ['maxMemoryPressurePercent', 'maxCpuPressurePercent'] as const) {
    if (resolved[name] >= 0 && resolved[name] <= 100) continue
    throw invalidArgument(`health.${name} must be a number from 0 to 100, not ${resolved[name]}`)
  }
  return Object.freeze(resolved)
}
