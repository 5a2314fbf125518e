import t from 'tap'
import { intentTopics, maxIntentEpoch, maxIntentTtlMs } from '../../../src/plane/intents/intents.js'
import { keyFrom } from '../../../src/plane/vocabulary/keys.js'
import { planePartition } from '../../../src/plane/vocabulary/partitions.js'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import { idleZone } from '../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { deferred } from '../../support/deferred.js'

t.setTimeout(300_000)

const node = nodeTarget({ bootId: 'boot', numaNode: 0 })

t.test('the operator’s intent wins although another issuer’s clock is ahead', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler()
  const worker = await fleet.worker('a')
  fleet.clock.stepWall(3_600_000)
  const ann = await fleet.operator('ann')
  await fleet.plane.settle(ann.view.synced())
  ann.issuer.apply('drain', 'a', { deadlineMs: null })
  await fleet.clock.advance(500)
  fleet.clock.stepWall(-7_200_000)
  const bob = await fleet.operator('bob')
  await fleet.plane.settle(bob.view.synced())
  t.equal(worker.admission.open, false)
  bob.issuer.lift('drain', 'a')
  await fleet.clock.advance(500)
  t.equal(worker.admission.open, true)
  await ann.leave()
  await bob.leave()
  await fleet.close()
})

t.test('a lift outlives the intent that it lifts', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const day = issuer.apply('drain', 'a', { deadlineMs: null }, { ttlMs: maxIntentTtlMs / 2 })
  await fleet.clock.advance(1_000)
  const lift = issuer.lift('drain', 'a')
  t.ok(lift.intent.ttlMs > day.intent.ttlMs - 1_000)
  t.ok(issuer.lift('drain', 'unknown').intent.ttlMs > 60_000)
  await leave()
  await fleet.close()
})

t.test('while an operator’s lift holds, the scheduler does not pause; afterwards it pauses again', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler()
  const worker = await fleet.worker('a')
  fleet.zone = { ...idleZone, memoryHeadroomBytes: 0 }
  await fleet.clock.advance(8_000)
  t.equal(worker.admission.open, false)
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.lift('pause-node', node, { ttlMs: 120_000, reason: 'I know better' })
  await fleet.clock.advance(500)
  t.equal(worker.admission.open, true)
  await fleet.clock.advance(100_000)
  t.equal(worker.admission.open, true)
  const second = await fleet.worker('b')
  await fleet.clock.advance(2_000)
  t.equal(second.admission.open, true, 'a new worker receives the lift, not the pause')
  await fleet.clock.advance(30_000)
  t.equal(worker.admission.open, false)
  t.equal(second.admission.open, false)
  await leave()
  await fleet.close()
})

t.test('two schedulers keep an intent: either may close, and it is forgotten after its time', async (t) => {
  const fleet = new MemoryFleet()
  const first = await fleet.scheduler({ name: 'first' })
  const second = await fleet.scheduler({ name: 'second' })
  await fleet.collector()
  const { view, issuer, leave } = await fleet.operator('ann')
  await fleet.plane.settle(view.synced())
  issuer.apply('drain', 'a', { deadlineMs: null }, { ttlMs: 6 * 60_000 })
  await fleet.clock.advance(500)
  await leave()
  const intents = () =>
    fleet.lateView((late) => late.status().intents.map(({ target, issuer }) => `${issuer} ${target}`))
  t.strictSame(await intents(), ['ann a'])
  fleet.kill(first)
  await fleet.clock.advance(3 * 60_000)
  t.strictSame(await intents(), ['ann a'])
  await fleet.plane.settle(second.close())
  await fleet.clock.advance(5_000)
  t.strictSame(await intents(), [], 'no participant keeps it')
  await fleet.scheduler({ name: 'third' })
  const worker = await fleet.worker('a')
  await fleet.clock.advance(2_000)
  t.equal(worker.admission.open, false, 'the collector still keeps it')
  await fleet.clock.advance(3 * 60_000)
  t.equal(worker.admission.open, true)
  await fleet.close()
})

t.test('a relay forgets an intent only some time after it ended', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.scheduler()
  const { view, issuer, leave } = await fleet.operator('ann')
  await fleet.clock.advance(1_000)
  issuer.apply('drain', 'a', { deadlineMs: null }, { ttlMs: 5 * 60_000 })
  await fleet.clock.advance(500)
  await leave()
  const listener = await fleet.operator('bob')
  const drains = listener.view.participant.reader(intentTopics.drain, { partition: planePartition })
  await fleet.plane.settle(drains.synced())
  const key = keyFrom(['a', view.participant.guid])
  t.equal(drains.get(key)?.value?.issuer, 'ann')
  await fleet.clock.advance(14 * 60_000)
  t.equal(drains.get(key)?.instanceState, 'alive')
  await fleet.clock.advance(3 * 60_000)
  t.equal(drains.get(key), undefined)
  t.strictSame(view.status().intents, [])
  await listener.leave()
  await fleet.close()
})

