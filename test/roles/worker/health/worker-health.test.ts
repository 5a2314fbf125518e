import t from 'tap'
import { seededRandom } from '../../../../src/core/random.js'
import { rank } from '../../../../src/placement/rank/rank.js'
import { resolveRequest } from '../../../../src/placement/request/placement-request.js'
import { type HealthOptions, resolveHealth } from '../../../../src/roles/worker/health/health-options.js'
import { BlockableLoop } from '../../../../src/testing/blockable-loop.js'
import { idleWorker } from '../../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../../src/testing/memory-fleet.js'
import { deferred } from '../../../support/deferred.js'

t.test('a worker with a health check takes no work until the check has passed, nor while it fails', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const first = deferred()
  let outcome: () => Promise<void> | void = () => first.promise
  const worker = await memory.worker('w1', { health: { check: () => outcome(), checkIntervalMs: 1_000 } })
  t.match(worker.admission, {
    open: false,
    code: 'unhealthy',
    reason: 'unhealthy: the health check has not passed yet',
  })
  t.equal(worker.trySlot(), undefined)
  first.resolve()
  await memory.clock.advance(10)
  t.equal(worker.admission.open, true)

  outcome = () => {
    throw new Error('the model is not loaded')
  }
  await memory.clock.advance(1_500)
  t.match(worker.admission, {
    code: 'unhealthy',
    reason: 'unhealthy: the health check failed: the model is not loaded',
  })
  t.strictSame(worker.healthProblems, [{ aspect: 'check', reason: 'the health check failed: the model is not loaded' }])
  worker.declareUnhealthy('it is being repaired')
  t.match(worker.admission, { reason: /model is not loaded; it is being repaired$/ })
  worker.declareHealthy()
  t.equal(worker.admission.open, false, 'the check still fails')
  outcome = () => undefined
  await memory.clock.advance(1_500)
  t.equal(worker.admission.open, true)
  t.ok((worker.participant.counters.snapshot()['worker.health-check-failed'] ?? 0) >= 1)
})

t.test('a health check that takes too long has failed, and its signal aborts', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const signals: AbortSignal[] = []
  const hung = deferred()
  const check = (signal: AbortSignal): Promise<void> | undefined => {
    signals.push(signal)
    return signals.length === 2 ? hung.promise : undefined
  }
  const health: HealthOptions = {
    check: async (signal) => check(signal),
    checkIntervalMs: 1_000,
    checkTimeoutMs: 300,
  }
  const worker = await memory.worker('w1', { health })
  await memory.clock.advance(100)
  t.equal(worker.admission.open, true)
  await memory.clock.advance(1_500)
  t.match(worker.admission, { code: 'unhealthy', reason: 'unhealthy: the health check has taken longer than 300 ms' })
  t.equal(signals[1]?.aborted, true)
  await memory.clock.advance(5_000)
  t.equal(signals.length, 2, 'no check begins before the last one has ended')
  hung.resolve()
  await memory.clock.advance(1_500)
  t.equal(worker.admission.open, true)
  t.equal(worker.participant.counters.snapshot()['worker.health-check-timed-out'], 1)
})

t.test('a health check that throws a value without a text has failed', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  let thrown: unknown = Object.create(null)
  const check = (): void => {
    if (thrown !== undefined) throw thrown
  }
  const worker = await memory.worker('w1', { health: { check, checkIntervalMs: 1_000 } })
  await memory.clock.advance(100)
  t.match(worker.admission, { reason: 'unhealthy: the health check failed: a value without a text' })
  thrown = undefined
  await memory.clock.advance(1_500)
  t.equal(worker.admission.open, true, 'the next check runs')
})

t.test('the check that runs is aborted when the worker closes', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  let aborted = false
  const check = (signal: AbortSignal): Promise<void> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true
        reject(new Error('aborted'))
      })
    })
  const worker = await memory.worker('w1', { health: { check } })
  await memory.clock.advance(100)
  await memory.plane.settle(worker.close())
  t.ok(aborted)
})

