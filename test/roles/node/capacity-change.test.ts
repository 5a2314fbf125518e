import t from 'tap'
import type { WorkerCapacity } from '../../../src/plane/worker/worker-capacity.js'
import { differs, loadDiffers } from '../../../src/roles/node/capacity-change.js'
import { idleWorker } from '../../../src/testing/idle-readings.js'

const capacity: WorkerCapacity = {
  workerId: 'w',
  incarnation: 1,
  numaNode: 0,
  ...idleWorker,
  memoryLimitBytes: 1_000,
  memoryHeadroomBytes: 600,
  cpuQuotaCores: 4,
  cpuUsedCores: 1,
  memoryPressurePercent: 10,
  cpuThrottledPercent: 20,
}

t.test('a reading that no decision depends on is the same', (t) => {
  const same: readonly Partial<WorkerCapacity>[] = [
    {},
    { memoryResidentBytes: 9_999 },
    { memoryHeadroomBytes: 560 },
    { cpuUsedCores: 1.15 },
    { eventLoopUtilization: 0.29 },
    { memoryPressurePercent: 14 },
    { cpuThrottledPercent: 16 },
  ]
  for (const over of same) t.equal(differs(capacity, { ...capacity, ...over }), false, JSON.stringify(over))
  const unlimited = { ...capacity, memoryLimitBytes: null, memoryHeadroomBytes: 0 }
  t.equal(differs(unlimited, unlimited), false, 'nothing left, and no limit')
  t.end()
})

t.test('a capacity differs by a limit or by a noticeable reading', (t) => {
  const other: readonly Partial<WorkerCapacity>[] = [
    { memoryLimitBytes: 1_001 },
    { memoryLimitBytes: null },
    { cpuQuotaCores: null },
    { memoryHeadroomBytes: 550 },
    { memoryHeadroomBytes: null },
    { cpuUsedCores: 1.21 },
    { eventLoopUtilization: 0.31 },
    { memoryPressurePercent: 15 },
    { memoryPressurePercent: null },
    { cpuPressurePercent: 0 },
    { memoryPressureAvg60Percent: 1 },
    { cpuPressureAvg60Percent: 1 },
    { cpuThrottledPercent: 26 },
    { cpuThrottledPercent: null },
  ]
  for (const over of other) t.equal(differs(capacity, { ...capacity, ...over }), true, JSON.stringify(over))
  const small = { ...capacity, cpuQuotaCores: 0.5, cpuUsedCores: 0.1 }
  t.equal(differs(small, { ...small, cpuUsedCores: 0.15 }), false, 'less than a tenth of a core')
  t.equal(differs(small, { ...small, cpuUsedCores: 0.21 }), true)
  t.end()
})

t.test('a row is not written for a reading that it does not show', (t) => {
  const busy: WorkerCapacity = { ...capacity, cpuUsedCores: 4 }
  t.equal(loadDiffers(capacity, busy), false)
  t.equal(loadDiffers({ eventLoopUtilization: null, memoryHeadroomBytes: null }, capacity), true, 'the first reading')
  t.end()
})
