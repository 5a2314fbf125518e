import t from 'tap'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.test('iteration begins with the held values, conflates for a slow consumer, and ends on close', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic)]
  writer.write({ id: 'held', n: 0 })
  await plane.settle(reader.synced())
  const seen: string[] = []
  const iterator = reader[Symbol.asyncIterator]()
  const take = async (): Promise<void> => {
    const { value, done } = await iterator.next()
    seen.push(done === true ? 'done' : `${value.key} ${value.instanceState} ${value.value?.n} ${value.viewState}`)
  }
  await take()
  for (let n = 1; n <= 100; n++) {
    writer.write({ id: 'busy', n })
    await plane.clock.advance(1)
  }
  writer.write({ id: 'calm', n: 1 })
  writer.dispose('held')
  await plane.clock.advance(1)
  await take()
  await take()
  await take()
  t.same(seen, ['held alive 0 new', 'busy alive 100 new', 'calm alive 1 new', 'held disposed undefined not-new'])
  t.equal(b.counters.get('reader.mailbox-conflated'), 99)
  const last = take()
  reader.close()
  await last
  await take()
  t.same(seen.slice(4), ['done', 'done'])
})

t.test('a waiting consumer gets each change once, even two of one frame', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic, { qos: { historyDepth: 2 } }), b.reader(topic)]
  await plane.settle(reader.synced())
  const seen: number[] = []
  const reading = (async () => {
    for await (const { value } of reader) seen.push(value?.n ?? -1)
  })()
  writer.write({ id: 'k', n: 1 })
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(10)
  reader.close()
  await reading
  t.same(seen, [2], 'the latest, once')
})

t.test('breaking out of an iteration ends it, and its mailbox stops collecting', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic, { mailboxCapacity: 1 })]
  writer.write({ id: 'a', n: 1 })
  await plane.settle(reader.synced())
  for await (const sample of reader) {
    t.equal(sample.key, 'a')
    break
  }
  const abandoned = reader[Symbol.asyncIterator]()
  writer.write({ id: 'b', n: 1 })
  writer.write({ id: 'c', n: 1 })
  await plane.clock.advance(10)
  t.equal(b.counters.get('reader.mailbox-dropped'), 2, 'a and b made room for c')
  await abandoned.return?.()
  await abandoned.return?.()
  writer.write({ id: 'd', n: 1 })
  await plane.clock.advance(10)
  t.equal(b.counters.get('reader.mailbox-dropped'), 2)
})

t.test('a filter refuses values, and a filter that throws refuses too', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const even = b.reader(topic, { filter: ({ n }) => n % 2 === 0 })
  const angry = b.reader(topic, {
    filter: () => {
      throw new Error('no')
    },
  })
  for (let n = 0; n < 10; n++) writer.write({ id: `k${n}`, n })
  await plane.settle(Promise.all([even.synced(), angry.synced()]))
  t.same(
    [...even.entries()].map(([, { value }]) => value?.n),
    [0, 2, 4, 6, 8],
  )
  t.equal(b.counters.get('reader.filtered'), 5)
  t.equal(angry.size, 0)
  writer.dispose('k2')
  await plane.clock.advance(10)
  t.equal(even.get('k2'), undefined, 'ends pass')
})

t.test('listeners run in order and at once, and one throwing listener does not affect the others', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic)]
  await plane.settle(reader.synced())
  const received: string[] = []
  reader.onSample(() => {
    throw new Error('broken listener')
  })
  const subscription = reader.onSample(({ key, viewState, via, token }) => {
    received.push(`${key} ${viewState} ${token.seq}`)
    t.equal(via, writer.guid)
  })
  writer.write({ id: 'a', n: 1 })
  writer.write({ id: 'b', n: 1 })
  await plane.clock.advance(1)
  writer.write({ id: 'a', n: 2 })
  writer.dispose('b')
  await plane.clock.advance(1)
  writer.write({ id: 'b', n: 2 })
  await plane.clock.advance(1)
  subscription.close()
  writer.write({ id: 'c', n: 1 })
  await plane.clock.advance(1)
  t.same(received, ['a new 1', 'b new 2', 'a not-new 3', 'b not-new 4', 'b new 5'])
  t.equal(b.counters.get('reader.listener-threw'), 6)
})

