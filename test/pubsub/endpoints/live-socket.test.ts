import t from 'tap'
import { defineTopic, Lane } from '../../../src/pubsub/model/topic.js'
import { joinDomain } from '../../../src/pubsub/participant.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { MemoryNetwork } from '../../../src/transport/memory/memory-network.js'

const topic = defineTopic<{ id: string }>({ name: 'state', key: 'id', fields: ['id'], lane: Lane.stream })

t.test('a live socket that cannot be bound is retried at its next use', async (t) => {
  const clock = new FakeClock()
  const transport = new MemoryNetwork({ clock, random: () => 0.5 }).open('a')
  const { stream } = transport
  const publishEndpoints = stream.publishEndpoints.bind(stream)
  let isOccupied = true
  let tries = 0
  stream.publishEndpoints = () => {
    tries++
    return isOccupied ? Promise.reject(new Error('the port is occupied')) : publishEndpoints()
  }
  const participant = await joinDomain({ domain: 1, name: 'a' }, { clock, transport, random: () => 0.5 })
  const first = participant.writer(topic)
  await clock.advance(10)
  t.equal(participant.counters.get('stream.failed.publish'), 1)
  isOccupied = false
  participant.writer(topic)
  await clock.advance(10)
  t.equal(tries, 2)
  participant.writer(topic)
  await clock.advance(10)
  t.equal(tries, 2, 'it is open now')
  t.ok(stream.liveEndpoints.length > 0)
  first.close()
  const closing = participant.close()
  await clock.advance(100)
  await closing
})
