import t, { type Test } from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
  readonly ballast?: string
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n', 'ballast'] })
const heavy = 'x'.repeat(300_000)

function held(reader: Reader<Value>): Record<string, number | undefined> {
  const alive = [...reader.entries()].filter(([, sample]) => sample.instanceState === 'alive')
  return Object.fromEntries(alive.map(([key, sample]) => [key, sample.value?.n]).sort())
}

async function two(t: Test, seed = 1): Promise<{ plane: MemoryPlane; a: Participant; b: Participant }> {
  const plane = openPlane(t, seed)
  return { plane, a: await plane.join('a'), b: await plane.join('b') }
}

t.test('a late joiner receives every last value in one round trip', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  for (let n = 0; n < 3000; n++) writer.write({ id: `k${n % 1000}`, n })
  await plane.clock.advance(1000)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  t.equal(reader.size, 1000)
  for (let n = 2000; n < 3000; n++) if (reader.get(`k${n % 1000}`)?.value?.n !== n) t.fail(`k${n % 1000}`)
  t.equal(b.counters.get('catch-up.replies'), 1)
  t.match(reader.lag(), [
    { writer: writer.guid, appliedSeq: 3000, headSeq: 3000, lagSamples: 0, catchUpState: 'fresh' },
  ])
})

t.test('a value overwritten within a tick is not sent, and readers see no gap', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  const received: number[] = []
  reader.onSample(({ value }) => received.push(value?.n ?? -1))
  const replies = b.counters.get('catch-up.replies')
  for (let n = 1; n <= 500; n++) writer.write({ id: 'k', n })
  await plane.clock.advance(2000)
  t.same(received, [500])
  t.equal(reader.lag()[0]?.appliedSeq, 500)
  t.equal(b.counters.get('catch-up.replies'), replies, 'nothing had to be repaired')
})

t.test('a gap is repaired, whether the next frame or the next beacon reveals it', async (t) => {
  for (const { by, next } of [
    { by: 'prevSeq of the next frame', next: true },
    { by: 'the digest of the next beacon', next: false },
  ]) {
    await t.test(`by ${by}`, async (t) => {
      const { plane, a, b } = await two(t)
      const writer = a.writer(topic)
      const reader = b.reader(topic)
      await plane.settle(reader.synced())
      plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
      writer.write({ id: 'lost', n: 1 })
      writer.write({ id: 'ended', n: 1 })
      await plane.clock.advance(1)
      writer.dispose('ended')
      await plane.clock.advance(1)
      plane.network.setLinkFaults('a', 'b', undefined)
      if (next) {
        writer.write({ id: 'received', n: 2 })
        await plane.clock.advance(50)
      } else {
        await plane.clock.advance(600)
      }
      t.equal(reader.get('lost')?.value?.n, 1)
      t.equal(reader.get('ended'), undefined)
      t.equal(reader.lag()[0]?.lagSamples, 0)
    })
  }
})

t.test('a cache larger than a reply arrives in chunks while its writer keeps writing', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  for (let n = 0; n < 20; n++) writer.write({ id: `k${n}`, n, ballast: heavy })
  await plane.clock.advance(1000)
  plane.network.setFaults({ minDelayMs: 5 })
  const reader = b.reader(topic)
  const done = reader.synced()
  for (let n = 0; n < 20; n++) {
    await plane.clock.advance(7)
    writer.write({ id: `k${n}`, n: 100 + n, ballast: heavy })
    if (n % 3 === 0) writer.dispose(`k${(n * 7) % 20}`)
    if (n === 10) writer.cache.forgetTombstones(Infinity)
  }
  await plane.settle(done)
  await plane.clock.advance(2000)
  const owned = Object.fromEntries([...writer.keys()].map((key) => [key, writer.get(key)?.n]).sort())
  t.same(held(reader), owned)
  t.ok(a.counters.get('catch-up.bootstrap-continued') > 2, 'it took several replies')
})

t.test('a bootstrap resumes where the connection broke', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  for (let n = 0; n < 20; n++) writer.write({ id: `k${n}`, n, ballast: heavy })
  await plane.clock.advance(1000)
  plane.network.setFaults({ minDelayMs: 10 })
  const reader = b.reader(topic)
  while (reader.size < 6) await plane.clock.advance(1)
  plane.network.breakStreams('a', 'b')
  await plane.clock.advance(5)
  const before = reader.size
  await plane.settle(reader.synced())
  t.equal(reader.size, 20)
  t.ok(before < 20)
  t.equal(b.counters.get('catch-up.failed.timeout'), 1)
  t.equal(a.counters.get('catch-up.bootstrap'), 1, 'it never started over')
})

t.test('after a break that outlasts the tombstones, disposed instances disappear and none comes back', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  for (let n = 0; n < 10; n++) writer.write({ id: `k${n}`, n })
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  t.equal(reader.size, 10)
  const states: string[] = []
  reader.onSample(({ key, value, instanceState }) => states.push(`${key} ${instanceState} ${value?.n}`))
  plane.network.partition(['a'], ['b'])
  await plane.clock.advance(500)
  for (let n = 0; n < 8; n++) writer.dispose(`k${n}`)
  await plane.clock.advance(10)
  writer.write({ id: 'k3', n: 33 })
  writer.cache.forgetTombstones(Infinity)
  plane.network.heal()
  await plane.clock.advance(2000)
  t.same(held(reader), { k3: 33, k8: 8, k9: 9 })
  t.same(
    states.sort(),
    ['k0', 'k1', 'k2', 'k4', 'k5', 'k6', 'k7']
      .map((key) => `${key} disposed undefined`)
      .concat('k3 alive 33')
      .sort(),
  )
  await plane.clock.advance(30_000)
  t.same(held(reader), { k3: 33, k8: 8, k9: 9 })
})

