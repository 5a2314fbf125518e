import { invalidArgument } from '../../../core/errors.js'
import { withoutUndefined } from '../../../core/options.js'
import { checkDurationMs } from '../../../core/time/duration.js'
import type { WorkerReading } from '../readings/worker-readings.js'

export interface ResourceSlotOptions {
  /** Opens no further slot while more than this share of the memory that its cgroup allows is in use. @default 0.8 */
  readonly targetMemory?: number
  /** Opens no further slot while more than this share of its CPU quota is in use. @default 0.9 */
  readonly targetCpu?: number
  /** As the targets, for tasks of its cgroup that waited for memory in the last ten seconds. @default 20 */
  readonly maxMemoryPressurePercent?: number
  /** Slots that it opens whatever is measured. @default 1 */
  readonly min?: number
  /** Slots that it opens at most. @default 100 */
  readonly max?: number
  /** Shortest time between two changes, so that what a job uses is measured before the next one starts. @default 1000 */
  readonly rampMs?: number
}

export type ResolvedResourceSlots = Required<ResourceSlotOptions>

/** A concurrency that follows what the worker's process uses. */
export interface ResourceConcurrency extends ResolvedResourceSlots {
  readonly kind: 'resources'
}

export const defaultResourceSlots: ResolvedResourceSlots = Object.freeze({
  targetMemory: 0.8,
  targetCpu: 0.9,
  maxMemoryPressurePercent: 20,
  min: 1,
  max: 100,
  rampMs: 1_000,
})

/**
 * Returns a concurrency that opens and closes slots one by one, by the headroom and the pressure of the worker's own
 * cgroup: `concurrency: resources({ max: 32 })`.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be
 */
export function resources(options: ResourceSlotOptions = {}): ResourceConcurrency {
  const resolved = { ...defaultResourceSlots, ...withoutUndefined(options) }
  for (const name of ['targetMemory', 'targetCpu'] as const) {
    if (resolved[name] > 0 && resolved[name] <= 1) continue
    throw invalidArgument(`resources: ${name} must be a share above 0 and up to 1, not ${resolved[name]}`)
  }
  if (!(resolved.maxMemoryPressurePercent >= 0 && resolved.maxMemoryPressurePercent <= 100)) {
    throw invalidArgument('resources: maxMemoryPressurePercent must be a number from 0 to 100')
  }
  const { min, max } = resolved
  if (!Number.isSafeInteger(min) || min < 1)
    throw invalidArgument(`resources: min must be an integer from 1, not ${min}`)
  if (!Number.isSafeInteger(max) || max < min) {
    throw invalidArgument(`resources: max must be an integer from min (${min}), not ${max}`)
  }
  checkDurationMs('resources: rampMs', resolved.rampMs)
  return Object.freeze({ ...resolved, kind: 'resources' })
}

/** What the machine has, where the cgroup sets no limit. */
export interface MachineSize {
  readonly cpus: number
  readonly memoryBytes: number
}

type ResourceReading = Pick<
  WorkerReading,
  'cpuQuotaCores' | 'cpuUsedCores' | 'memoryHeadroomBytes' | 'memoryLimitBytes' | 'memoryPressurePercent'
>

/** Decides how many slots a worker opens, from its readings. What cannot be read closes no slot. */
export class ResourceSlots {
  readonly #options: ResolvedResourceSlots
  readonly #machine: MachineSize
  #allowed: number
  #changedMs = Number.NEGATIVE_INFINITY

  constructor(options: ResolvedResourceSlots, machine: MachineSize) {
    this.#options = options
    this.#machine = machine
    this.#allowed = options.min
  }

  /** Slots that may be taken at once. */
  get allowed(): number {
    return this.#allowed
  }

  /**
   * Takes a reading: opens one more slot if all are taken and the targets allow it, and closes one if they do not.
   * Returns whether that has changed how many are allowed.
   */
  measure(reading: ResourceReading, taken: number, nowMs: number): boolean {
    const { max, min, rampMs } = this.#options
    if (nowMs - this.#changedMs < rampMs) return false
    const before = this.#allowed
    if (this.#exceedsTargets(reading)) this.#allowed = Math.max(min, Math.min(before - 1, taken))
    else if (taken >= before) this.#allowed = Math.min(max, before + 1)
    if (this.#allowed === before) return false
    this.#changedMs = nowMs
    return true
  }

  #exceedsTargets(reading: ResourceReading): boolean {
    const { maxMemoryPressurePercent, targetCpu, targetMemory } = this.#options
    const { cpuQuotaCores, cpuUsedCores, memoryHeadroomBytes, memoryLimitBytes, memoryPressurePercent } = reading
    const memoryBytes = memoryLimitBytes ?? this.#machine.memoryBytes
    const isMemoryScarce = memoryHeadroomBytes !== null && memoryHeadroomBytes < (1 - targetMemory) * memoryBytes
    const isCpuScarce = cpuUsedCores > targetCpu * (cpuQuotaCores ?? this.#machine.cpus)
    return isMemoryScarce || isCpuScarce || (memoryPressurePercent ?? 0) > maxMemoryPressurePercent
  }
}
