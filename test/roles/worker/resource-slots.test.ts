import t from 'tap'
import { resolveWorkerOptions } from '../../../src/roles/worker/resolve-worker-options.js'
import { type ResourceSlotOptions, ResourceSlots, resources } from '../../../src/roles/worker/slots/resource-slots.js'
import { vramBudget } from '../../../src/roles/worker/slots/vram-budget.js'
import { idleWorker } from '../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'

const gib = 2 ** 30
const machine = { cpus: 4, memoryBytes: 16 * gib }

t.test('a slot is opened only once all are taken, the targets allow it, and the ramp has passed', (t) => {
  const slots = new ResourceSlots(resources({ min: 2, max: 4, rampMs: 500 }), machine)
  t.equal(slots.allowed, 2)
  t.equal(slots.measure(idleWorker, 1, 0), false, 'one is free')
  t.equal(slots.measure(idleWorker, 2, 0), true)
  t.equal(slots.measure(idleWorker, 3, 499), false, 'within the ramp')
  t.equal(slots.measure(idleWorker, 3, 500), true)
  t.equal(slots.measure(idleWorker, 4, 2_000), false, 'no more than max')
  t.equal(slots.allowed, 4)
  t.end()
})

t.test('each scarce resource closes slots one by one, down to the minimum', (t) => {
  const cases: [string, Partial<typeof idleWorker>][] = [
    ['memory of its cgroup', { memoryLimitBytes: 8 * gib, memoryHeadroomBytes: 1.5 * gib }],
    ['memory of the machine', { memoryLimitBytes: null, memoryHeadroomBytes: 3 * gib }],
    ['its CPU quota', { cpuQuotaCores: 2, cpuUsedCores: 1.9 }],
    ['CPUs of the machine', { cpuQuotaCores: null, cpuUsedCores: 3.7 }],
    ['pressure', { memoryPressurePercent: 21 }],
  ]
  for (const [name, scarce] of cases) {
    const slots = new ResourceSlots(resources({ rampMs: 100 }), machine)
    for (let step = 1; step <= 4; step++) slots.measure(idleWorker, slots.allowed, step * 100)
    t.equal(slots.allowed, 5)
    const reading = { ...idleWorker, ...scarce }
    t.equal(slots.measure(reading, 5, 500), true, name)
    t.equal(slots.allowed, 4, name)
    slots.measure(reading, 2, 600)
    t.equal(slots.allowed, 2, `${name}: free slots are closed at once`)
    for (let step = 7; step <= 12; step++) slots.measure(reading, slots.allowed, step * 100)
    t.equal(slots.allowed, 1, name)
  }
  t.end()
})

t.test('what cannot be read closes no slot', (t) => {
  const slots = new ResourceSlots(resources({ rampMs: 0 }), machine)
  const unreadable = { ...idleWorker, memoryHeadroomBytes: null, memoryLimitBytes: null, memoryPressurePercent: null }
  t.equal(slots.measure(unreadable, 1, 0), true)
  t.equal(slots.allowed, 2)
  t.end()
})

t.test('a worker whose concurrency follows its resources grants and revokes slots by its readings', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const { view } = await memory.operator()
  const worker = await memory.worker('w1', { concurrency: resources({ max: 3, rampMs: 1_000 }) })
  const first = worker.trySlot()
  t.ok(first)
  t.equal(worker.trySlot(), undefined)
  const second = worker.slot()
  await memory.clock.advance(2_000)
  await second
  t.ok(worker.concurrency >= 2)
  await memory.clock.advance(1_000)
  t.match(view.status().workers, [{ concurrency: worker.concurrency }], 'the plane shows how many it takes')

  memory.reading = { ...idleWorker, memoryHeadroomBytes: 0 }
  await memory.clock.advance(5_000)
  t.equal(worker.concurrency, 1)
  t.equal((await second).signal.aborted, true, 'the later of the open slots is revoked')
  t.equal(first?.signal.aborted, false)
})

t.test('a budget of device memory refuses a slot that does not tell how much it needs', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const worker = await memory.worker('w1', { concurrency: 8, admission: vramBudget(10 * gib) })
  t.throws(() => worker.trySlot(), { code: 'NUMACAST_INVALID_ARGUMENT', message: /vramBytes/ })
  t.ok(worker.trySlot({ vramBytes: 8 * gib }))
  t.equal(worker.trySlot({ vramBytes: 4 * gib }), undefined)
  t.ok(worker.trySlot({ vramBytes: 2 * gib }))
})

t.test('sizes that are no integers leave nothing of a budget in use once they are released', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const { view } = await memory.operator()
  const worker = await memory.worker('w1', { concurrency: 4, admission: vramBudget(4.3 * gib) })
  const small = await memory.plane.settle(worker.begin('small', { vramBytes: 0 }))
  for (const [first, second] of [
    [1.6, 2.7],
    [0.1, 0.7],
  ] as const) {
    const a = await memory.plane.settle(worker.begin('a', { vramBytes: first * gib }))
    const b = await memory.plane.settle(worker.begin('b', { vramBytes: second * gib }))
    b.complete()
    a.complete()
    const all = worker.trySlot({ vramBytes: 4.3 * gib })
    t.ok(all, 'the whole budget is free')
    all?.release()
  }
  await memory.clock.advance(2_000)
  t.match(view.snapshot().worker('w1')?.load, { vramUsedBytes: 0, inFlight: 1 })
  t.equal(worker.participant.counters.get('worker.publish-failed.NUMACAST_INVALID_ARGUMENT'), 0)
  small.complete()
})

t.test('strategies that make no sense are refused with the name of the option', (t) => {
  const cases: [ResourceSlotOptions, RegExp][] = [
    [{ targetMemory: 0 }, /targetMemory/],
    [{ targetCpu: 1.1 }, /targetCpu/],
    [{ maxMemoryPressurePercent: -1 }, /maxMemoryPressurePercent/],
    [{ min: 0 }, /min must be an integer from 1/],
    [{ min: 3, max: 2 }, /max must be an integer from min \(3\)/],
    [{ rampMs: -1 }, /rampMs/],
  ]
  for (const [options, message] of cases) {
    t.throws(() => resources(options), { code: 'NUMACAST_INVALID_ARGUMENT', message }, JSON.stringify(options))
  }
  const unchecked = { ...resources(), max: 0 }
  t.throws(() => resolveWorkerOptions({ workerId: 'w', concurrency: unchecked }), { message: /max must be an integer/ })
  for (const maxBytes of [0, -1, Number.NaN, Infinity]) {
    t.throws(() => vramBudget(maxBytes), { code: 'NUMACAST_INVALID_ARGUMENT', message: /maxBytes/ })
  }
  t.end()
})