t.test('following an intent ends on abort, after the transitions so far', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a')
  const job = deferred()
  const running = worker.run('1', () => job.promise)
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const { intent } = issuer.apply('drain', 'a', { deadlineMs: null })
  await fleet.clock.advance(500)
  const stop = new AbortController()
  const steps: string[] = []
  const following = (async () => {
    for await (const step of issuer.follow(intent.intentId, { signal: stop.signal })) {
      steps.push(`${step.workerId} ${step.transition}`)
    }
  })()
  await fleet.clock.advance(10)
  t.strictSame(steps, ['a planned', 'a admitted'])
  stop.abort(new Error('enough'))
  await following
  t.match(await issuer.follow('x', { signal: stop.signal }).next(), { done: true }, 'as deaths() does')
  job.resolve()
  await running
  await leave()
  await fleet.close()
})

t.test('an invalid intent is refused', async (t) => {
  const fleet = new MemoryFleet()
  const { issuer, leave } = await fleet.operator()
  const refused = { code: 'NUMACAST_INVALID_ARGUMENT' }
  t.throws(() => issuer.apply('drain', '', { deadlineMs: null }), refused)
  t.throws(() => issuer.apply('drain', 'a', { deadlineMs: -1 }), refused)
  t.throws(() => issuer.apply('drain', 'a', { deadlineMs: null }, { ttlMs: maxIntentTtlMs + 1 }), refused)
  t.throws(() => issuer.apply('rebalance', node, { maxInFlight: 0.5 }), refused)
  await leave()
  await fleet.close()
})

t.test('disposing an issued intent withdraws it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a')
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const writer = view.participant.writer(intentTopics.drain, { partition: planePartition })
  writer.write({
    intentId: 'mine',
    target: 'a',
    action: 'apply',
    issuer: 'me',
    issuerId: view.participant.guid,
    epoch: view.participant.incarnation,
    reason: 'for now',
    ttlMs: 60_000,
    deadlineMs: null,
  })
  await fleet.clock.advance(1_000)
  t.equal(worker.admission.open, false)
  writer.dispose(keyFrom(['a', view.participant.guid]))
  await fleet.clock.advance(1_000)
  t.equal(worker.admission.open, true)
  await leave()
  await fleet.close()
})

t.test('an operator lifts an intent of the highest epoch, and drains again', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler()
  const worker = await fleet.worker('a')
  const forger = await fleet.plane.join('forger')
  const drains = forger.writer(intentTopics.drain, { partition: planePartition })
  const forged = {
    intentId: 'forged',
    target: 'a',
    action: 'apply' as const,
    issuer: 'forger',
    issuerId: forger.guid,
    epoch: maxIntentEpoch,
    reason: 'forged',
    ttlMs: maxIntentTtlMs,
    deadlineMs: null,
  }
  drains.write(forged)
  t.throws(() => drains.write({ ...forged, epoch: Number.MAX_SAFE_INTEGER }), { message: /epoch/ })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  t.match(worker.admission, { open: false, reason: 'draining: forged' })
  issuer.lift('drain', 'a')
  await fleet.clock.advance(1_000)
  t.equal(worker.admission.open, true)
  const { intent } = issuer.apply('drain', 'a', { deadlineMs: null }, { reason: 'update' })
  await fleet.clock.advance(1_000)
  t.match(worker.admission, { open: false, reason: 'draining: update' })
  t.match(view.intentStatuses(intent.intentId), [{ transition: 'completed' }])
  issuer.lift('drain', 'a')
  await fleet.clock.advance(1_000)
  t.equal(worker.admission.open, true)
  await leave()
  await fleet.plane.settle(forger.close())
  await fleet.close()
})

t.test('following an intent on one worker ends when that worker dies', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w')
  const { issuer, leave } = await fleet.operator()
  await fleet.clock.advance(4_000)
  const job = deferred()
  const running = worker.run('job', () => job.promise)
  await fleet.clock.advance(200)
  const { intent } = issuer.apply('drain', 'w', { deadlineMs: null }, { ttlMs: 60_000 })
  const steps: string[] = []
  const following = (async () => {
    for await (const { transition } of issuer.follow(intent.intentId, { workerId: 'w' })) steps.push(transition)
  })()
  await fleet.clock.advance(500)
  fleet.kill(worker)
  await fleet.plane.settle(following)
  t.same([steps.length > 0, steps.includes('completed')], [true, false], steps.join(', '))
  job.resolve()
  await running
  await leave()
  await fleet.close()
})
