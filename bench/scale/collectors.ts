// The collectors of some zones.   node collectors.js DOMAIN FIRST COUNT
import { Collector } from '../../src/index.js'
import type { ZoneReading } from '../../src/roles/zone-readings.js'
import { act } from '../actors/act.js'
import { UsageMeter } from './usage.js'

const [domain = 0, first = 0, count = 0] = process.argv.slice(2).map(Number)
/** This machine has not that many NUMA nodes; what a zone measures is not what is measured here. */
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
}
const meter = new UsageMeter()
const collectors: Collector[] = []
const calls = act({
  async open(_: undefined) {
    for (let zone = first; zone < first + count; zone++) {
      const openReadings = () => ({ read: () => reading, close() {} })
      collectors.push(await Collector.start({ domain, numaNode: zone }, { openReadings }))
    }
  },
  workers: (_: undefined) => collectors.reduce((sum, { workers }) => sum + workers, 0),
  begin: (_: undefined) => meter.start(),
  end: (_: undefined) => meter.read(),
})
export type CollectorsCalls = typeof calls
