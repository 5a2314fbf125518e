import type { RosterRow } from '../../plane/node/node-roster.js'
import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'

type RowLoad = Pick<RosterRow, 'eventLoopUtilization' | 'memoryHeadroomBytes'>

/** Shares and percent points below which a reading counts as the same. */
const leastShare = 0.05
const leastCores = 0.1
const leastPercent = 5

/**
 * Whether a decision could turn out otherwise for the difference between two readings: a limit has changed, or a
 * reading by 5 points, by 5 % of its limit, or by a tenth of a core.
 */
export function differs(before: WorkerCapacity, after: WorkerCapacity): boolean {
  if (before.memoryLimitBytes !== after.memoryLimitBytes || before.cpuQuotaCores !== after.cpuQuotaCores) return true
  return (
    loadDiffers(before, after) ||
    isApart(before.cpuUsedCores, after.cpuUsedCores, Math.max(leastCores, leastShare * (after.cpuQuotaCores ?? 0))) ||
    isApart(before.memoryPressurePercent, after.memoryPressurePercent, leastPercent) ||
    isApart(before.cpuPressurePercent, after.cpuPressurePercent, leastPercent) ||
    isApart(before.memoryPressureAvg60Percent, after.memoryPressureAvg60Percent, leastPercent) ||
    isApart(before.cpuPressureAvg60Percent, after.cpuPressureAvg60Percent, leastPercent) ||
    isApart(before.cpuThrottledPercent, after.cpuThrottledPercent, leastPercent)
  )
}

/** The same for the readings that a roster row shows. */
export function loadDiffers(before: RowLoad, after: RowLoad & Pick<WorkerCapacity, 'memoryLimitBytes'>): boolean {
  const memoryBytes = Math.max(1, leastShare * (after.memoryLimitBytes ?? before.memoryHeadroomBytes ?? 0))
  return (
    isApart(before.memoryHeadroomBytes, after.memoryHeadroomBytes, memoryBytes) ||
    isApart(before.eventLoopUtilization, after.eventLoopUtilization, leastShare)
  )
}

function isApart(before: number | null, after: number | null, least: number): boolean {
  if (before === null || after === null) return before !== after
  return Math.abs(after - before) >= least
}
