// A host is identified by its boot id. Its name is for display: a container has its own, and two hosts may share one.
import t from 'tap'
import { concurrencyLimit } from '../../src/plane/intents/config.js'
import { planePartition } from '../../src/plane/vocabulary/partitions.js'
import { nodeTarget } from '../../src/plane/vocabulary/targets.js'
import { idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'

t.setTimeout(300_000)

const container = { host: 'container' }
const node = nodeTarget({ bootId: 'boot', numaNode: 0 })

t.test('a worker in a container obeys the pause and the limits of its host’s node', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 4 }, container)
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.apply('pause-node', node, {}, { reason: 'disk' })
  issuer.apply('rebalance', node, { maxInFlight: 3 })
  const limits = view.participant.writer(concurrencyLimit, { partition: planePartition })
  limits.write({ scope: node, reason: '', maxInFlight: 2 })
  await fleet.clock.advance(1_000)
  t.match(worker.admission, { open: false, reason: 'paused: disk' })
  t.equal(worker.concurrency, 2)
  await leave()
  await fleet.close()
})

t.test('the memory pressure policy pauses a worker in a container', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler()
  const worker = await fleet.worker('w', {}, container)
  await fleet.clock.advance(2_000)
  fleet.zone = { ...idleZone, memoryHeadroomBytes: 1 }
  await fleet.clock.advance(6_000)
  t.match(worker.admission, { open: false, reason: /^paused: 0 % of the memory is available/ })
  await fleet.close()
})

t.test('the row of a dead worker in a container ends with its retention', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ deadRetentionMs: 10_000 })
  const worker = await fleet.worker('w', {}, container)
  const { view, leave } = await fleet.operator()
  await fleet.clock.advance(2_000)
  fleet.kill(worker)
  await fleet.clock.advance(2_000)
  t.match(view.status().workers, [{ workerId: 'w', host: 'container', bootId: 'boot', liveliness: 'dead' }])
  await fleet.clock.advance(20_000)
  t.strictSame(view.status().workers, [])
  t.equal(collector.workers, 0)
  await leave()
  await fleet.close()
})

t.test('a pause of one host’s node does not pause another host of the same name', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const paused = await fleet.worker('a')
  const other = await fleet.worker('b', {}, { bootId: 'another' })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.apply('pause-node', node, {}, { reason: 'disk' })
  await fleet.clock.advance(1_000)
  t.equal(paused.admission.open, false)
  t.equal(other.admission.open, true)
  await leave()
  await fleet.close()
})

t.test('two hosts with the same name are two nodes in views and policies', async (t) => {
  const fleet = new MemoryFleet()
  const [one, other] = [memoryHost('twin', 'boot-1'), memoryHost('twin', 'boot-2')]
  await fleet.collector({}, undefined, one)
  const scarce = { read: () => ({ ...idleZone, memoryAvailableBytes: 0, memoryHeadroomBytes: 0 }), close() {} }
  await fleet.collector({}, scarce, other)
  const roomy = await fleet.worker('a', {}, one)
  const paused = await fleet.worker('b', {}, other)
  await fleet.scheduler({ adopts: false }, undefined, one)
  await fleet.clock.advance(10_000)
  const document = await fleet.lateView((view) => view.status())
  t.match(document.nodes, [
    { host: 'twin', bootId: 'boot-1', workers: { available: 1 }, collector: { liveliness: 'alive' } },
    { host: 'twin', bootId: 'boot-2', workers: { busy: 1 }, collector: { liveliness: 'alive' } },
  ])
  t.match(document.workers, [
    { workerId: 'a', bootId: 'boot-1', liveliness: 'alive' },
    { workerId: 'b', bootId: 'boot-2', liveliness: 'alive' },
  ])
  t.match(document.witness, { degradedMode: 'healthy', unplaced: [] })
  t.equal(roomy.admission.open, true)
  t.equal(paused.admission.open, false)
  await fleet.close()
})
