import t from 'tap'
import { rank } from '../../src/placement/rank/rank.js'
import { resolveRequest } from '../../src/placement/request/placement-request.js'
import { workerProcessKey } from '../../src/plane/vocabulary/keys.js'
import { planePartition, upPartition } from '../../src/plane/vocabulary/partitions.js'
import { type PublishedProfile, workerProfile } from '../../src/plane/worker/worker-profile.js'
import type { Worker } from '../../src/roles/worker/worker.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import type { FleetView } from '../../src/views/fleet-view.js'
import type { WorkerProfile } from '../../src/views/snapshot/worker-row.js'

t.setTimeout(300_000)

const settledMs = 4_000
const profileOf = (view: FleetView, workerId: string): WorkerProfile | null | undefined =>
  view.snapshot().worker(workerId)?.profile
const incarnationOf = ({ participant }: Worker): number => participant.incarnation

t.test('a worker’s profile reaches the plane, its changes too, and a late view', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a', {
    capabilities: ['transcode@2'],
    tags: ['region=eu'],
    labels: { rack: '7' },
    taints: [{ key: 'spot', effect: 'PreferNoSchedule' }],
    admission: { kind: 'vram-budget', vramBudgetBytes: 1_000 },
    residents: ['llama'],
    shards: ['s1'],
    zone: 'eu-1',
  })
  const { view, leave } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  t.strictSame(profileOf(view, 'a'), {
    incarnation: incarnationOf(worker),
    capabilities: ['transcode@2'],
    tags: ['region=eu'],
    labels: {
      rack: '7',
      'numacast.io/host': 'memory',
      'numacast.io/zone': 'eu-1',
      'numacast.io/numa-node': '0',
      'numacast.io/cpu-model': 'simulated',
    },
    taints: [{ key: 'spot', value: '', effect: 'prefer-no-schedule' }],
    queues: [],
    admission: { kind: 'vram-budget', vramBudgetBytes: 1_000 },
    residents: ['llama'],
    shards: ['s1'],
    numaBound: true,
  })
  const before = view.snapshot()
  worker.update({ residents: ['llama', 'mistral'], taints: [] })
  await fleet.clock.advance(200)
  t.match(profileOf(view, 'a'), { residents: ['llama', 'mistral'], taints: [], shards: ['s1'] })
  t.match(before.worker('a')?.profile, { residents: ['llama'] }, 'an earlier snapshot is as it was')
  const late = await fleet.operator('late')
  await fleet.plane.settle(late.view.synced())
  t.match(profileOf(late.view, 'a'), { residents: ['llama', 'mistral'] })

  const nowMs = fleet.clock.nowMs()
  const request = { capability: 'transcode@2', residents: ['mistral'], vramBytes: 10, memoryBytes: 1_000 }
  t.equal(rank(late.view.snapshot(), resolveRequest(request), { nowMs }).best?.workerId, 'a')
  const tooOld = rank(view.snapshot(), resolveRequest({ capability: 'transcode@1' }), { nowMs })
  t.same(tooOld.refusedByReason(), { 'no-capability': 1, 'missing-vram-hint': 1 })
  await t.rejects(async () => worker.update({ capabilities: ['x'] }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await fleet.plane.settle(worker.close())
  t.throws(() => worker.update({ tags: [] }), { code: 'NUMACAST_CLOSED' })
  await leave()
  await late.leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a profile outlives its collector, and changes reach the plane through the next server', async (t) => {
  for (const successor of ['restarted collector', 'other collector', 'scheduler'] as const) {
    const fleet = new MemoryFleet()
    const collector = await fleet.collector({ adopts: false })
    if (successor === 'other collector') await fleet.collector({ numaNode: 1 })
    if (successor === 'scheduler') await fleet.scheduler()
    const worker = await fleet.worker('a', { capabilities: ['transcode@2'] })
    const { view } = await fleet.operator()
    await fleet.clock.advance(settledMs)
    t.match(profileOf(view, 'a'), { capabilities: ['transcode@2'] })
    fleet.kill(collector)
    worker.update({ capabilities: ['transcode@2', 'transcode@3'] })
    for (let passed = 0; passed < 3_000; passed += 100) {
      await fleet.clock.advance(100)
      t.ok(profileOf(view, 'a')?.capabilities.includes('transcode@2'), `${successor}: ${passed} ms after the death`)
    }
    if (successor === 'restarted collector') await fleet.collector({ adopts: false })
    await fleet.clock.advance(10_000)
    t.match(profileOf(view, 'a'), { capabilities: ['transcode@2', 'transcode@3'] }, successor)
    t.equal(view.worker('a')?.liveliness, 'alive')
    await fleet.lateView((late) => {
      t.match(profileOf(late, 'a'), { capabilities: ['transcode@2', 'transcode@3'] }, `${successor}, to a late view`)
    })
    await fleet.close()
  }
})

