import t from 'tap'
import type { ReaderEvent } from '../../src/pubsub/model/events.js'
import type { Sample } from '../../src/pubsub/model/sample.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { ReadOptions } from '../../src/pubsub/reader/read-options.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const keepAll = { history: 'keep-all' } as const

function brief({ key, value, sampleState, viewState, instanceState, validData }: Sample<Value>): string {
  return `${key} ${value?.n} ${sampleState} ${viewState} ${instanceState}${validData ? '' : ' no-data'}`
}

function events(reader: Reader<Value>, ...kinds: ReaderEvent['kind'][]): ReaderEvent[] {
  const told: ReaderEvent[] = []
  reader.onEvent((event) => {
    if (kinds.includes(event.kind)) told.push(event)
  })
  return told
}

t.test('depth 1: read keeps samples, take removes them, get still returns the value', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic)]
  writer.write({ id: 'x', n: 1 })
  writer.write({ id: 'y', n: 1 })
  await plane.settle(reader.synced())
  t.same(reader.read().map(brief), ['x 1 not-read new alive', 'y 1 not-read new alive'])
  t.same(reader.read().map(brief), ['x 1 read not-new alive', 'y 1 read not-new alive'])
  t.same(reader.read({ sampleStates: 'not-read' }), [])
  writer.write({ id: 'y', n: 2 })
  writer.write({ id: 'y', n: 3 })
  await plane.clock.advance(1)
  t.same(reader.read({ sampleStates: 'not-read' }).map(brief), ['y 3 not-read not-new alive'])
  t.same(reader.take({ key: 'x' }).map(brief), ['x 1 read not-new alive'])
  t.same(reader.take({ key: 'x' }), [])
  t.same(reader.take({ key: 'unknown' }), [])
  t.equal(reader.get('x')?.value?.n, 1)
  t.same(reader.take().map(brief), ['y 3 read not-new alive'])
  t.same(reader.take(), [])
  writer.dispose('x')
  writer.write({ id: 'z', n: 1 })
  await plane.clock.advance(1)
  t.same(reader.take().map(brief), ['x undefined not-read not-new disposed no-data', 'z 1 not-read new alive'])
  await a.close()
  await plane.clock.advance(1)
  t.same(
    reader.take({ instanceStates: 'no-writers' }).map(brief),
    ['y 3 not-read not-new no-writers no-data', 'z 1 not-read not-new no-writers no-data'],
    'the state is new, the data is not',
  )
})

