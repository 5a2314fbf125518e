import { Liveliness } from '../../liveliness/verdict.js'
import type { ConfigRow, IntentRow } from './snapshot-change.js'
import type { WorkerRow } from './worker-row.js'

/**
 * The numbers of a row that ranking reads, side by side in one array: `row * columnCount + Column.x`. -1 stands for
 * "unknown", infinity for "not limited".
 */
export const Column = {
  inFlight: 0,
  /** Jobs at once, after configuration of its own. */
  limit: 1,
  vramUsedBytes: 2,
  vramBudgetBytes: 3,
  capacityScore: 4,
  cpuFreeCores: 5,
  cpuTotalCores: 6,
  memoryFreeBytes: 7,
  memoryTotalBytes: 8,
  /** The larger of CPU and memory pressure. */
  pressurePercent: 9,
  observedMs: 10,
  /** When its probation ends; 0 when it is on none. */
  reliableFromMs: 11,
  /** When the drain that holds for it ends; 0 when none does. */
  drainUntilMs: 12,
  /** When the preferred shards that hold for it end; 0 when none do. */
  preferUntilMs: 13,
  zoneSlot: 14,
  eventLoopUtilization: 15,
} as const
export const columnCount = 16

/** What of a row is true or false. */
export const WorkerFlag = {
  /** The slot holds a worker. */
  occupied: 1 << 0,
  noProfile: 1 << 1,
  /** Stalled, suspect or unreachable. */
  notAlive: 1 << 2,
  dead: 1 << 3,
  unhealthy: 1 << 4,
  /** By its own word. */
  draining: 1 << 5,
  /** Configuration takes it out of service. */
  cordoned: 1 << 6,
  /** It admits nothing, for none of the reasons above and although it is below its limit. */
  admissionClosed: 1 << 7,
  vramBudget: 1 << 8,
  reactive: 1 << 9,
  numaBound: 1 << 10,
} as const

/** Intents and configuration that name the worker itself. */
export interface WorkerStanding {
  readonly drain: IntentRow | null
  readonly preferShard: IntentRow | null
  readonly maintenance: ConfigRow | null
  readonly limit: number | null
}

export function writeColumns(
  numbers: Float64Array,
  at: number,
  { load, profile, headroom }: WorkerRow,
  standing: WorkerStanding,
  zoneSlot: number,
): void {
  const admission = profile?.admission
  const quota = headroom?.cpuQuotaCores ?? Number.POSITIVE_INFINITY
  numbers[at + Column.inFlight] = load.inFlight
  numbers[at + Column.limit] = Math.min(load.concurrency, standing.limit ?? load.concurrency)
  numbers[at + Column.vramUsedBytes] = load.vramUsedBytes
  numbers[at + Column.vramBudgetBytes] = admission?.kind === 'vram-budget' ? admission.vramBudgetBytes : -1
  numbers[at + Column.capacityScore] = load.capacityScore ?? -1
  numbers[at + Column.cpuFreeCores] = Math.max(0, quota - (headroom?.cpuUsedCores ?? 0))
  numbers[at + Column.cpuTotalCores] = quota
  numbers[at + Column.memoryFreeBytes] = headroom?.memoryHeadroomBytes ?? Number.POSITIVE_INFINITY
  numbers[at + Column.memoryTotalBytes] = headroom?.memoryLimitBytes ?? Number.POSITIVE_INFINITY
  numbers[at + Column.pressurePercent] = Math.max(
    headroom?.cpuPressurePercent ?? -1,
    headroom?.memoryPressurePercent ?? -1,
  )
  numbers[at + Column.observedMs] = load.observedMs
  numbers[at + Column.reliableFromMs] = load.reliableFromMs ?? 0
  numbers[at + Column.drainUntilMs] = standing.drain?.expiresMs ?? 0
  numbers[at + Column.preferUntilMs] = standing.preferShard?.expiresMs ?? 0
  numbers[at + Column.zoneSlot] = zoneSlot
  numbers[at + Column.eventLoopUtilization] = headroom?.eventLoopUtilization ?? -1
}

export function flagsOf({ load, profile }: WorkerRow, standing: WorkerStanding): number {
  let flags: number = WorkerFlag.occupied
  if (profile === null) flags |= WorkerFlag.noProfile
  else {
    if (profile.admission.kind === 'vram-budget') flags |= WorkerFlag.vramBudget
    else if (profile.admission.kind === 'reactive') flags |= WorkerFlag.reactive
    if (profile.numaBound) flags |= WorkerFlag.numaBound
  }
  if (load.liveliness === Liveliness.dead) flags |= WorkerFlag.dead
  else if (load.liveliness !== Liveliness.alive) flags |= WorkerFlag.notAlive
  if (load.condition === 'unhealthy') flags |= WorkerFlag.unhealthy
  else if (load.condition === 'draining') flags |= WorkerFlag.draining
  else if (!load.admissionOpen && load.inFlight < load.concurrency) flags |= WorkerFlag.admissionClosed
  if (standing.maintenance !== null) flags |= WorkerFlag.cordoned
  return flags
}
