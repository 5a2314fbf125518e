// Each default policy live: from a reading of a collector or worker to the intent that a worker obeys, and to its lift.
import t, { type Test } from 'tap'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import type { Worker } from '../../../src/roles/worker/worker.js'
import { idleZone } from '../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { deferred } from '../../support/deferred.js'

t.setTimeout(300_000)

const gib = 1024 ** 3

/** Opens a fleet of one host with these NUMA nodes, whose zones a test sets, and a scheduler with its defaults. */
async function openHost(t: Test, nodes: number) {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  const zones = Array.from({ length: nodes }, () => idleZone)
  const collectors = []
  for (let numaNode = 0; numaNode < nodes; numaNode++) {
    const readings = { read: () => zones[numaNode] ?? idleZone, close() {} }
    collectors.push(await fleet.collector({ numaNode }, readings))
  }
  const scheduler = await fleet.scheduler({ adopts: false })
  return { fleet, zones, collectors, scheduler }
}

/** Starts jobs that end when the returned function is called. */
async function occupy(fleet: MemoryFleet, worker: Worker, jobs: number): Promise<() => Promise<unknown>> {
  const end = deferred()
  const running = Array.from({ length: jobs }, (_, job) => worker.run(`${worker.workerId}-${job}`, () => end.promise))
  await fleet.clock.advance(1_000)
  return () => {
    end.resolve()
    return fleet.plane.settle(Promise.all(running))
  }
}

t.test('memory stalls pause a node, and it is released when the longer average has fallen', async (t) => {
  const { fleet, zones } = await openHost(t, 1)
  const worker = await fleet.worker('a')
  await fleet.clock.advance(5_000)
  // Less than the 20 % over 10 s at which the memory pressure policy acts.
  zones[0] = { ...idleZone, memoryPressurePercent: 18, memoryPressureAvg60Percent: 6 }
  await fleet.clock.advance(20_000)
  t.equal(worker.admission.open, true, 'a burst')
  zones[0] = { ...idleZone, memoryPressurePercent: 18, memoryPressureAvg60Percent: 18 }
  await fleet.clock.advance(60_000)
  t.match(worker.admission, { code: 'paused', reason: /^paused: tasks waited for memory in 18 % of the last 10 s and/ })
  zones[0] = { ...idleZone, memoryPressurePercent: 0, memoryPressureAvg60Percent: 12 }
  await fleet.clock.advance(20_000)
  t.equal(worker.admission.open, false, 'the longer average is over the threshold')
  zones[0] = idleZone
  await fleet.clock.advance(60_000)
  t.equal(worker.admission.open, true)
})

t.test('memory that rises towards the limit lowers the jobs at once, and room raises them again', async (t) => {
  const { fleet, zones } = await openHost(t, 1)
  const worker = await fleet.worker('a', { concurrency: 8 })
  const endJobs = await occupy(fleet, worker, 8)
  await fleet.clock.advance(5_000)
  t.equal(worker.directives.concurrency, 8)
  zones[0] = { ...idleZone, memoryHeadroomBytes: 8 * gib * 0.15 }
  await fleet.clock.advance(4_000)
  const lowered = worker.directives.concurrency
  t.ok(lowered < 8 && lowered >= 1, `${lowered} of 8`)
  await fleet.clock.advance(60_000)
  t.equal(worker.directives.concurrency, 1, 'it goes down while the reading stays, and never to nothing')
  await endJobs()
  zones[0] = idleZone
  const limits = new Set<number>()
  for (let second = 0; second < 60; second++) {
    await fleet.clock.advance(1_000)
    limits.add(worker.directives.concurrency)
  }
  t.strictSame([...limits], [1, 2, 3, 4, 5, 6, 7, 8], 'one job at a time, up to what the worker takes by itself')
})

t.test('contention for CPUs sends work to the node that has idle ones, and is over with the pressure', async (t) => {
  const { fleet, zones } = await openHost(t, 2)
  const pressed = await fleet.worker('a', { concurrency: 4 })
  const idle = await fleet.worker('b', { numaNode: 1 })
  const endJobs = await occupy(fleet, pressed, 4)
  zones[0] = { ...idleZone, cpuPressurePercent: 60, cpuHeadroomCores: 0 }
  await fleet.clock.advance(10_000)
  t.match(pressed.admission, { code: 'paused', reason: /^paused: every CPU is busy/ })
  t.equal(idle.admission.open, true)
  await endJobs()
  zones[0] = { ...idleZone, cpuPressurePercent: 10 }
  await fleet.clock.advance(30_000)
  t.equal(pressed.admission.open, true)
})