t.test('depth 3: the last three of each instance, oldest first', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const qos = { historyDepth: 3 }
  const [writer, reader] = [a.writer(topic, { qos }), b.reader(topic, { qos })]
  await plane.settle(reader.synced())
  for (let n = 1; n <= 5; n++) {
    writer.write({ id: n % 2 === 0 ? 'even' : 'odd', n })
    writer.write({ id: 'all', n })
    await plane.clock.advance(5)
  }
  const ns = (samples: readonly Sample<Value>[]): string =>
    samples.map(({ key, value }) => `${key}${value?.n}`).join(' ')
  t.equal(ns(reader.read()), 'odd1 odd3 odd5 all3 all4 all5 even2 even4')
  t.equal(ns(reader.read({ maxSamples: 2 })), 'odd1 odd3')
  t.equal(ns(reader.take({ key: 'all', maxSamples: 2 })), 'all3 all4')
  t.equal(ns(reader.take({ filter: ({ value }) => (value?.n ?? 0) % 2 === 0 })), 'even2 even4')
  t.equal(ns(reader.take()), 'odd1 odd3 odd5 all5')
  t.equal(reader.get('all')?.value?.n, 5)
  writer.write({ id: 'all', n: 6 })
  await plane.clock.advance(5)
  writer.dispose('all')
  await plane.clock.advance(5)
  t.same(reader.take().map(brief), [
    'all 6 not-read not-new disposed',
    'all undefined not-read not-new disposed no-data',
  ])
  t.equal(reader.get('all'), undefined)
  writer.write({ id: 'all', n: 7 })
  await plane.clock.advance(5)
  t.match(reader.take(), [{ viewState: 'new', disposedGenerationCount: 1, noWritersGenerationCount: 0 }])
  t.throws(() => reader.take({ maxSamples: 0 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test('sample info holds reception and source times, both monotonic and wall', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic)]
  await plane.settle(reader.synced())
  const [writtenMs, wallMs] = [plane.clock.nowMs(), plane.clock.wallMs()]
  plane.network.setLinkFaults('a', 'b', { minDelayMs: 7, maxDelayMs: 7 })
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(100)
  plane.clock.stepWall(3_600_000)
  const [sample] = reader.take()
  t.match(sample, { receivedMs: writtenMs + 7, writtenWallMs: wallMs, token: { writer: writer.guid, seq: 1 } })
  t.equal(sample?.receivedWallMs, wallMs + 7 + 3_600_000, 'by the wall clock as it is now')
})

for (const loss of [0, 0.4]) {
  t.test(`keep-all, reliable, ${loss * 100} % loss: every sample, once, in order`, async (t) => {
    const plane = openPlane(t, 7)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const qos = { historyDepth: 1000 }
    const [writer, reader] = [a.writer(topic, { qos }), b.reader(topic, { qos: keepAll })]
    await plane.settle(reader.synced())
    const lost = events(reader, 'sample-lost', 'sample-rejected')
    plane.network.setFaults({ lossRatio: loss, duplicateRatio: loss, maxDelayMs: 30 * loss })
    const taken: number[] = []
    for (let n = 1; n <= 300; n++) {
      writer.write({ id: `k${n % 3}`, n })
      if (n % 7 === 0) writer.write({ id: `k${n % 3}`, n: n + 0.5 })
      await plane.clock.advance(2)
      if (n % 50 === 0) taken.push(...reader.take().map(({ value }) => value?.n ?? -1))
    }
    plane.network.setFaults({})
    // The last one may be lost. The next beacon announces it.
    await plane.clock.advance(2000)
    taken.push(...reader.take().map(({ value }) => value?.n ?? -1))
    for (const rest of [0, 1, 2]) {
      const mine = taken.filter((n) => Math.floor(n) % 3 === rest)
      const written: number[] = []
      for (let n = 1; n <= 300; n++) if (n % 3 === rest) written.push(n, ...(n % 7 === 0 ? [n + 0.5] : []))
      t.same(mine, written)
    }
    t.same(lost, [])
    if (loss > 0) t.ok(b.counters.get('catch-up.replies') > 1, 'there were gaps')
  })
}

t.test('a sample overwritten before it could be resent is lost to a history, and reported', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic, { qos: keepAll })]
  writer.write({ id: 'before', n: 1 })
  writer.write({ id: 'before', n: 2 })
  await plane.settle(reader.synced())
  const lost = events(reader, 'sample-lost')
  t.same(lost, [], 'samples from before the reader joined are no loss')
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  for (let n = 1; n <= 4; n++) {
    writer.write({ id: 'k', n })
    await plane.clock.advance(1)
  }
  plane.network.setLinkFaults('a', 'b', undefined)
  await plane.clock.advance(1000)
  t.same(reader.take({ key: 'k' }).map(brief), ['k 4 not-read new alive'])
  t.match(lost, [{ writer: writer.guid, reason: 'overwritten', lostCount: 3, totalCount: 3 }])
  writer.write({ id: 'k', n: 5 })
  writer.write({ id: 'k', n: 6 })
  await plane.clock.advance(1)
  t.match(lost[1], { reason: 'overwritten', lostCount: 1, totalCount: 4 }, 'even within one tick')
  const own = a.reader(topic, { qos: keepAll })
  const ownLost = events(own, 'sample-lost')
  await plane.clock.advance(1)
  t.same(ownLost, [])
  writer.write({ id: 'k', n: 7 })
  writer.write({ id: 'k', n: 8 })
  await plane.clock.advance(1)
  t.match(ownLost, [{ reason: 'overwritten', lostCount: 1 }], 'a local reader reports the same')
})

