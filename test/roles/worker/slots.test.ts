import t from 'tap'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import type { Slot } from '../../../src/roles/worker/slots/slot.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { deferred } from '../../support/deferred.js'

t.setTimeout(300_000)

const node = nodeTarget({ bootId: 'boot', numaNode: 0 })

t.test('four pullers at concurrency 1 run one job at a time', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const stop = new AbortController()
  let running = 0
  let most = 0
  let done = 0
  const pull = async (): Promise<void> => {
    for await (const slot of worker.slots({ signal: stop.signal })) {
      // A fetch from a queue takes time: meanwhile earlier pull loops overtook each other.
      await fleet.clock.advance(1)
      await slot.run(`${++done}`, async () => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => fleet.clock.after(10, resolve))
        running--
      })
    }
  }
  const pullers = [pull(), pull(), pull(), pull()]
  await fleet.clock.advance(500)
  stop.abort()
  await fleet.plane.settle(Promise.all(pullers))
  t.equal(most, 1)
  t.ok(done >= 20, `${done} jobs in 500 ms`)
  t.match(worker, { inFlight: 0, openSlots: 0 })
  await fleet.close()
})

t.test('a drain aborts an open slot and is completed when the slot is released', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 2 })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const slot = await worker.slot()
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: null }, { reason: 'update' })
  await fleet.clock.advance(2_000)
  const status = () => view.intentStatuses(intent.intentId)[0]?.transition
  t.equal(slot.signal.aborted, true)
  t.match(slot.signal.reason, { code: 'NUMACAST_CLOSED', message: /draining: update/ })
  t.equal(status(), 'admitted', 'a job may still start in the slot')
  t.match(view.status().workers, [{ state: 'draining', inFlight: 0 }])
  slot.release()
  await fleet.clock.advance(500)
  t.equal(status(), 'completed')
  await leave()
  await fleet.close()
})

t.test('a job that was fetched before the drain runs in its slot, and the drain waits for it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w')
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const slot = await worker.slot()
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: null })
  await fleet.clock.advance(1_000)
  const job = deferred<string>()
  const running = slot.run('1', () => job.promise)
  await fleet.clock.advance(1_000)
  const status = () => view.intentStatuses(intent.intentId)[0]?.transition
  t.equal(status(), 'admitted')
  job.resolve('done')
  t.equal(await running, 'done')
  await fleet.clock.advance(500)
  t.equal(status(), 'completed')
  await leave()
  await fleet.close()
})

t.test('a drain waits for slots that are neither run nor released until its deadline, and names them', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 3 })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const [first, second] = [await worker.slot(), await worker.slot()]
  const job = deferred()
  const running = worker.run('1', () => job.promise)
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: 30_000 })
  const reports = () => view.intentStatuses(intent.intentId)
  await fleet.clock.advance(2_000)
  t.match(reports(), [{ transition: 'admitted', reason: 'waits for 1 job and 2 open slots' }])
  job.resolve()
  await running
  await fleet.clock.advance(20_000)
  t.match(reports(), [{ transition: 'admitted', reason: 'waits for 2 open slots' }])
  t.equal(worker.participant.counters.snapshot()['worker.slot-overdue'], 2, 'once each')
  await fleet.clock.advance(10_000)
  t.match(reports(), [{ transition: 'completed', reason: '2 open slots were taken back at the deadline' }])
  t.match([first.state, second.state], ['released', 'released'])
  t.match(worker, { openSlots: 0, inFlight: 0 })
  t.equal(worker.participant.counters.snapshot()['worker.slot-taken-back'], 2)
  await t.rejects(
    first.run('2', () => 1),
    { code: 'NUMACAST_CLOSED', message: /slot was taken back: the deadline of the drain has passed/ },
  )
  issuer.lift('drain', 'w')
  await fleet.clock.advance(500)
  t.equal(worker.admission.open, true)
  t.ok(worker.trySlot(), 'the slots that were taken back are free again')
  await leave()
  await fleet.close()
})

t.test('a drain without time takes open slots back at once, and its jobs abort it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 2 })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const job = deferred()
  const running = worker.run('1', () => job.promise)
  const slot = await worker.slot()
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: 0 })
  await fleet.clock.advance(500)
  t.equal(slot.state, 'released')
  const status = () => view.intentStatuses(intent.intentId)
  t.match(status(), [{ transition: 'aborted', reason: '1 job and 1 open slot were still in flight at the deadline' }])
  job.resolve()
  await running
  const again = issuer.apply('drain', 'w', { deadlineMs: 0 })
  await fleet.clock.advance(500)
  t.match(view.intentStatuses(again.intent.intentId), [{ transition: 'completed', reason: null }])
  await leave()
  await fleet.close()
})

