import t from 'tap'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { openPlane } from '../../support/open-plane.js'

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.test('a reader with a lifespan: the regular check looks only at instances whose samples expire', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const reader = participant.reader(topic, { qos: { lifespanMs: 60_000, historyDepth: 3 } })
  const writer = participant.writer(topic, { qos: { historyDepth: 3 } })
  for (let key = 0; key < 1_000; key++) writer.write({ id: `k${key}`, n: 1 })
  await plane.clock.advance(20_000)
  for (let key = 0; key < 500; key++) writer.write({ id: `k${key}`, n: 2 })
  await plane.clock.advance(10)
  const { table, queue } = reader.feed.copy
  let walks = 0
  const values = table.values.bind(table)
  table.values = () => {
    walks++
    return values()
  }
  let expiryChecks = 0
  const expire = queue.expire.bind(queue)
  queue.expire = (...args) => {
    expiryChecks++
    return expire(...args)
  }
  await plane.clock.advance(30_000)
  t.same([walks, expiryChecks], [0, 0], 'nothing is due yet')
  await plane.clock.advance(10_500)
  t.equal(participant.counters.get('reader.expired'), 1_000, 'the values of the first round')
  t.equal(queue.size, 500)
  t.ok(expiryChecks <= 2_000, `${expiryChecks} checks`)
  await plane.clock.advance(20_500)
  t.equal(participant.counters.get('reader.expired'), 1_500)
  t.equal(queue.size, 0)
  t.equal(walks, 0)
})

t.test('an instance rewritten within its lifespan stays', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const reader = participant.reader(topic, { qos: { lifespanMs: 1_000 } })
  const writer = participant.writer(topic)
  for (let n = 0; n < 10; n++) {
    writer.write({ id: 'k', n })
    await plane.clock.advance(600)
  }
  t.equal(reader.get('k')?.value.n, 9)
  t.equal(participant.counters.get('reader.expired'), 0)
  await plane.clock.advance(1_000)
  t.equal(reader.get('k'), undefined)
  t.equal(participant.counters.get('reader.expired'), 1)
})