t.test('a profile ends with the row of its process', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({ deadRetentionMs: 20_000 })
  const first = await fleet.worker('a', { tags: ['first'] })
  const { view } = await fleet.operator()
  const watcher = await fleet.join({ name: 'watcher' })
  const reader = watcher.reader(workerProfile, { partition: planePartition })
  const keyOf = (worker: Worker): string => workerProcessKey({ workerId: 'a', incarnation: incarnationOf(worker) })
  const held = (worker: Worker): boolean => reader.get(keyOf(worker)) !== undefined
  await fleet.clock.advance(settledMs)
  fleet.kill(first)
  await fleet.clock.advance(10_000)
  t.ok(held(first), 'kept while the dead worker has a row')
  t.match(profileOf(view, 'a'), { tags: ['first'] })

  const second = await fleet.worker('a', { tags: ['second'] })
  await fleet.clock.advance(10_000)
  t.match(profileOf(view, 'a'), { tags: ['second'] })
  t.notOk(held(first), 'its name has been taken')
  t.ok(held(second))
  await fleet.plane.settle(second.close())
  await fleet.clock.advance(60_000)
  t.equal(view.worker('a'), undefined)
  t.equal(view.snapshot().worker('a'), undefined)
  t.notOk(held(second), 'its row has ended')
  await watcher.close()
  await fleet.close()
})

t.test('what another process writes under a worker’s key does not reach the plane', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('a', { tags: ['own'] })
  const { view } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  const forger = await fleet.join({ name: 'forger', properties: { role: 'worker', workerId: 'a' } })
  const published = view.snapshot().worker('a')?.profile
  if (published === undefined || published === null) throw new Error('the profile has not arrived')
  const profiles = forger.writer(workerProfile, { partition: upPartition('boot', 0) })
  profiles.write({ ...structuredClone(published), workerId: 'a', tags: ['forged'] } as PublishedProfile)
  await fleet.clock.advance(settledMs)
  t.strictSame(profileOf(view, 'a')?.tags, ['own'])
  t.equal(collector.participant.counters.snapshot()['relay.rejected.foreign-worker'], 1)
  worker.update({ tags: ['new'] })
  await fleet.clock.advance(settledMs)
  t.strictSame(profileOf(view, 'a')?.tags, ['new'])
  await fleet.plane.settle(forger.close())
  await fleet.close()
})

t.test('a worker that changes its queues obeys the throttles of the new ones', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a', { queues: ['red'], concurrency: 5 })
  const { view, issuer } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  const red = issuer.apply('throttle-queue', 'red', { maxInFlight: 1 })
  issuer.apply('throttle-queue', 'blue', { maxInFlight: 2 })
  await fleet.clock.advance(1_000)
  const throttles = (): unknown => [...worker.directives.queues].sort()
  t.strictSame(throttles(), [['red', 1]])
  worker.update({ queues: ['blue'] })
  t.strictSame(throttles(), [['blue', 2]], 'at once')
  await fleet.clock.advance(1_000)
  t.strictSame(profileOf(view, 'a')?.queues, ['blue'])
  const slots = [worker.trySlot(), worker.trySlot(), worker.trySlot()]
  t.strictSame(
    slots.map((slot) => slot?.queue),
    ['blue', 'blue', undefined],
    'the only declared queue is the default, and its throttle counts',
  )
  worker.update({ queues: ['red', 'blue'] })
  t.strictSame(throttles(), [
    ['blue', 2],
    ['red', 1],
  ])
  issuer.lift('throttle-queue', 'red')
  await fleet.clock.advance(1_000)
  t.strictSame(throttles(), [['blue', 2]])
  t.ok(red.intent.intentId)
  worker.update({ queues: [] })
  t.strictSame(throttles(), [['blue', 2]], 'any queue: every throttle')
  for (const slot of slots) slot?.release()
  await fleet.close()
})