t.test('a drain without a deadline waits for its slots until its time to live ends', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w')
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const slot = await worker.slot()
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: null }, { ttlMs: 60_000 })
  await fleet.clock.advance(59_000)
  t.match(view.intentStatuses(intent.intentId), [{ transition: 'admitted', reason: 'waits for 1 open slot' }])
  t.equal(slot.state, 'open')
  await fleet.clock.advance(2_000)
  t.match(view.intentStatuses(intent.intentId), [{ transition: 'aborted', reason: 'its time to live ended' }])
  t.equal(worker.admission.open, true)
  slot.release()
  await leave()
  await fleet.close()
})

t.test('a pause, a throttle and a rebalance name what they wait for', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 4, queues: ['q', 'r'] })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const job = deferred()
  const running = worker.run('1', () => job.promise, { queue: 'q' })
  const slots = [await worker.slot({ queue: 'q' }), await worker.slot({ queue: 'r' })]
  const issued = [
    issuer.apply('pause-node', node, {}),
    issuer.apply('throttle-queue', 'q', { maxInFlight: 0 }),
    issuer.apply('rebalance', node, { maxInFlight: 1 }),
  ]
  await fleet.clock.advance(500)
  const reports = () => issued.map(({ intent }) => view.intentStatuses(intent.intentId)[0])
  t.match(reports(), [
    { transition: 'admitted', reason: 'waits for 2 open slots' },
    { transition: 'admitted', reason: 'waits until 0 of 2 jobs and open slots are left' },
    { transition: 'admitted', reason: 'waits until 1 of 3 jobs and open slots are left' },
  ])
  for (const slot of slots) slot.release()
  job.resolve()
  await running
  await fleet.clock.advance(500)
  t.match(reports(), Array(3).fill({ transition: 'completed', reason: null }))
  await leave()
  await fleet.close()
})

t.test('a throttle of a queue revokes its open slots and is completed when they are released', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 4, queues: ['q', 'r'] })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const [first, second] = [await worker.slot({ queue: 'q' }), await worker.slot({ queue: 'q' })]
  const [other, unnamed] = [await worker.slot({ queue: 'r' }), await worker.slot()]
  const { intent } = issuer.apply('throttle-queue', 'q', { maxInFlight: 1 })
  await fleet.clock.advance(1_000)
  const status = () => view.intentStatuses(intent.intentId)[0]?.transition
  t.equal(first.signal.aborted, false, 'one of three that may hold a job of the queue stays')
  t.equal(second.signal.aborted, true)
  t.equal(unnamed.signal.aborted, true, 'a slot of no named queue may hold a job of any')
  t.equal(other.signal.aborted, false)
  t.equal(status(), 'admitted')
  second.release()
  await fleet.clock.advance(200)
  t.equal(status(), 'admitted')
  unnamed.release()
  await fleet.clock.advance(200)
  t.equal(status(), 'completed')
  t.equal(worker.trySlot({ queue: 'q' }), undefined)
  t.equal(worker.trySlot(), undefined, 'it might hold a second job of the queue')
  t.equal(worker.trySlot({ queue: 'r' })?.queue, 'r')
  await leave()
  await fleet.close()
})

t.test('a worker that declares one queue counts its slots for that queue', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 4, queues: ['q'] })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.apply('throttle-queue', 'q', { maxInFlight: 0 })
  issuer.apply('throttle-queue', 'other', { maxInFlight: 0 })
  await fleet.clock.advance(500)
  t.equal(worker.trySlot(), undefined)
  t.strictSame([...worker.directives.queues], [['q', 0]], 'queues of other workers are not enforced')
  issuer.lift('throttle-queue', 'q')
  await fleet.clock.advance(500)
  t.equal(worker.trySlot()?.queue, 'q')
  await leave()
  await fleet.close()
})

t.test(
  'directives tell push consumers of pauses, concurrency and throttles, and each change is an event',
  async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    const worker = await fleet.worker('w', { concurrency: 4, queues: ['q', 'r'] })
    const { view, issuer, leave } = await fleet.operator()
    await fleet.plane.settle(view.synced())
    const told: unknown[] = []
    worker.onDirectives(({ pause, concurrency, queues }) => {
      told.push([pause?.code ?? null, concurrency, Object.fromEntries(queues)])
    })
    const steps: (() => void)[] = [
      () => issuer.apply('throttle-queue', 'q', { maxInFlight: 2 }),
      () => issuer.apply('rebalance', node, { maxInFlight: 3 }),
      () => issuer.apply('pause-node', node, {}),
      () => issuer.lift('pause-node', node),
      () => worker.declareUnhealthy('no gpu'),
    ]
    for (const step of steps) {
      step()
      await fleet.clock.advance(500)
    }
    t.strictSame(told, [
      [null, 4, { q: 2 }],
      [null, 3, { q: 2 }],
      ['paused', 3, { q: 2 }],
      [null, 3, { q: 2 }],
      ['unhealthy', 3, { q: 2 }],
    ])
    await leave()
    await fleet.close()
  },
)

