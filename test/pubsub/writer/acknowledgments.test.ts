import t from 'tap'
import type { ReaderEvent, WriterEvent } from '../../../src/pubsub/model/events.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { QosOptions } from '../../../src/qos/qos.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const keepAll: QosOptions = { history: 'keep-all', durability: 'volatile', resourceLimits: { maxSamples: 5 } }
const everything: QosOptions = { history: 'keep-all', durability: 'volatile' }

/** Returns whether the promise has settled yet, and how. */
function outcomeOf(work: Promise<void>): () => string {
  let outcome = 'pending'
  work.then(
    () => {
      outcome = 'done'
    },
    (error: { code?: unknown; name?: string }) => {
      outcome = typeof error.code === 'string' ? error.code : (error.name ?? 'error')
    },
  )
  return () => outcome
}

t.test('waitForAcknowledgments waits for every reliable reader and no other', async (t) => {
  const plane = openPlane(t)
  const [a, b, c] = [await plane.join('a'), await plane.join('b'), await plane.join('c')]
  const writer = a.writer(topic)
  await plane.settle(writer.waitForAcknowledgments())
  t.pass('there is no reader')
  const [near, far, careless] = [
    a.reader(topic),
    b.reader(topic),
    c.reader(topic, { qos: { reliability: 'best-effort' } }),
  ]
  await plane.settle(Promise.all([near, far, careless].map((reader) => reader.synced())))
  t.same([...writer.matchedReaders()].sort(), [near.guid, far.guid, careless.guid].sort())
  const asked = b.counters.get('catch-up.replies')
  for (let n = 0; n < 50; n++) writer.write({ id: 'k', n })
  await plane.clock.advance(2000)
  t.equal(b.counters.get('catch-up.replies'), asked, 'no call waits, so nothing is asked')
  await plane.settle(writer.waitForAcknowledgments())
  t.match(far.lag(), [{ appliedSeq: 50 }])
  t.equal(b.counters.get('catch-up.replies'), asked + 1, 'one pull was enough')
  plane.network.disconnect('c')
  writer.write({ id: 'k', n: 51 })
  await plane.settle(writer.waitForAcknowledgments(), 5_000)
  t.pass('it does not wait for a best-effort reader')

  plane.network.disconnect('b')
  writer.write({ id: 'k', n: 52 })
  const waiting = outcomeOf(writer.waitForAcknowledgments())
  const aborted = outcomeOf(writer.waitForAcknowledgments({ signal: AbortSignal.abort() }))
  const late = new AbortController()
  const abandoned = outcomeOf(writer.waitForAcknowledgments({ signal: late.signal }))
  await plane.clock.advance(1500)
  late.abort()
  await plane.clock.advance(0)
  t.same([waiting(), aborted(), abandoned()], ['pending', 'AbortError', 'AbortError'])
  plane.network.heal()
  await plane.clock.advance(3000)
  t.equal(waiting(), 'done')
  t.match(far.get('k'), { value: { n: 52 } })
  plane.network.disconnect('b')
  writer.write({ id: 'k', n: 53 })
  const closed = outcomeOf(writer.waitForAcknowledgments())
  await plane.clock.advance(100)
  writer.close()
  await plane.clock.advance(0)
  t.equal(closed(), 'NUMACAST_CLOSED')
  await t.rejects(writer.waitForAcknowledgments(), { code: 'NUMACAST_CLOSED' })
  await t.rejects(writer.writable(), { code: 'NUMACAST_CLOSED' })
})

t.test('acknowledgments arrive despite loss, duplication and reordering', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const plane = openPlane(t, seed)
    plane.network.setFaults({ lossRatio: 0.4, duplicateRatio: 0.2 })
    const a = await plane.join('a')
    const writer = a.writer(topic, { qos: keepAll })
    const readers = []
    for (const name of ['b', 'c', 'd']) readers.push((await plane.join(name)).reader(topic, { qos: everything }))
    const received = readers.map((reader) => {
      const seqs: number[] = []
      reader.onSample(({ value }) => seqs.push(value?.n ?? -1))
      return seqs
    })
    for (let passed = 0; writer.matchedReaders().length < 3 && passed < 20_000; passed += 50)
      await plane.clock.advance(50)
    await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
    for (let n = 0; n < 40; n++) {
      await plane.settle(writer.writable())
      writer.write({ id: `k${n % 3}`, n })
    }
    await plane.settle(writer.waitForAcknowledgments())
    for (const seqs of received) {
      t.same(
        [...seqs].sort((x, y) => x - y),
        Array.from({ length: 40 }, (_, n) => n),
        'every change, once',
      )
    }
    t.equal(writer.cache.samples, 0, 'no sample is kept for any reader')
  }
})

