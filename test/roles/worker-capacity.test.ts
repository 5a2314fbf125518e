import t from 'tap'
import { rank } from '../../src/placement/rank/rank.js'
import { resolveRequest } from '../../src/placement/request/placement-request.js'
import { planePartition } from '../../src/plane/vocabulary/partitions.js'
import { type WorkerCapacity, workerCapacity } from '../../src/plane/worker/worker-capacity.js'
import { IntentIssuer } from '../../src/roles/intents/intent-issuer.js'
import type { Slot } from '../../src/roles/worker/slots/slot.js'
import { idleWorker, idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { deferred } from '../support/deferred.js'

t.setTimeout(300_000)

const settledMs = 4_000
const mib = 2 ** 20

t.test('a worker’s capacity reaches the plane, and is ranked by', async (t) => {
  const fleet = new MemoryFleet()
  fleet.zone = { ...idleZone, memoryPressureAvg60Percent: 3, cpuPressureAvg60Percent: 7 }
  fleet.reading = {
    ...idleWorker,
    cpuQuotaCores: 2,
    cpuUsedCores: 0.5,
    memoryLimitBytes: 1_000 * mib,
    memoryHeadroomBytes: 400 * mib,
    memoryPressurePercent: 1,
    cpuPressurePercent: 2,
    memoryPressureAvg60Percent: 4,
    cpuPressureAvg60Percent: 5,
    cpuThrottledPercent: 30,
  }
  await fleet.collector()
  const worker = await fleet.worker('a')
  const { view } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  const row = view.snapshot().worker('a')
  t.match(row?.headroom, {
    incarnation: worker.participant.incarnation,
    cpuQuotaCores: 2,
    cpuUsedCores: 0.5,
    memoryLimitBytes: 1_000 * mib,
    memoryHeadroomBytes: 400 * mib,
    memoryPressurePercent: 1,
    cpuPressurePercent: 2,
    memoryPressureAvg60Percent: 4,
    cpuPressureAvg60Percent: 5,
    cpuThrottledPercent: 30,
    eventLoopUtilization: 0.25,
  })
  t.match(view.snapshot().zone('boot', 0)?.row, { memoryPressureAvg60Percent: 3, cpuPressureAvg60Percent: 7 })
  const nowMs = fleet.clock.nowMs()
  const fits = (cpus: number, memoryBytes: number): string | undefined =>
    rank(view.snapshot(), resolveRequest({ cpus, memoryBytes }), { nowMs }).best?.workerId
  t.equal(fits(1.5, 399 * mib), 'a')
  t.equal(fits(1.6, 0), undefined, 'its quota allows less')
  t.equal(fits(0, 401 * mib), undefined, 'its limit allows less')
  fleet.reading = { ...fleet.reading, memoryHeadroomBytes: 10 * mib }
  await fleet.clock.advance(1_500)
  t.equal(fits(0, 20 * mib), undefined, 'within two readings')
  t.equal(view.worker('a')?.memoryHeadroomBytes, 10 * mib)
  await fleet.close()
})

t.test('a reading that changes nothing is not sent to the plane, and is refreshed', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ adopts: false, deadRetentionMs: 20_000 })
  const worker = await fleet.worker('a')
  const watcher = await fleet.join({ name: 'watcher' })
  const reader = watcher.reader(workerCapacity, { partition: planePartition })
  const seen: WorkerCapacity[] = []
  reader.onSample(({ value, instanceState }) => {
    if (value !== undefined && instanceState === 'alive') seen.push(value)
  })
  await fleet.clock.advance(settledMs)
  const { view } = await fleet.operator()
  seen.length = 0
  await fleet.clock.advance(60_000)
  t.equal(seen.length, 4, 'once in 15 s')
  const ageMs = (): number => fleet.clock.nowMs() - (view.snapshot().worker('a')?.headroom?.observedMs ?? 0)
  t.ok(ageMs() <= 16_000)
  seen.length = 0
  for (let step = 1; step <= 10; step++) {
    fleet.reading = { ...idleWorker, eventLoopUtilization: step / 10 }
    await fleet.clock.advance(1_000)
  }
  await fleet.clock.advance(500)
  t.ok(seen.length >= 8 && seen.length <= 10, `each reading that differs: ${seen.length}`)
  t.equal(seen.at(-1)?.eventLoopUtilization, view.worker('a')?.eventLoopUtilization)

  fleet.kill(collector)
  await fleet.clock.advance(5_000)
  await fleet.collector({ adopts: false, deadRetentionMs: 20_000 })
  fleet.reading = { ...idleWorker, cpuUsedCores: 3 }
  await fleet.clock.advance(10_000)
  t.equal(view.snapshot().worker('a')?.headroom?.cpuUsedCores, 3, 'through a restarted collector')
  fleet.kill(worker)
  await fleet.clock.advance(60_000)
  t.equal(reader.size === 0 || [...reader.entries()].length === 0, true, 'it ends with the worker’s row')
  await watcher.close()
  await fleet.close()
})