t.test('leaving the loop releases the slot of that turn; a slot with a running job is kept', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w', { concurrency: 2 })
  for await (const slot of worker.slots()) {
    t.equal(slot.state, 'open')
    break
  }
  t.equal(worker.openSlots, 0)
  await t.rejects(
    (async () => {
      for await (const _ of worker.slots()) throw new Error('the fetch failed')
    })(),
    { message: 'the fetch failed' },
  )
  t.equal(worker.openSlots, 0)
  const job = deferred()
  for await (const slot of worker.slots()) {
    slot.run('1', () => job.promise)
    break
  }
  t.match(worker, { openSlots: 0, inFlight: 1 })
  job.resolve()
  await fleet.clock.advance(10)
  t.equal(worker.inFlight, 0)
  await fleet.close()
})

t.test('the loop ends when its signal aborts or the worker closes, and at once if either has happened', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const taken = await worker.slot()
  const countSlots = async (slots: AsyncIterable<Slot>): Promise<number> => {
    let count = 0
    for await (const slot of slots) {
      count++
      slot.release()
    }
    return count
  }
  const stop = new AbortController()
  const [aborted, closed] = [countSlots(worker.slots({ signal: stop.signal })), countSlots(worker.slots())]
  await fleet.clock.advance(10)
  stop.abort()
  t.equal(await aborted, 0)
  t.equal(await countSlots(worker.slots({ signal: stop.signal })), 0)
  const closing = worker.close({ graceMs: 100 })
  t.equal(await closed, 0)
  t.equal(await countSlots(worker.slots()), 0)
  t.equal(taken.signal.aborted, true)
  await fleet.plane.settle(closing)
  t.equal(taken.state, 'released', 'a closed worker keeps no slot')
  await t.rejects(
    taken.run('1', () => 1),
    { code: 'NUMACAST_CLOSED', message: /was taken back: the worker closes/ },
  )
  await fleet.close()
})

t.test('a slot runs one job, and is released by disposal and when its job is refused', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  {
    using slot = await worker.slot()
    t.equal(slot.state, 'open')
    t.equal(worker.trySlot(), undefined)
  }
  t.equal(worker.openSlots, 0)
  const slot = await worker.slot()
  t.equal(await slot.run('1', () => 42), 42)
  t.equal(slot.state, 'released')
  slot.release()
  await t.rejects(
    slot.run('2', () => 1),
    { code: 'NUMACAST_CLOSED' },
  )
  const refused = await worker.slot()
  await t.rejects(
    refused.run('', () => 1),
    { code: 'NUMACAST_INVALID_ARGUMENT' },
  )
  t.match(worker, { openSlots: 0, inFlight: 0 })
  await fleet.close()
})

t.test('a job that fails in a slot is counted as failed and causes no unhandled rejection', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  t.teardown(() => process.off('unhandledRejection', onUnhandled))
  const slot = await worker.slot()
  slot.run('1', () => Promise.reject(new Error('out of ink')))
  await fleet.clock.advance(100)
  t.strictSame(unhandled, [])
  t.equal(worker.openSlots + worker.inFlight, 0)
  await fleet.close()
})

t.test('a caller that aborts in the turn of its grant keeps no slot', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const first = await worker.slot()
  const giveUp = new AbortController()
  const waiting = worker.slot({ signal: giveUp.signal })
  giveUp.abort(new Error('no time'))
  first.release()
  await t.rejects(waiting, { message: 'no time' })
  const second = await worker.slot()
  t.equal(second.state, 'open')
  const abortOpen = new AbortController()
  second.release()
  const third = await worker.slot({ signal: abortOpen.signal })
  abortOpen.abort(new Error('later'))
  t.match(third.signal.reason, { message: 'later' })
  third.release()
  t.equal(worker.openSlots, 0)
  await fleet.close()
})

t.test('two jobs of the same id in two queues run at the same time', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w', { concurrency: 3 })
  const job = deferred()
  const both = ['mail', 'pictures'].map((queue) => worker.run('1', () => job.promise, { queue }))
  t.equal(worker.inFlight, 2)
  await t.rejects(
    worker.run('1', () => 1, { queue: 'mail' }),
    { code: 'NUMACAST_INVALID_ARGUMENT', message: /job 1 of queue mail is in flight/ },
  )
  job.resolve()
  await Promise.all(both)
  await fleet.close()
})

t.test('a worker that closes with an infinite grace waits for its jobs', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const job = deferred()
  const running = worker.run('1', (signal) => job.promise.then(() => signal.aborted))
  const closing = worker.close({ graceMs: Number.POSITIVE_INFINITY })
  await fleet.clock.advance(100_000)
  job.resolve()
  t.equal(await running, false)
  await fleet.plane.settle(closing)
  await worker.ended
  await t.rejects(worker.close({ graceMs: Number.NaN }), { code: 'NUMACAST_INVALID_ARGUMENT', message: /graceMs/ })
  await t.rejects(worker.close({ graceMs: -1 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})
