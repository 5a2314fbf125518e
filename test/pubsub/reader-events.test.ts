import t from 'tap'
import { z } from 'zod'
import type { ReaderEvent, WriterEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import { SamplesEncoder } from '../../src/wire/samples.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function eventsOf(reader: Reader<Value>): ReaderEvent[] {
  const told: ReaderEvent[] = []
  reader.onEvent((event) => told.push(event))
  return told
}

function matched(told: ReaderEvent[]): string[] {
  return told.flatMap((event) =>
    event.kind === 'subscription-matched' ? `${event.isMatched} ${event.currentCount} of ${event.totalCount}` : [],
  )
}

function liveliness(told: ReaderEvent[]): string[] {
  return told.flatMap((event) =>
    event.kind === 'liveliness-changed' ? `${event.isAlive} ${event.aliveCount}/${event.notAliveCount}` : [],
  )
}

t.test('matches are reported for existing, new and departing writers, own ones included', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const first = a.writer(topic)
  const reader = b.reader(topic)
  const told = eventsOf(reader)
  await plane.settle(reader.synced())
  const own = b.writer(topic)
  await plane.clock.advance(500)
  first.close()
  await plane.clock.advance(1000)
  own.close()
  t.same(matched(told), ['true 1 of 1', 'true 2 of 2', 'false 1 of 2', 'false 0 of 2'])
  t.same(liveliness(told), ['true 1/0', 'true 2/0', 'false 1/0', 'false 0/0'])
  reader.onEvent(() => {
    throw new Error('broken')
  })
  b.writer(topic)
  t.ok(b.counters.get('reader.listener-threw') > 0)
  t.equal(matched(told).length, 5)
})

t.test('an automatic writer with its own lease is kept alive by its participant', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { leaseMs: 1500 } })
  const reader = b.reader(topic, { qos: { leaseMs: 2000 } })
  const told = eventsOf(reader)
  writer.write({ id: 'k', n: 1 })
  await plane.settle(reader.synced())
  await plane.clock.advance(10_000)
  t.same(liveliness(told), ['true 1/0'], 'its beacons keep it alive')
  plane.network.disconnect('a')
  await plane.clock.advance(2200)
  t.same(liveliness(told), ['true 1/0', 'false 0/1'])
  t.equal(reader.get('k')?.instanceState, 'no-writers')
  plane.network.reconnect('a')
  await plane.clock.advance(1000)
  t.same(liveliness(told), ['true 1/0', 'false 0/1', 'true 1/0'])
  t.match(reader.get('k'), { instanceState: 'alive', value: { n: 1 } }, 'its cache is fetched again')
})

for (const kind of ['manual-by-topic', 'manual-by-participant'] as const) {
  t.test(`${kind}: the program must assert its liveliness`, async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const qos = { liveliness: kind, leaseMs: 1000 }
    const silent = a.writer(topic, { qos })
    const other = a.writer(topic, { qos })
    const reader = b.reader(topic, { qos: { leaseMs: 1000 } })
    const told = eventsOf(reader)
    silent.write({ id: 'silent', n: 1 })
    await plane.settle(reader.synced())
    t.same(liveliness(told), ['true 1/0', 'true 2/0'])
    for (let n = 0; n < 6; n++) {
      other.write({ id: 'other', n })
      await plane.clock.advance(400)
    }
    if (kind === 'manual-by-topic') {
      t.same(liveliness(told).slice(2), ['false 1/1'], 'each writer by itself')
      t.equal(reader.get('silent')?.instanceState, 'no-writers')
    } else t.same(liveliness(told).slice(2), [], 'one assertion for all writers')
    await plane.clock.advance(1000)
    t.same(liveliness(told).at(-1), 'false 0/2')
    silent.write({ id: 'silent', n: 2 })
    await plane.clock.advance(100)
    t.match(reader.get('silent'), { instanceState: 'alive', value: { n: 2 } })
    const otherState = reader.get('other')?.instanceState
    t.equal(otherState, kind === 'manual-by-topic' ? 'no-writers' : 'alive')
  })
}

t.test('an empty frame asserts liveliness', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { liveliness: 'manual-by-topic', leaseMs: 500 } })
  const reader = b.reader(topic, { qos: { leaseMs: 500 } })
  const told = eventsOf(reader)
  await plane.settle(reader.synced())
  const encoder = new SamplesEncoder(a.guid, 100)
  for (let round = 0; round < 5; round++) {
    await plane.clock.advance(300)
    encoder.begin(writer.entity, 0, 0)
    encoder.finish()
    const proxy = reader.feed.proxies.get(writer.guid)
    if (proxy !== undefined)
      reader.feed.receiveLive(proxy, { writer: writer.entity, prevSeq: 0, sentWallMs: 0, count: 0 }, [])
  }
  t.same(liveliness(told), ['true 1/0'])
})

t.test('a value refused by the schema or the filter is reported, and the held value stays', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const loose = a.writer(topic)
  const schema = z.object({ id: z.string(), n: z.number().max(10) })
  const strict = b.reader(defineTopic<Value>({ name: 'state', key: 'id', schema }))
  const angry = b.reader(topic, {
    filter: ({ n }) => {
      if (n > 10) throw new Error('too much')
      return true
    },
  })
  await plane.settle(Promise.all([strict.synced(), angry.synced()]))
  const [told, angrily] = [eventsOf(strict), eventsOf(angry)]
  loose.write({ id: 'k', n: 1 })
  await plane.clock.advance(1)
  loose.write({ id: 'k', n: 11 })
  await plane.clock.advance(1)
  const expected = { kind: 'sample-rejected', writer: loose.guid, key: 'k', totalCount: 1 }
  t.match(told, [{ ...expected, reason: 'schema', detail: /^n / }])
  t.match(angrily, [{ ...expected, reason: 'filter', detail: /too much/ }])
  t.same([strict.get('k')?.value?.n, angry.get('k')?.value?.n], [1, 1])
  t.equal(b.counters.get('reader.rejected.schema'), 1)
})

