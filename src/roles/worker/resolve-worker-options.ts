import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs, longestTimerMs } from '../../core/time/duration.js'
import { name } from '../../plane/vocabulary/text.js'
import { maxOwnershipStrength } from '../../plane/worker/worker-claim.js'
import { resolveHealth } from './health/health-options.js'
import { resolveProfile } from './profile-options.js'
import { resources } from './slots/resource-slots.js'
import { defaultWorkerOptions, type ResolvedWorkerOptions, WhenReplaced, type WorkerOptions } from './worker-options.js'

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const stated = withoutUndefined(options)
  const profile = resolveProfile(stated)
  const health = resolveHealth(stated.health)
  const given = stated.concurrency ?? defaultWorkerOptions.concurrency
  const slots = typeof given === 'object' && given !== null ? resources(given) : undefined
  const concurrency = slots?.max ?? (given as number)
  const own = { profile, health, concurrency, resources: slots }
  const resolved = { ...defaultWorkerOptions, numaNode: undefined, signal: undefined, ...stated, ...own }
  const id = name().safeParse(resolved.workerId)
  if (!id.success) throw invalidArgument(`worker option workerId: ${id.error.issues[0]?.message ?? 'not acceptable'}`)
  integer('concurrency', resolved.concurrency, 1)
  integer('ownershipStrength', resolved.ownershipStrength, 0, maxOwnershipStrength)
  if (!Object.values(WhenReplaced).includes(resolved.whenReplaced)) {
    throw invalidArgument(`whenReplaced must be 'stand-by' or 'close', not ${String(resolved.whenReplaced)}`)
  }
  integer('maxFinishedJobs', resolved.maxFinishedJobs, 0)
  if (resolved.numaNode !== undefined) integer('numaNode', resolved.numaNode, 0)
  checkDurationMs('stateIntervalMs', resolved.stateIntervalMs, { exclusive: true, mostMs: longestTimerMs })
  for (const name of ['stateRefreshMs', 'capacityIntervalMs', 'jobRetentionMs'] as const) {
    checkDurationMs(name, resolved[name], { exclusive: true, allowInfinity: true })
  }
  return Object.freeze(resolved)
}

function integer(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`
  throw invalidArgument(`${name} must be an integer from ${least}${upTo}, not ${value}`)
}