t.test('a change written while a bootstrap reply is in flight survives the bootstrap', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  writer.write({ id: 'old', n: 1 })
  await plane.clock.advance(1000)
  await plane.settle(b.reader(topic).synced())
  const reader = b.reader(topic)
  // The reply is slow, the live frame is not.
  plane.network.setLinkFaults('a', 'b', { minDelayMs: 100 })
  await plane.clock.advance(5)
  plane.network.setLinkFaults('a', 'b', undefined)
  writer.write({ id: 'new', n: 2 })
  await plane.clock.advance(5)
  t.same(held(reader), { new: 2 })
  await plane.clock.advance(1000)
  t.same(held(reader), { new: 2, old: 1 })
})

t.test('the first sample too large for a datagram arrives by catch-up, the next by stream', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  writer.write({ id: 'before', n: 1 })
  writer.write({ id: 'large', n: 2, ballast: heavy })
  writer.write({ id: 'after', n: 3 })
  await plane.clock.advance(100)
  t.same(held(reader), { after: 3, before: 1, large: 2 })
  t.equal(a.counters.get('writer.large'), 1)
  await plane.clock.advance(1000)
  const replies = b.counters.get('catch-up.replies')
  writer.write({ id: 'large', n: 4, ballast: heavy })
  await plane.clock.advance(1)
  t.equal(reader.get('large')?.value?.n, 4, 'even if nothing follows it')
  await plane.clock.advance(1000)
  t.equal(b.counters.get('catch-up.replies'), replies, 'no reader had to ask')
  t.throws(() => writer.write({ id: 'huge', n: 5, ballast: 'x'.repeat(1024 * 1024) }), { code: 'NUMACAST_LIMIT' })
  t.equal(writer.get('huge'), undefined)
})

t.test('a stream topic arrives live and once, and is repaired when its connection breaks', async (t) => {
  const { plane, a, b } = await two(t)
  const streamed = defineTopic<Value>({ ...topic, name: 'streamed', key: 'id', fields: ['id', 'n'], lane: 'stream' })
  const partition = ['one', 'two']
  const writer = a.writer(streamed, { partition })
  writer.write({ id: 'early', n: 0 })
  const reader = b.reader(streamed, { partition })
  await plane.settle(reader.synced())
  await plane.clock.advance(1000)
  const received: number[] = []
  reader.onSample(({ value }) => received.push(value?.n ?? -1))
  plane.network.setFaults({ lossRatio: 1 })
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(1)
  t.same(received, [1], 'without any datagram')
  t.equal(b.counters.get('reader.duplicate'), 0, 'one common partition is enough')
  plane.network.setFaults({ minDelayMs: 2 })
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(1)
  plane.network.breakStreams('a', 'b')
  await plane.clock.advance(1000)
  t.same(received, [1, 2])
  reader.close()
  writer.write({ id: 'k', n: 3 })
  await plane.clock.advance(100)
  t.equal(b.counters.get('samples.unmatched'), 0, 'the subscription went with the reader')
})

t.test('a volatile reader starts at the present and misses nothing from then on', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  const early = b.reader(topic, { qos: { durability: 'volatile' } })
  await plane.settle(early.synced())
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  writer.write({ id: 'first', n: 1 })
  await plane.clock.advance(1)
  plane.network.setLinkFaults('a', 'b', undefined)
  await plane.clock.advance(1000)
  t.same(held(early), { first: 1 }, 'the first change was lost in transit and repaired')
  const late = b.reader(topic, { qos: { durability: 'volatile' } })
  await plane.settle(late.synced())
  t.same(held(late), {})
  writer.write({ id: 'second', n: 2 })
  await plane.clock.advance(10)
  t.same(held(late), { second: 2 })
})

t.test('a best-effort reader repairs nothing and reports what it lost', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  const reader = b.reader(topic, { qos: { reliability: 'best-effort' } })
  await plane.settle(reader.synced())
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(1)
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  writer.write({ id: 'b', n: 2 })
  await plane.clock.advance(1)
  plane.network.setLinkFaults('a', 'b', undefined)
  writer.write({ id: 'c', n: 3 })
  await plane.clock.advance(3000)
  t.same(held(reader), { a: 1, c: 3 })
  t.equal(b.counters.get('reader.lost.gap'), 1)
  t.equal(reader.lag()[0]?.lagSamples, 0)
})

t.test('history keeps the last changes of each instance for disconnected readers', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic, { qos: { historyDepth: 3 } })
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  const received: number[] = []
  reader.onSample(({ value }) => received.push(value?.n ?? -1))
  for (let n = 1; n <= 5; n++) writer.write({ id: 'k', n })
  await plane.clock.advance(10)
  t.same(received, [3, 4, 5])
})

t.test('a reader created during a request is caught up too', async (t) => {
  const { plane, a, b } = await two(t)
  const writer = a.writer(topic)
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(1000)
  plane.network.setFaults({ minDelayMs: 20 })
  const first = b.reader(topic)
  await plane.clock.advance(45)
  const second = b.reader(topic)
  await plane.settle(Promise.all([first.synced(), second.synced()]))
  t.same([held(first), held(second)], [{ k: 1 }, { k: 1 }])
})

t.test('a writer created between a beacon and the reply is described by the reply', async (t) => {
  const { plane, a, b } = await two(t)
  a.writer(topic)
  await plane.clock.advance(1000)
  plane.network.setFaults({ minDelayMs: 20 })
  const reader = b.reader(topic)
  await plane.clock.advance(50)
  const late = a.writer(topic)
  late.write({ id: 'late', n: 1 })
  await plane.settle(reader.synced())
  await plane.clock.advance(200)
  t.same(held(reader), { late: 1 })
})