t.test('a used-up CPU quota halves the jobs at once, and is over with the pressure', async (t) => {
  const { fleet, zones } = await openHost(t, 1)
  const worker = await fleet.worker('a', { concurrency: 4 })
  const endJobs = await occupy(fleet, worker, 4)
  zones[0] = { ...idleZone, cpuPressurePercent: 60, cpuQuotaCores: 2, cpuHeadroomCores: 0 }
  await fleet.clock.advance(10_000)
  t.equal(worker.directives.concurrency, 2)
  t.equal(worker.directives.pause, null)
  await endJobs()
  zones[0] = idleZone
  await fleet.clock.advance(30_000)
  t.equal(worker.directives.concurrency, 4)
})

t.test('a worker whose loop stood still is drained, learns of it when it runs again, and is released', async (t) => {
  const { fleet, scheduler } = await openHost(t, 1)
  const stalled = await fleet.worker('a')
  const others = [await fleet.worker('b'), await fleet.worker('c')]
  await fleet.clock.advance(5_000)
  fleet.setState(stalled, 'running')
  fleet.cutOff(stalled)
  await fleet.clock.advance(30_000)
  t.match(scheduler.view.worker('a'), { liveliness: 'stalled' })
  t.match(scheduler.view.currentIntent('drain', 'a')?.intent, {
    action: 'apply',
    reason: 'its event loop stands still',
  })
  fleet.reconnect(stalled)
  await fleet.clock.advance(3_000)
  t.match(stalled.admission, { code: 'draining', reason: 'draining: its event loop stands still' })
  t.ok(others.every(({ admission }) => admission.open))
  await fleet.clock.advance(40_000)
  t.equal(stalled.admission.open, true)
})

t.test('work and shards move from a full node to an idle one of its host, until they are even', async (t) => {
  const { fleet, zones } = await openHost(t, 2)
  const pressed = await fleet.worker('a', { concurrency: 8, shards: ['s1', 's2'] })
  const idle = await fleet.worker('b', { numaNode: 1, concurrency: 8 })
  const endJobs = await occupy(fleet, pressed, 8)
  zones[0] = { ...idleZone, cpuHeadroomCores: 0.4 }
  await fleet.clock.advance(20_000)
  t.equal(pressed.directives.concurrency, 5, '90 % and 25 % are even with 64 % of the jobs')
  t.equal(idle.directives.concurrency, 8)
  t.strictSame(idle.directives.preferredShards, ['s1', 's2'])
  await endJobs()
  zones[0] = idleZone
  await fleet.clock.advance(40_000)
  t.equal(pressed.directives.concurrency, 8)
  t.strictSame(idle.directives.preferredShards, [])
})

t.test('a node without a collector is paused for placement, and released when it has one again', async (t) => {
  const { fleet, collectors, scheduler } = await openHost(t, 2)
  const worker = await fleet.worker('a')
  await fleet.clock.advance(5_000)
  const [collector] = collectors
  if (collector === undefined) throw new Error('there is no collector')
  // Neither the other collector of the host nor the scheduler may stand in.
  for (const other of collectors.slice(1)) await fleet.plane.settle(other.close())
  fleet.kill(collector)
  await fleet.clock.advance(15_000)
  const target = nodeTarget({ bootId: 'boot', numaNode: 0 })
  const standing = (): string | undefined => scheduler.view.snapshot().zone('boot', 0)?.pause?.reason
  t.match(standing(), /^no collector serves the node/)
  t.equal(worker.admission.open, true, 'nothing reaches a worker without a collector')
  await fleet.collector()
  await fleet.clock.advance(10_000)
  t.equal(standing(), undefined)
  t.equal(scheduler.view.currentIntent('pause-node', target)?.intent.action, 'lift')
  t.equal(worker.admission.open, true)
})