t.test('a best-effort reader reports what it missed', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic, { qos: { reliability: 'best-effort', historyDepth: 5 } })]
  writer.write({ id: 'k', n: 0 })
  await plane.settle(reader.synced())
  const lost = events(reader, 'sample-lost')
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(1)
  plane.network.setLinkFaults('a', 'b', undefined)
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(1)
  t.match(lost, [{ kind: 'sample-lost', writer: writer.guid, reason: 'gap', lostCount: 1, totalCount: 1 }])
  t.equal(b.counters.get('reader.lost.gap'), 1)
  t.same(
    reader.take().map(({ value }) => value?.n),
    [0, 2],
  )
})

t.test('a volatile keep-all reader begins with the next sample', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { historyDepth: 100 } })
  writer.write({ id: 'k', n: 0 })
  const first = b.reader(topic)
  await plane.settle(first.synced())
  const reader = b.reader(topic, { qos: { ...keepAll, durability: 'volatile' } })
  for (let n = 1; n <= 20; n++) {
    writer.write({ id: 'k', n })
    await plane.clock.advance(1)
  }
  await plane.settle(reader.synced())
  const taken = reader.take().map(({ value }) => value?.n ?? -1)
  t.ok(taken.length > 0)
  t.same(
    taken,
    Array.from({ length: taken.length }, (_, at) => 21 - taken.length + at),
    'from some change on, all of them',
  )
})

for (const place of ['another process', 'the same'] as const) {
  t.test(
    `without room the token stays, and refused samples arrive once there is room: writer in ${place}`,
    async (t) => {
      const cases: { limit: string; qos: object; reason: string }[] = [
        { limit: 'maxSamples', qos: { maxSamples: 4 }, reason: 'samples-limit' },
        { limit: 'maxSamplesPerInstance', qos: { maxSamplesPerInstance: 4 }, reason: 'samples-per-instance-limit' },
      ]
      for (const { limit, qos, reason } of cases) {
        await t.test(limit, async (t) => {
          const plane = openPlane(t)
          const [a, b] = [await plane.join('a'), await plane.join('b')]
          const writer = a.writer(topic, { qos: { historyDepth: 100 } })
          const reader = (place === 'the same' ? a : b).reader(topic, { qos: { ...keepAll, resourceLimits: qos } })
          await plane.settle(reader.synced())
          const rejected = events(reader, 'sample-rejected')
          for (let n = 1; n <= 11; n++) {
            writer.write({ id: 'k', n })
            await plane.clock.advance(1)
          }
          await plane.clock.advance(3000)
          t.match(rejected, [{ kind: 'sample-rejected', writer: writer.guid, key: 'k', reason, totalCount: 1 }])
          t.match(reader.lag(), [{ appliedSeq: 4, headSeq: 11 }])
          await plane.settle(reader.synced(), 1000)
          const taken: number[] = []
          const take = (options: ReadOptions<Value> = {}): void => {
            for (const { value } of reader.take(options)) taken.push(value?.n ?? -1)
          }
          take({ maxSamples: 1 })
          await plane.clock.advance(1000)
          t.match(reader.lag(), [{ appliedSeq: 4 }], 'not for every sample')
          for (let round = 0; round < 4; round++) {
            take({ maxSamples: 3 })
            await plane.clock.advance(1000)
          }
          take()
          t.same(taken, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
          t.match(reader.lag(), [{ appliedSeq: 11, headSeq: 11 }])
        })
      }
      await t.test('maxInstances', async (t) => {
        const plane = openPlane(t)
        const [a, b] = [await plane.join('a'), await plane.join('b')]
        const writer = a.writer(topic)
        const reader = (place === 'the same' ? a : b).reader(topic, { qos: { resourceLimits: { maxInstances: 2 } } })
        await plane.settle(reader.synced())
        const rejected = events(reader, 'sample-rejected')
        for (const id of ['one', 'two', 'three', 'four']) writer.write({ id, n: 1 })
        await plane.clock.advance(10)
        t.match(rejected, [
          { key: 'three', reason: 'instances-limit', totalCount: 1 },
          { key: 'four', reason: 'instances-limit', totalCount: 2 },
        ])
        writer.write({ id: 'one', n: 2 })
        await plane.clock.advance(1000)
        t.equal(reader.get('one')?.value?.n, 2, 'held instances stay current')
        t.equal(rejected.length, 2, 'the reader does not ask repeatedly')
        writer.dispose('two')
        await plane.clock.advance(1000)
        t.equal(reader.get('three')?.value?.n, 1)
        writer.dispose('one')
        await plane.clock.advance(1000)
        t.same([...reader.entries()].map(([key]) => key).sort(), ['four', 'three'])
        t.match(reader.lag(), [{ lagSamples: 0, catchUpState: 'fresh' }])
      })
    },
  )
}

t.test('best effort without room: a refused sample is lost', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const qos = { ...keepAll, reliability: 'best-effort', resourceLimits: { maxSamples: 2 } } as const
  const reader = b.reader(topic, { qos })
  await plane.settle(reader.synced())
  const rejected = events(reader, 'sample-rejected')
  for (let n = 1; n <= 4; n++) {
    writer.write({ id: 'k', n })
    await plane.clock.advance(1)
  }
  t.equal(rejected.length, 2)
  t.same(
    reader.take().map(({ value }) => value?.n),
    [1, 2],
  )
  writer.write({ id: 'k', n: 5 })
  await plane.clock.advance(1)
  t.same(
    reader.take().map(({ value }) => value?.n),
    [5],
  )
})