t.test('a reader that closes in its own listener leaves no deadline timer behind', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { deadlineMs: 500 } })
  const reader = b.reader(topic, { qos: { deadlineMs: 1000 } })
  await plane.settle(reader.synced())
  reader.onSample(() => reader.close())
  writer.write({ id: 'x', n: 1 })
  writer.write({ id: 'y', n: 1 })
  await plane.clock.advance(100)
  const before = b.counters.get('reader.deadline-missed')
  await plane.clock.advance(20_000)
  t.equal(b.counters.get('reader.deadline-missed'), before)
})

t.test(
  'when a writer leaves with samples missing, received ones are handed out and missing ones reported',
  async (t) => {
    for (const historyDepth of [1, 10]) {
      const plane = openPlane(t)
      const [a, b] = [await plane.join('a'), await plane.join('b')]
      const writer = a.writer(topic, { qos: { historyDepth: 10 } })
      const reader = b.reader(topic, { qos: { historyDepth } })
      const told: ReaderEvent[] = []
      const seen: number[] = []
      await plane.settle(reader.synced())
      await plane.clock.advance(2000)
      reader.onEvent((e) => told.push(e))
      reader.onSample((s) => {
        if (s.instanceState === 'alive') seen.push(s.value?.n ?? -1)
      })
      writer.write({ id: 'x', n: 1 })
      await plane.clock.advance(50)
      plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
      writer.write({ id: 'y', n: 2 })
      writer.flush()
      plane.network.setLinkFaults('a', 'b', undefined)
      writer.write({ id: 'z', n: 3 })
      writer.flush()
      await a.close()
      await plane.clock.advance(3_000)
      t.same(seen, [1, 3], `depth ${historyDepth}`)
      t.match(
        told.filter(({ kind }) => kind === 'sample-lost'),
        [{ reason: 'writer-gone', lostCount: 1, totalCount: 1 }],
      )
    }
  },
)

t.test('a peer known before an endpoint is created is reported to its listener', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  a.writer(topic)
  b.reader(topic)
  const other = defineTopic<Value>({ name: 'other', key: 'id', fields: ['id', 'n'] })
  a.writer(other, { qos: { reliability: 'best-effort' } })
  await plane.clock.advance(2000)
  const told: ReaderEvent[] = []
  b.reader(topic).onEvent((e) => told.push(e))
  b.reader(other).onEvent((e) => told.push(e))
  await plane.clock.advance(2000)
  t.ok(told.some((e) => e.kind === 'subscription-matched'))
  t.ok(told.some((e) => e.kind === 'incompatible-qos'))
  const w: WriterEvent[] = []
  a.writer(topic).onEvent((e) => w.push(e))
  a.writer(other, { qos: { reliability: 'best-effort' } }).onEvent((e) => w.push(e))
  await plane.clock.advance(2000)
  t.ok(w.some((e) => e.kind === 'publication-matched'))
  t.ok(w.some((e) => e.kind === 'incompatible-qos'))
})

t.test('a schema that throws refuses that value and delays no other', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const strict = defineTopic<Value>({
    name: 'state',
    key: 'id',
    schema: z.object({
      id: z.string(),
      n: z.number().refine((n) => {
        if (n === 2) throw new TypeError('unexpected')
        return true
      }),
    }),
  })
  const writer = a.writer(topic)
  for (const reader of [b.reader(strict), a.reader(strict)]) {
    const told = eventsOf(reader)
    await plane.settle(reader.synced())
    for (const n of [1, 2, 3]) writer.write({ id: `k${n}`, n })
    await plane.clock.advance(1_000)
    t.same([...reader.entries()].map(([key]) => key).sort(), ['k1', 'k3'])
    t.match(
      told.filter(({ kind }) => kind === 'sample-rejected'),
      [{ reason: 'schema', key: 'k2', detail: /the schema threw/ }],
    )
    t.equal(reader.lag()[0]?.lagSamples, 0)
    reader.close()
  }
  t.throws(() => b.writer(strict).write({ id: 'k', n: 2 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test('manual liveliness: a sample lost in transit asserts liveliness too', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const qos = { liveliness: 'manual-by-topic', leaseMs: 2000 } as const
  const writer = a.writer(topic, { qos })
  const reader = b.reader(topic, { qos })
  await plane.settle(reader.synced())
  const told: ReaderEvent[] = []
  reader.onEvent((e) => told.push(e))
  writer.write({ id: 'x', n: 0 })
  await plane.clock.advance(100)
  // Only samples are lost. The digests still arrive, so missed samples are pulled.
  for (let n = 1; n < 60; n++) {
    plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
    writer.write({ id: 'x', n })
    writer.flush()
    plane.network.setLinkFaults('a', 'b', undefined)
    await plane.clock.advance(500)
  }
  t.equal(reader.get('x')?.value?.n, 59)
  t.same(
    told.filter(({ kind }) => kind === 'liveliness-changed'),
    [],
  )
})