t.test('jobs by queue and device memory show in the row, and a budget bounds the slots', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a', {
    concurrency: 10,
    admission: { kind: 'vram-budget', vramBudgetBytes: 100 },
  })
  const { view, issuer } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  t.throws(() => worker.trySlot(), { code: 'NUMACAST_INVALID_ARGUMENT', message: /state vramBytes/ })
  t.throws(() => worker.trySlot({ vramBytes: 101 }), { message: /vramBytes 101 is more than the 100/ })
  t.throws(() => worker.trySlot({ vramBytes: -1 }), { message: /vramBytes must be a size from 0, not -1/ })
  await t.rejects(
    worker.run('j', () => {}, { vramBytes: Number.NaN }),
    { message: /vramBytes must be/ },
  )

  const job = deferred()
  const running = [
    worker.run('1', () => job.promise, { queue: 'red', vramBytes: 60 }),
    worker.run('2', () => job.promise, { queue: 'red', vramBytes: 0 }),
    worker.run('3', () => job.promise, { queue: 'blue', vramBytes: 20 }),
  ]
  t.equal(worker.trySlot({ vramBytes: 21 }), undefined, 'only 20 are left')
  let granted: Slot | undefined
  const waiting = worker.slot({ vramBytes: 30 }).then((slot) => {
    granted = slot
  })
  const small = worker.trySlot({ vramBytes: 20 })
  t.equal(small?.vramBytes, 20, 'a slot that needs more does not hold it up')
  await fleet.clock.advance(500)
  t.match(view.snapshot().worker('a')?.load, {
    inFlight: 3,
    inFlightByQueue: { red: 2, blue: 1 },
    vramUsedBytes: 80,
  })
  const nowMs = fleet.clock.nowMs()
  const reasons = (vramBytes: number): unknown =>
    rank(view.snapshot(), resolveRequest({ vramBytes }), { nowMs }).refusedByReason()
  t.same(reasons(20), {})
  t.same(reasons(21), { saturated: 1 })
  issuer.apply('throttle-queue', 'red', { maxInFlight: 2 })
  await fleet.clock.advance(500)
  const throttled = rank(view.snapshot(), resolveRequest({ queue: 'red', vramBytes: 0 }), { nowMs })
  t.same(throttled.refusedByReason(), { throttled: 1 }, 'it has as many of the queue as it may')
  t.equal(granted, undefined)
  job.resolve()
  await Promise.all(running)
  await waiting
  t.equal(granted?.vramBytes, 30)
  granted?.release()
  small?.release()
  await fleet.clock.advance(500)
  t.match(view.snapshot().worker('a')?.load, { inFlight: 0, inFlightByQueue: {}, vramUsedBytes: 0 })
  await fleet.close()
})

t.test(
  'the status shows profile and capacity of each worker, and calls without a change share one document',
  async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    await fleet.worker('w', { capabilities: ['transcode@2'], labels: { rack: '7' } })
    const { view, leave } = await fleet.operator()
    await fleet.clock.advance(4_000)
    const status = view.status()
    t.equal(view.status(), status, 'nothing has changed')
    const [worker] = status.workers
    t.match(worker, {
      profile: { capabilities: ['transcode@2'], labels: { rack: '7' }, admission: { kind: 'fixed' } },
      capacity: { cpuUsedCores: 0.1, memoryPressureAvg60Percent: null, eventLoopUtilization: 0.25 },
    })
    t.notOk('workerId' in (worker?.profile ?? {}) || 'incarnation' in (worker?.capacity ?? {}))
    t.type(worker?.capacityAgeMs, 'number')
    t.match(status.nodes, [{ memoryPressureAvg60Percent: 0, cpuPressureAvg60Percent: null }])
    t.strictSame(view.workers(), status.workers)
    t.strictSame(view.nodes(), status.nodes)

    await fleet.clock.advance(10)
    const later = view.status()
    t.not(later, status, 'ages have grown')
    t.equal(later.workers[0]?.profile, worker?.profile, 'what was published is shared')
    t.equal(later.workers[0]?.capacity, worker?.capacity)
    const issued = new IntentIssuer(view, { issuer: 'test' })
    const before = view.status()
    issued.apply('drain', 'w', { deadlineMs: null })
    await fleet.clock.advance(0)
    t.not(view.status(), before, 'an intent has come, in the same millisecond')
    t.equal(view.status().intents.length, 1)
    issued.close()
    await leave()
    await fleet.close()
  },
)