t.test('iteration with a history yields every sample, and a full mailbox reports what it dropped', async (t) => {
  for (const mailboxDrop of ['oldest', 'newest'] as const) {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const writer = a.writer(topic, { qos: { historyDepth: 10 } })
    const reader = b.reader(topic, { qos: { historyDepth: 10 }, mailboxCapacity: 3, mailboxDrop })
    writer.write({ id: 'k', n: 0 })
    await plane.settle(reader.synced())
    const lost = events(reader, 'sample-lost')
    const iterator = reader[Symbol.asyncIterator]()
    for (let n = 1; n <= 4; n++) writer.write({ id: 'k', n })
    await plane.clock.advance(1)
    const got: (number | undefined)[] = []
    for (let at = 0; at < 3; at++) {
      const { value } = await iterator.next()
      got.push(value?.value?.n)
    }
    t.same(got, mailboxDrop === 'oldest' ? [2, 3, 4] : [0, 1, 2])
    t.match(lost.at(-1), { reason: 'mailbox', writer: writer.guid, lostCount: 1, totalCount: 2 })
    t.equal(b.counters.get('reader.mailbox-dropped'), 2)
    t.same(
      reader.take().map(({ value }) => value?.n),
      [0, 1, 2, 3, 4],
      'samples waiting to be taken do not count',
    )
    await iterator.return?.()
  }
  const plane = openPlane(t)
  const b = await plane.join('b')
  t.throws(() => b.reader(topic, { mailboxCapacity: 0 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => b.reader(topic, { mailboxDrop: 'some' as 'oldest' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test(
  'keep-all: samples handed to listeners or an iteration count as taken, unless the listener takes them itself',
  async (t) => {
    for (const how of ['listener', 'taking listener', 'iteration'] as const) {
      await t.test(how, async (t) => {
        const plane = openPlane(t)
        const [a, b] = [await plane.join('a'), await plane.join('b')]
        const writer = a.writer(topic, { qos: { historyDepth: 100 } })
        const reader = b.reader(topic, { qos: { ...keepAll, resourceLimits: { maxSamples: 3 } } })
        await plane.settle(reader.synced())
        const rejected = events(reader, 'sample-rejected')
        const got: (number | undefined)[] = []
        if (how === 'listener') reader.onSample(({ value }) => got.push(value?.n))
        if (how === 'taking listener') reader.onSample(() => got.push(...reader.take().map(({ value }) => value?.n)))
        const iterating = (async () => {
          if (how === 'iteration') for await (const { value } of reader) got.push(value?.n)
        })()
        for (let n = 1; n <= 10; n++) {
          writer.write({ id: `k${n % 2}`, n })
          await plane.clock.advance(1)
        }
        t.same(got, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        t.same([rejected, reader.take()], [[], []])
        reader.close()
        await iterating
      })
    }
  },
)

t.test('a purge reports unread samples as lost', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { historyDepth: 5 } })
  const qos = { ...keepAll, readerDataLifecycle: { purgeDisposedMs: 100 } } as const
  const reader = b.reader(topic, { qos })
  await plane.settle(reader.synced())
  const lost = events(reader, 'sample-lost')
  for (const n of [1, 2, 3]) writer.write({ id: 'k', n })
  await plane.clock.advance(1)
  reader.take({ maxSamples: 1 })
  writer.dispose('k')
  await plane.clock.advance(1000)
  t.match(lost, [{ reason: 'purged', writer: writer.guid, lostCount: 2 }])
  t.same([reader.size, reader.take()], [0, []])
})

t.test('lifespan: an expired sample is neither shown nor handed out', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { historyDepth: 5 } })
  const reader = b.reader(topic, { qos: { historyDepth: 5, lifespanMs: 100 } })
  await plane.settle(reader.synced())
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(60)
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(60)
  t.same(reader.read().map(brief), ['k 2 not-read new alive'])
  t.equal(reader.get('k')?.value?.n, 2)
  await plane.clock.advance(60)
  t.same([reader.read(), reader.get('k'), [...reader.entries()]], [[], undefined, []])
  await plane.clock.advance(300)
  t.equal(b.counters.get('reader.expired'), 2)
  const late = b.reader(topic, { qos: { lifespanMs: 100 } })
  await plane.settle(late.synced())
  t.equal(late.size, 0)
})

t.test('keep-all: a slow iteration applies backpressure, however small its mailbox', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const qos = { history: 'keep-all', durability: 'volatile' } as const
  const writer = a.writer(topic, { qos })
  const reader = b.reader(topic, { qos: { ...qos, resourceLimits: { maxSamples: 8 } }, mailboxCapacity: 2 })
  await plane.settle(reader.synced())
  const iteration = reader[Symbol.asyncIterator]()
  for (let n = 1; n <= 20; n++) {
    writer.write({ id: 'x', n })
    await plane.clock.advance(20)
  }
  const seen: number[] = []
  void (async () => {
    for (;;) {
      const r = await iteration.next()
      if (r.done === true) return
      seen.push(r.value.value?.n ?? -1)
    }
  })()
  await plane.clock.advance(20_000)
  t.equal(reader.lag()[0]?.lagSamples, 0)
  t.same(
    seen,
    Array.from({ length: 20 }, (_, at) => at + 1),
  )
  t.equal(b.counters.get('reader.mailbox-dropped'), 0)
})

t.test('maxInstances counts the instances that pass the filter, at any time', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const reader = b.reader(topic, { filter: ({ n }) => n > 0, qos: { resourceLimits: { maxInstances: 2 } } })
  await plane.settle(reader.synced())
  for (let k = 0; k < 5; k++) writer.write({ id: `k${k}`, n: 0 })
  await plane.clock.advance(200)
  t.equal(reader.size, 0)
  for (let k = 5; k < 10; k++) writer.write({ id: `k${k}`, n: 1 })
  await plane.clock.advance(200)
  t.equal(reader.size, 2, 'new ones')
  for (let k = 0; k < 5; k++) writer.write({ id: `k${k}`, n: 1 })
  await plane.clock.advance(200)
  t.equal(reader.size, 2, 'they pass the filter now')
  for (let k = 5; k < 10; k++) writer.dispose(`k${k}`)
  await plane.clock.advance(60_000)
  t.equal(reader.size, 2, 'after disposal')
})
