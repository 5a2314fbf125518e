import t from 'tap'
import { z } from 'zod'
import { defineTopic } from '../../src/pubsub/topic.js'
import { MemoryPlane } from '../support/memory-plane.js'

const topic = defineTopic({ name: 'temperature', key: 'id', schema: z.object({ id: z.string(), celsius: z.number() }) })

t.test('a late joiner gets every last value', async (t) => {
  const plane = new MemoryPlane()
  const a = await plane.join('a')
  const writer = a.writer(topic)
  for (let i = 0; i < 1000; i++) writer.write({ id: `s${i}`, celsius: i })
  await plane.clock.advance(1000)
  const b = await plane.join('b')
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  t.equal(reader.size, 1000)
  writer.write({ id: 's1', celsius: 77 })
  await plane.clock.advance(10)
  t.equal(reader.get('s1')?.value?.celsius, 77)
  writer.dispose('s2')
  await plane.clock.advance(10)
  t.equal(reader.get('s2'), undefined)
  console.log(b.counters.snapshot(), a.counters.snapshot(), reader.lag())
  await plane.close()
  t.equal(plane.clock.pendingTimers, 0)
})