t.test('a worker whose readings exceed a bound is unhealthy until they have kept within it for a while', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const health: HealthOptions = {
    minMemoryHeadroomBytes: 2 ** 30,
    maxMemoryPressurePercent: 20,
    maxCpuPressurePercent: 50,
    recoverAfterMs: 3_000,
  }
  const worker = await memory.worker('w1', { health })
  const free = await memory.worker('w2')
  await memory.clock.advance(1_000)
  t.equal(worker.admission.open, true)
  memory.reading = { ...idleWorker, memoryHeadroomBytes: 2 ** 29, memoryPressurePercent: 35, cpuPressurePercent: 50 }
  await memory.clock.advance(1_500)
  t.strictSame(worker.healthProblems, [
    { aspect: 'memory-headroom', reason: '512 MiB of memory are left, less than 1024 MiB' },
    { aspect: 'memory-pressure', reason: 'tasks waited for memory during 35 % of 10 s, more than 20 %' },
  ])
  t.equal(free.admission.open, true, 'without bounds the same readings change nothing')
  memory.reading = { ...idleWorker, memoryHeadroomBytes: null }
  await memory.clock.advance(1_500)
  t.equal(worker.healthProblems.length, 2, 'it must keep within the bounds for 3 s')
  await memory.clock.advance(3_000)
  t.strictSame(worker.healthProblems, [])
  t.equal(worker.admission.open, true)
})

t.test('a worker whose main loop was blocked is unhealthy for a while', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const loop = new BlockableLoop(memory.clock, seededRandom(1))
  const participant = await memory.join({ name: 'worker w1' }, loop)
  const { Worker } = await import('../../../../src/roles/worker/worker.js')
  const readings = { read: () => idleWorker, close() {} }
  const health: HealthOptions = { maxLoopDelayMs: 1_000, recoverAfterMs: 2_000 }
  const starting = Worker.start({ workerId: 'w1', numaNode: 0, health }, { participant, readings })
  const worker = await memory.plane.settle(starting)
  t.teardown(() => memory.plane.settle(worker.close()))
  await memory.clock.advance(2_000)
  t.equal(worker.admission.open, true)
  loop.block(1_700)
  await memory.clock.advance(1_710)
  t.match(worker.admission, {
    code: 'unhealthy',
    reason: /^unhealthy: its main loop was blocked for 1\d{3} ms, more than/,
  })
  await memory.clock.advance(3_000)
  t.equal(worker.admission.open, true)
})

t.test('placement refuses an unhealthy worker for now, and the status shows why', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const worker = await memory.worker('w1')
  const { view } = await memory.operator()
  worker.declareUnhealthy('the disk is full')
  await memory.clock.advance(1_000)
  t.match(view.status().workers, [
    { workerId: 'w1', state: 'unhealthy', admissionOpen: false, admissionReason: 'unhealthy: the disk is full' },
  ])
  const refused = rank(view.snapshot(), resolveRequest({}), { nowMs: memory.clock.nowMs() })
  t.equal(refused.size, 0)
  t.match(refused.explain('w1'), { reasons: ['unhealthy'], retryAfterMs: Number })
  worker.declareHealthy()
  await memory.clock.advance(1_000)
  t.equal(rank(view.snapshot(), resolveRequest({}), { nowMs: memory.clock.nowMs() }).size, 1)
})

t.test('health options that make no sense are refused with the name of the option', (t) => {
  const cases: [HealthOptions, RegExp][] = [
    [{ checkIntervalMs: 0 }, /health\.checkIntervalMs/],
    [{ checkTimeoutMs: Number.NaN }, /health\.checkTimeoutMs/],
    [{ maxLoopDelayMs: 0 }, /health\.maxLoopDelayMs/],
    [{ recoverAfterMs: -1 }, /health\.recoverAfterMs/],
    [{ minMemoryHeadroomBytes: -1 }, /health\.minMemoryHeadroomBytes/],
    [{ maxMemoryPressurePercent: 101 }, /health\.maxMemoryPressurePercent/],
    [{ maxCpuPressurePercent: Number.NaN }, /health\.maxCpuPressurePercent/],
    [{ check: 'yes' as unknown as () => void }, /health\.check must be a function/],
  ]
  for (const [options, message] of cases) {
    t.throws(() => resolveHealth(options), { code: 'NUMACAST_INVALID_ARGUMENT', message }, JSON.stringify(options))
  }
  t.end()
})