t.test('keep-all: unacknowledged samples are kept up to the limit, then writers wait or are refused', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: keepAll })
  for (let n = 0; n < 20; n++) {
    writer.write({ id: 'k', n })
    writer.flush()
  }
  t.equal(writer.cache.samples, 0, 'volatile without a reader')
  const reader = b.reader(topic, { qos: { durability: 'volatile' } })
  const received: number[] = []
  reader.onSample(({ value }) => received.push(value?.n ?? -1))
  await plane.settle(reader.synced())
  plane.network.disconnect('b')
  for (let n = 20; n < 25; n++) writer.write({ id: 'k', n })
  const refused = { code: 'NUMACAST_LIMIT', details: { instance: 'k', limit: 'maxSamples', most: 5 } }
  t.throws(() => writer.write({ id: 'k', n: 25 }), refused)
  t.throws(() => writer.write({ id: 'k', n: 25 }), { message: /topic 'state', instance 'k'.*maxSamples is 5/ })
  t.equal(writer.lastSeq, 25)
  const room = outcomeOf(writer.writable())
  await plane.clock.advance(1000)
  t.equal(room(), 'pending')
  plane.network.heal()
  await plane.clock.advance(3000)
  t.equal(room(), 'done')
  t.same(received, [20, 21, 22, 23, 24], 'each one, in order')
  t.equal(writer.write({ id: 'k', n: 25 }).seq, 26)
})

t.test('a dead or deaf reader blocks a writer only until its timeout', async (t) => {
  const plane = openPlane(t)
  const [a, b, c] = [await plane.join('a'), await plane.join('b'), await plane.join('c')]
  const writer = a.writer(topic, { qos: keepAll })
  const events: WriterEvent[] = []
  writer.onEvent((event) => events.push(event))
  const [silent, quick] = [b.reader(topic, { qos: everything }), c.reader(topic, { qos: everything })]
  await plane.settle(Promise.all([silent.synced(), quick.synced()]))
  plane.network.disconnect('b')
  for (let n = 0; n < 5; n++) writer.write({ id: 'k', n })
  await plane.clock.advance(50)
  t.match(quick.get('k'), { value: { n: 4 } }, 'other readers get it at once')
  await plane.settle(writer.writable(), 12_000)
  t.match(events.at(-1), {
    kind: 'publication-matched',
    reader: silent.guid,
    isMatched: false,
    currentCount: 1,
    totalCount: 2,
  })
  plane.network.heal()
  await plane.clock.advance(5000)
  t.match(events.at(-1), { kind: 'publication-matched', reader: silent.guid, isMatched: true, currentCount: 2 })
  t.equal(silent.get('k'), undefined, 'volatile: it matched the writer again')
  writer.write({ id: 'k', n: 5 })
  await plane.settle(writer.waitForAcknowledgments())
  t.match(silent.get('k'), { value: { n: 5 } })
})

t.test('keep-all on both sides: a slow reader slows its writer down and loses nothing', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const qos: QosOptions = { ...keepAll, resourceLimits: { maxSamples: 4 } }
  const writer = a.writer(topic, { qos })
  const reader = b.reader(topic, { qos })
  await plane.settle(reader.synced())
  const taken: number[] = []
  let isDone = false
  const writing = (async () => {
    for (let n = 0; n < 12; n++) {
      await writer.writable()
      writer.write({ id: 'k', n })
    }
    isDone = true
  })()
  // Longer than the writer would wait for a silent reader.
  for (let round = 0; taken.length < 12 && round < 40; round++) {
    await plane.clock.advance(15_000)
    if (round === 0) t.notOk(isDone, 'at most four samples on each side')
    for (const { value } of reader.take()) taken.push(value?.n ?? -1)
  }
  await plane.settle(writing)
  t.same(
    taken,
    Array.from({ length: 12 }, (_, n) => n),
  )
  t.equal(a.counters.get('writer.reader-given-up'), 0)
})

t.test('keep-all: a writer waits for a reader of the same process that has no room', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const qos = { history: 'keep-all', durability: 'volatile' } as const
  const writer = a.writer(topic, { qos: { ...qos, resourceLimits: { maxSamples: 5 } } })
  const told: WriterEvent[] = []
  writer.onEvent((e) => told.push(e))
  const reader = a.reader(topic, { qos: { ...qos, resourceLimits: { maxSamples: 2 } } })
  const lost: ReaderEvent[] = []
  reader.onEvent((e) => {
    if (e.kind === 'sample-lost') lost.push(e)
  })
  await plane.clock.advance(200)
  const seen: number[] = []
  for (let n = 1; n <= 5; n++) {
    await plane.settle(writer.writable({ key: 'x' }))
    writer.write({ id: 'x', n })
    await plane.clock.advance(20)
  }
  await plane.clock.advance(30_000)
  t.same(
    told.filter((e) => e.kind === 'publication-matched' && !e.isMatched),
    [],
  )
  for (let i = 0; i < 20; i++) {
    for (const s of reader.take()) seen.push(s.value?.n ?? -1)
    await plane.clock.advance(200)
  }
  t.same(seen, [1, 2, 3, 4, 5])
  t.same(lost, [])
})
