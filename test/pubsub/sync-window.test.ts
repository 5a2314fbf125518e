import t from 'tap'
import { discoveryWindowMs } from '../../src/pubsub/catchup/sync-waiters.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { openPlane } from '../support/open-plane.js'

const topic = defineTopic<{ readonly id: string }>({ name: 'state', key: 'id', fields: ['id'] })

t.test('a reader waits for undiscovered writers, unless another reader has covered its partition', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const b = await plane.join('b')
  a.writer(topic).write({ id: 'k' })
  const openedMs = plane.clock.nowMs()
  await plane.settle(b.reader(topic).synced())
  t.ok(plane.clock.nowMs() - openedMs >= discoveryWindowMs, 'the first reader gives every writer time to answer')

  const secondMs = plane.clock.nowMs()
  const second = b.reader(topic)
  await plane.settle(second.synced())
  t.same(second.get('k')?.value, { id: 'k' })
  t.ok(plane.clock.nowMs() - secondMs < discoveryWindowMs, 'the second reader asks the writers that have answered')

  const elsewhereMs = plane.clock.nowMs()
  await plane.settle(b.reader(topic, { partition: ['default', 'elsewhere'] }).synced())
  t.ok(plane.clock.nowMs() - elsewhereMs >= discoveryWindowMs, 'one new partition is enough to wait')
})

t.test('a partition without a reader in between is explored again', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const b = await plane.join('b')
  a.writer(topic).write({ id: 'k' })
  const first = b.reader(topic)
  await plane.settle(first.synced())
  first.close()
  const againMs = plane.clock.nowMs()
  await plane.settle(b.reader(topic).synced())
  t.ok(plane.clock.nowMs() - againMs >= discoveryWindowMs)
})
