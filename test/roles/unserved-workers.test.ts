import t from 'tap'
import { NumacastError } from '../../src/core/errors.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { ZoneReadings } from '../../src/roles/node/readings/zone-readings.js'
import { idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'

t.setTimeout(120_000)

/** Longer than a worker waits before it reports that no collector serves it, and a collector before it adopts a node. */
const untilServedMs = 8_000

const unservedNoticesOf = ({ counters }: Participant): number => counters.get('worker.unserved')

t.test('the only collector of a host serves the workers of a node without a collector', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ numaNode: 0 })
  const worker = await fleet.worker('w', { numaNode: 1 })
  await fleet.clock.advance(untilServedMs)
  t.equal(unservedNoticesOf(worker.participant), 1)
  t.strictSame(collector.adoptedNodes, [1])
  const document = await fleet.lateView((view) => view.status())
  t.match(document.workers, [{ workerId: 'w', numaNode: 1, liveliness: 'alive' }])
  t.match(document.nodes, [
    { numaNode: 0, collector: { adopted: false } },
    { numaNode: 1, collector: { adopted: true } },
  ])
  t.match(document.witness, { degradedMode: 'healthy', unplaced: [] })

  await fleet.plane.settle(worker.close())
  await fleet.clock.advance(300_000 + 120_000)
  t.strictSame(collector.adoptedNodes, [], 'released once its last worker is forgotten')
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('an unserved worker is shown with the reason until a collector serves it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({ numaNode: 0, adopts: false })
  const worker = await fleet.worker('w', { numaNode: 1 })
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(untilServedMs)
  const unplaced = { workerId: 'w', numaNode: 1, host: 'memory', reason: 'no-collector-for-node' }
  t.match(view.status().witness, { degradedMode: 'view-only', freshness: 'best-effort', unplaced: [unplaced] })
  t.match(await fleet.lateView((late) => late.witness().unplaced), [unplaced], 'a late view sees it, too')
  t.strictSame(view.status().workers, [])
  await fleet.collector({ numaNode: 1, adopts: false })
  await fleet.clock.advance(untilServedMs)
  t.match(view.status(), { workers: [{ workerId: 'w' }], witness: { degradedMode: 'healthy', unplaced: [] } })
  t.equal(unservedNoticesOf(worker.participant), 1)
  await leave()
  await fleet.close()
})

t.test('a worker that reports another boot id than its host’s collector is named on both sides', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('w', {}, memoryHost('memory', 'hidden'))
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(untilServedMs)
  t.match(view.witness(), {
    degradedMode: 'view-only',
    unplaced: [{ workerId: 'w', bootId: 'hidden', reason: 'other-host-identity' }],
  })
  t.equal(unservedNoticesOf(worker.participant), 1)
  t.equal(collector.participant.counters.get('collector.other-host-identity'), 1)
  await fleet.plane.settle(worker.close())
  await fleet.clock.advance(1_000)
  t.match(view.witness(), { degradedMode: 'healthy', unplaced: [] }, 'the worker has ended')
  await leave()
  await fleet.close()
})

t.test('a worker of a host without a collector is shown', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.worker('w', {}, memoryHost('other'))
  await fleet.clock.advance(untilServedMs)
  const unplaced = await fleet.lateView((view) => view.witness().unplaced)
  t.match(unplaced, [{ workerId: 'w', host: 'other', reason: 'no-collector-for-host' }])
  await fleet.close()
})

t.test('adopting a node that the machine lacks is retried rarely, and its worker stays unplaced', async (t) => {
  const fleet = new MemoryFleet()
  let opened = 0
  const open = (numaNode: number): ZoneReadings => {
    if (numaNode === 0) return { read: () => idleZone, close() {} }
    opened++
    throw new NumacastError('NUMACAST_NOT_FOUND', `no NUMA node ${numaNode}`)
  }
  const collector = await fleet.collector({ numaNode: 0 }, open)
  await fleet.worker('w', { numaNode: 7 })
  await fleet.clock.advance(60_000)
  t.ok(opened >= 1 && opened <= 3, `tried ${opened} times in a minute`)
  t.equal(collector.participant.counters.get('failover.adoption-failed'), opened)
  const witness = await fleet.lateView((view) => view.witness())
  t.match(witness, { degradedMode: 'view-only', unplaced: [{ workerId: 'w', numaNode: 7 }] })
  await fleet.close()
})
