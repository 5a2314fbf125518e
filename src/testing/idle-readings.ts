import type { ZoneReading } from '../roles/node/readings/zone-readings.js'
import type { WorkerReading } from '../roles/worker/readings/worker-readings.js'

const gib = 1024 ** 3

/** What a collector measures of a zone without load. */
export const idleZone: ZoneReading = {
  cpus: 4,
  memoryTotalBytes: 16 * gib,
  memoryAvailableBytes: 12 * gib,
  distances: { '0': 10 },
  memoryLimitBytes: 8 * gib,
  memoryHeadroomBytes: 6 * gib,
  cpuQuotaCores: null,
  cpuHeadroomCores: 3.5,
  memoryPressurePercent: 0,
  cpuPressurePercent: null,
  memoryPressureAvg60Percent: 0,
  cpuPressureAvg60Percent: null,
}

/** What a worker without load measures of its process. */
export const idleWorker: WorkerReading = {
  memoryResidentBytes: 64 * 1024 ** 2,
  memoryLimitBytes: 8 * gib,
  memoryHeadroomBytes: 6 * gib,
  cpuUsedCores: 0.1,
  cpuQuotaCores: null,
  memoryPressurePercent: null,
  cpuPressurePercent: null,
  memoryPressureAvg60Percent: null,
  cpuPressureAvg60Percent: null,
  cpuThrottledPercent: null,
  eventLoopUtilization: 0.25,
}
