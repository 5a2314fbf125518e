// The collector of a zone.   node collector.js DOMAIN ZONE
import { Collector } from '../../src/index.js'
import type { ZoneReading } from '../../src/roles/node/readings/zone-readings.js'
import { act } from '../actors/act.js'
import { UsageMeter } from './usage.js'

const [domain = 0, zone = 0] = process.argv.slice(2).map(Number)
/** Fixed readings: this machine has fewer NUMA nodes, and the readings are not measured here. */
const reading: ZoneReading = {
  cpus: 1,
  memoryTotalBytes: 2 ** 30,
  memoryAvailableBytes: 2 ** 29,
  distances: {},
  memoryLimitBytes: null,
  memoryHeadroomBytes: null,
  cpuQuotaCores: null,
  cpuHeadroomCores: 1,
  memoryPressurePercent: null,
  cpuPressurePercent: null,
  memoryPressureAvg60Percent: null,
  cpuPressureAvg60Percent: null,
}
const meter = new UsageMeter()
const calls = act({
  async open(_: undefined) {
    await Collector.start({ domain, numaNode: zone }, { openReadings: () => ({ read: () => reading, close() {} }) })
  },
  begin: (_: undefined) => meter.start(),
  end: (_: undefined) => meter.read(),
})
export type CollectorCalls = typeof calls