t.test('synced resolves when all known writers are caught up with', async (t) => {
  await t.test('alone: resolves when the discovery window ends without an answer', async (t) => {
    const plane = openPlane(t)
    const reader = (await plane.join('b')).reader(topic)
    await plane.settle(reader.synced())
    t.equal(reader.size, 0)
  })

  await t.test(
    'waits for a peer that does not answer until aborted, and leaves no timer or waiter behind',
    async (t) => {
      const plane = openPlane(t)
      const [a, b] = [await plane.join('a'), await plane.join('b')]
      a.writer(topic).write({ id: 'k', n: 1 })
      await plane.clock.advance(100)
      // Its beacons arrive, requests to it do not.
      plane.network.setLinkFaults('b', 'a', { minDelayMs: 5000 })
      const reader = b.reader(topic)
      let done = false
      const synced = reader.synced().then(() => {
        done = true
      })
      const controller = new AbortController()
      const aborted = reader.synced({ signal: controller.signal })
      aborted.catch(() => undefined)
      await plane.clock.advance(8000)
      t.notOk(done)
      t.ok(b.counters.get('catch-up.failed.timeout') >= 2)
      controller.abort(new Error('enough'))
      await t.rejects(aborted, { message: 'enough' })
      await t.rejects(reader.synced({ signal: controller.signal }), { message: 'enough' })
      plane.network.setLinkFaults('b', 'a', undefined)
      await plane.settle(synced)
      t.equal(reader.get('k')?.value?.n, 1)
    },
  )

  await t.test('ends when a peer that never described itself dies', async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    a.writer(topic)
    plane.network.setLinkFaults('b', 'a', { minDelayMs: 50_000 })
    const reader = b.reader(topic)
    await plane.clock.advance(700)
    const synced = reader.synced()
    plane.network.disconnect('a')
    await plane.settle(synced, 10_000)
    t.same(b.peers(), [])
    await plane.clock.advance(60_000)
  })

  await t.test('ends when a late frame, not a repair, closes the gap', async (t) => {
    let closedByFrame = 0
    for (let seed = 1; seed <= 10; seed++) {
      const plane = openPlane(t, seed)
      const [a, b] = [await plane.join('a'), await plane.join('b')]
      const [writer, reader] = [a.writer(topic), b.reader(topic)]
      await plane.settle(reader.synced())
      plane.network.setLinkFaults('a', 'b', { minDelayMs: 2 })
      writer.write({ id: 'late', n: 1 })
      await plane.clock.advance(0)
      plane.network.setLinkFaults('a', 'b', undefined)
      writer.write({ id: 'early', n: 2 })
      const synced = reader.synced()
      await plane.clock.advance(1)
      const replies = b.counters.get('catch-up.replies')
      await plane.settle(synced, 100)
      t.equal(reader.size, 2)
      if (b.counters.get('catch-up.replies') === replies) closedByFrame++
    }
    t.ok(closedByFrame > 0)
  })

  await t.test('does not wait for later changes of a writer that never stops', async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const [writer, reader] = [a.writer(topic), b.reader(topic)]
    plane.network.setFaults({ lossRatio: 0.5 })
    let done = false
    const synced = reader.synced().then(() => {
      done = true
    })
    for (let n = 0; n < 5000 && !done; n++) {
      writer.write({ id: `k${n % 10}`, n })
      await plane.clock.advance(1)
    }
    t.ok(done)
    await synced
  })

  await t.test('rejects when the reader closes', async (t) => {
    const plane = openPlane(t)
    const b = await plane.join('b')
    const reader = b.reader(topic)
    const synced = reader.synced()
    reader.close()
    await t.rejects(synced, { code: 'NUMACAST_CLOSED' })
  })
})

t.test('many readers share one signal without a warning', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const plane = openPlane(t)
  const b = await plane.join('b')
  const controller = new AbortController()
  const readers = Array.from({ length: 10 }, () => b.reader(topic))
  await plane.settle(Promise.all(readers.map((reader) => reader.synced({ signal: controller.signal }))))
  t.same(warnings, [])
})
