import t from 'tap'
import { MemoryFleet, memoryHost } from '../../../src/testing/memory-fleet.js'

t.setTimeout(300_000)

const [here, there] = [memoryHost('a'), memoryHost('b')]

t.test(
  'two issuers that write to one target while out of reach of each other: every view and the worker agree afterwards',
  async (t) => {
    for (const order of ['the newer issuer writes first', 'the newer issuer writes last'] as const) {
      const fleet = new MemoryFleet()
      await fleet.collector({}, undefined, here)
      const worker = await fleet.worker('w', { concurrency: 8 }, here)
      const old = await fleet.operator('old', here)
      await fleet.clock.advance(50)
      const newer = await fleet.operator('newer', there)
      await fleet.clock.advance(4_000)
      fleet.cutHosts([here.bootId], [there.bootId])
      await fleet.clock.advance(500)
      const target = `${here.bootId}/0`
      const terms = { ttlMs: 600_000 }
      if (order === 'the newer issuer writes last') old.issuer.apply('rebalance', target, { maxInFlight: 2 }, terms)
      await fleet.clock.advance(200)
      newer.issuer.apply('rebalance', target, { maxInFlight: 4 }, terms)
      await fleet.clock.advance(200)
      if (order === 'the newer issuer writes first') old.issuer.apply('rebalance', target, { maxInFlight: 2 }, terms)
      await fleet.clock.advance(500)
      fleet.cutHosts()
      await fleet.clock.advance(8_000)
      const held = [old.view, newer.view].map((view) => view.currentIntent('rebalance', target)?.intent.issuer)
      t.strictSame(held, ['newer', 'newer'], order)
      t.equal(worker.concurrency, 4, order)
      const late = await fleet.lateView((view) => view.currentIntent('rebalance', target)?.intent.issuer, here)
      t.equal(late, 'newer', `${order}: a late view`)

      // The issuers leave. What they wrote stands, and a late joiner agrees.
      await newer.leave()
      await old.leave()
      const successor = await fleet.worker('w2', { concurrency: 8 }, here)
      await fleet.clock.advance(2_000)
      t.equal(successor.concurrency, 4, `${order}: a late worker`)
      await fleet.close()
      t.equal(fleet.clock.pendingTimers, 0)
    }
  },
)

t.test('an intent that lost does not come back for a late joiner when the winner has expired', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 8 })
  const old = await fleet.operator('old')
  await fleet.clock.advance(50)
  const newer = await fleet.operator('newer')
  await fleet.clock.advance(4_000)
  old.issuer.apply('rebalance', 'boot/0', { maxInFlight: 2 }, { ttlMs: 600_000 })
  await fleet.clock.advance(500)
  newer.issuer.apply('rebalance', 'boot/0', { maxInFlight: 4 }, { ttlMs: 10_000 })
  await fleet.clock.advance(500)
  t.equal(worker.concurrency, 4)
  await fleet.clock.advance(12_000)
  t.equal(worker.concurrency, 8)
  await newer.leave()
  await old.leave()
  const late = await fleet.worker('w2', { concurrency: 8 })
  await fleet.clock.advance(2_000)
  t.equal(late.concurrency, 8)
  t.equal(await fleet.lateView((view) => view.currentIntent('rebalance', 'boot/0')), undefined)
  await fleet.close()
})

t.test('an intent that lost stays lost for as long as it could live, also for late joiners', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler({ name: 's', policies: [] })
  const worker = await fleet.worker('w', { concurrency: 8 })
  const old = await fleet.operator('old')
  await fleet.clock.advance(50)
  const newer = await fleet.operator('newer')
  await fleet.clock.advance(4_000)
  const target = 'boot/0'
  old.issuer.apply('rebalance', target, { maxInFlight: 2 }, { ttlMs: 4 * 60 * 60_000 })
  await fleet.clock.advance(500)
  newer.issuer.apply('rebalance', target, { maxInFlight: 4 }, { ttlMs: 10_000 })
  await fleet.clock.advance(500)
  t.equal(worker.concurrency, 4)
  await newer.leave()
  await old.leave()
  // Longer than an arbiter remembers the winner without a reason.
  await fleet.clock.advance(12 * 60_000)
  t.equal(worker.concurrency, 8)
  const late = await fleet.worker('w2', { concurrency: 8 })
  await fleet.collector({ numaNode: 1 })
  await fleet.clock.advance(4_000)
  t.equal(late.concurrency, 8, 'a late worker')
  t.equal(await fleet.lateView((view) => view.currentIntent('rebalance', target)), undefined, 'a late view')
  await fleet.close()
})

t.test('a restarted worker is not drained for a moment by an intent that has been lifted', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 8 })
  const old = await fleet.operator('old')
  await fleet.clock.advance(4_000)
  old.issuer.apply('drain', 'w', { deadlineMs: null })
  await fleet.clock.advance(500)
  t.equal(worker.admission.code, 'draining')
  await old.leave()
  const newer = await fleet.operator('newer')
  await fleet.clock.advance(4_000)
  newer.issuer.lift('drain', 'w')
  await fleet.clock.advance(500)
  t.equal(worker.admission.open, true)
  await newer.leave()
  fleet.kill(worker)
  const successor = await fleet.worker('w', { concurrency: 8 })
  const codes: (string | null)[] = [successor.admission.code]
  successor.onAdmission(({ code }) => codes.push(code))
  await fleet.clock.advance(5_000)
  t.notOk(codes.includes('draining'), codes.join())
  t.equal(successor.admission.open, true)
  t.comment(JSON.stringify(await fleet.lateView((view) => view.status().intents)))
  await fleet.close()
})
