import t, { type Test } from 'tap'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { Reader } from '../../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../../src/testing/memory-plane.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function held(reader: Reader<Value>): Record<string, string> {
  const entries = [...reader.entries()].map(([key, { value, instanceState }]) => [key, `${value?.n} ${instanceState}`])
  return Object.fromEntries(entries.sort())
}

/** Opens an owner in `near`, a relay from there to `far`, and a reader of `far`. */
async function chain(t: Test) {
  const plane: MemoryPlane = openPlane(t)
  const owner = await plane.join('owner')
  const relaying = await plane.join('relay')
  const beyond = await plane.join('beyond')
  const writer = owner.writer(topic, { partition: 'near' })
  const relay = relaying.relay(relaying.reader(topic, { partition: 'near' }), { partition: 'far' })
  const reader = beyond.reader(topic, { partition: 'far' })
  await plane.clock.advance(500)
  return { plane, owner, relaying, beyond, writer, relay, reader }
}

t.test('a relay keeps owner, sequence number and age', async (t) => {
  const { plane, writer, relay, reader } = await chain(t)
  const token = writer.write({ id: 'k', n: 1 })
  const writtenMs = plane.clock.nowMs()
  await plane.clock.advance(1000)
  t.match(reader.get('k'), { token, via: relay.writer.guid, value: { n: 1 }, instanceState: 'alive' })
  t.ok(Math.abs((reader.get('k')?.writtenMs ?? 0) - writtenMs) <= 2)
  writer.dispose('k')
  await plane.clock.advance(10)
  t.equal(reader.get('k'), undefined)
  t.same([...relay.writer.keys()], [])
})

t.test('a relay keeps instances of a departed owner for late joiners until it is told to forget them', async (t) => {
  const { plane, owner, writer, relay, reader } = await chain(t)
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(10)
  await owner.close()
  await plane.clock.advance(70_000)
  t.same(held(reader), { k: '1 alive' })
  const late = (await plane.join('late')).reader(topic, { partition: 'far' })
  await plane.settle(late.synced())
  t.same(held(late), { k: '1 alive' })
  relay.endInstance('k')
  await plane.clock.advance(10)
  t.same([held(reader), held(late)], [{}, {}])
})

t.test('a change that arrives by two paths is delivered once, whichever path is faster', async (t) => {
  for (const slow of ['owner', 'relay']) {
    await t.test(`${slow} slow`, async (t) => {
      const { plane, beyond, writer, owner } = await chain(t)
      const both = beyond.reader(topic, { partition: ['near', 'far'] })
      await plane.settle(both.synced())
      const received: number[] = []
      both.onSample(({ value, instanceState }) => received.push(instanceState === 'alive' ? (value?.n ?? 0) : -1))
      plane.network.setLinkFaults(slow, 'beyond', { minDelayMs: 20 })
      for (let n = 1; n <= 3; n++) {
        writer.write({ id: 'k', n })
        await plane.clock.advance(50)
      }
      t.same(received, [1, 2, 3])
      t.ok(beyond.counters.get('reader.duplicate') >= 3)
      await owner.close()
      await plane.clock.advance(100)
      t.same(held(both), { k: '3 alive' }, 'the relay still carries it')
    })
  }
})

t.test('an end inferred by a bootstrap passes the relay', async (t) => {
  const { plane, writer, reader } = await chain(t)
  for (const id of ['kept', 'ended']) writer.write({ id, n: 1 })
  await plane.clock.advance(100)
  plane.network.partition(['owner'], ['relay', 'beyond'])
  await plane.clock.advance(100)
  writer.dispose('ended')
  writer.cache.forgetTombstones(Infinity)
  plane.network.heal()
  await plane.clock.advance(2000)
  t.same(held(reader), { kept: '1 alive' })
})

t.test('an expired lifespan ends an instance at the relay too, without the owner', async (t) => {
  const mortal = defineTopic<Value>({ name: 'mortal', key: 'id', fields: ['id', 'n'], qos: { lifespanMs: 2000 } })
  const plane = openPlane(t)
  const [owner, relaying, beyond] = [await plane.join('owner'), await plane.join('relay'), await plane.join('beyond')]
  const writer = owner.writer(mortal, { partition: 'near' })
  relaying.relay(relaying.reader(mortal, { partition: 'near' }), { partition: 'far' })
  const reader = beyond.reader(mortal, { partition: 'far' })
  await plane.clock.advance(500)
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(100)
  t.same(held(reader), { k: '1 alive' })
  plane.network.disconnect('owner')
  await plane.clock.advance(3000)
  t.same(held(reader), {})
})

t.test('two relays between the same partitions do not loop', async (t) => {
  const plane = openPlane(t)
  const [owner, one, other, reading] = await Promise.all(
    ['owner', 'one', 'other', 'reading'].map((name) => plane.join(name)),
  )
  if (!owner || !one || !other || !reading) throw new Error('four participants were requested')
  const writer = owner.writer(topic, { partition: 'near' })
  const there = one.relay(one.reader(topic, { partition: 'near' }), { partition: 'far' })
  const back = other.relay(other.reader(topic, { partition: 'far' }), { partition: 'near' })
  const reader = reading.reader(topic, { partition: ['near', 'far'] })
  await plane.clock.advance(500)
  for (let n = 1; n <= 5; n++) {
    writer.write({ id: 'k', n })
    await plane.clock.advance(100)
  }
  t.same([there.writer.lastSeq, back.writer.lastSeq], [5, 5])
  await plane.clock.advance(10_000)
  t.same([there.writer.lastSeq, back.writer.lastSeq], [5, 5])
  t.same(held(reader), { k: '5 alive' })
  writer.dispose('k')
  await plane.clock.advance(1000)
  t.same([there.writer.lastSeq, back.writer.lastSeq], [6, 6])
  t.same(held(reader), {})
  t.same([...there.writer.keys(), ...back.writer.keys()], [])
})

t.test('a relay applies its filter, and forwards nothing after close', async (t) => {
  const plane = openPlane(t)
  const [owner, relaying, beyond] = [await plane.join('owner'), await plane.join('relay'), await plane.join('beyond')]
  const writer = owner.writer(topic, { partition: 'near' })
  writer.write({ id: 'early', n: 2 })
  const source = relaying.reader(topic, { partition: 'near' })
  await plane.settle(source.synced())
  const relay = relaying.relay(source, { partition: 'far', filter: ({ value }) => (value?.n ?? 0) % 2 === 0 })
  const reader = beyond.reader(topic, { partition: 'far' })
  writer.write({ id: 'odd', n: 3 })
  writer.write({ id: 'even', n: 4 })
  await plane.clock.advance(500)
  t.same(held(reader), { early: '2 alive', even: '4 alive' }, 'values held before the relay existed pass too')
  relay.close()
  relay.close()
  await plane.clock.advance(1000)
  t.same(held(reader), { early: '2 no-writers', even: '4 no-writers' })
  writer.write({ id: 'after', n: 6 })
  await plane.clock.advance(100)
  t.equal(reader.size, 2)
})

t.test('a relay counts what its own limits refuse and forwards the rest', async (t) => {
  const plane = openPlane(t)
  const small = defineTopic<Value>({
    name: 'small',
    key: 'id',
    fields: ['id', 'n'],
    qos: { resourceLimits: { maxInstances: 2, maxSamples: 2 } },
  })
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(small, { partition: 'up', qos: { resourceLimits: { maxInstances: 10, maxSamples: 10 } } })
  for (let k = 0; k < 4; k++) writer.write({ id: `k${k}`, n: k })
  const reader = b.reader(small, { partition: 'up', qos: { resourceLimits: { maxInstances: 10, maxSamples: 10 } } })
  await plane.settle(reader.synced())
  const relay = b.relay(reader, { partition: 'down' })
  t.equal(relay.writer.lastSeq, 2)
  t.equal(b.counters.get('relay.refused.NUMACAST_LIMIT'), 2)
})
