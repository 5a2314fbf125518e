import t from 'tap'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.test('samples ends when its signal aborts while a consumer waits', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const [writer, reader] = [participant.writer(topic), participant.reader(topic)]
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(10)
  const controller = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const { value } of reader.samples({ signal: controller.signal })) seen.push(value?.n ?? -1)
  })()
  await plane.clock.advance(10)
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(10)
  controller.abort()
  await following
  writer.write({ id: 'k', n: 3 })
  await plane.clock.advance(10)
  t.same(seen, [1, 2])
  t.same(await reader.samples({ signal: controller.signal }).next(), { done: true, value: undefined })
})

t.test('next resolves with a held value, or else with the first later change that matches', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const [writer, reader] = [participant.writer(topic), participant.reader(topic)]
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(10)
  t.equal((await reader.next()).key, 'a')
  const waiting = reader.next({ where: ({ value }) => value !== undefined && value.n > 5 })
  // Both in one tick: an iteration would see only the last value.
  writer.write({ id: 'a', n: 6 })
  writer.flush()
  writer.write({ id: 'a', n: 2 })
  writer.flush()
  t.equal((await plane.settle(waiting)).value?.n, 6)
})

t.test('next rejects when the signal aborts, the reader closes, or `where` throws', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const [writer, reader] = [participant.writer(topic), participant.reader(topic)]
  const controller = new AbortController()
  const aborted = reader.next({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.rejects(aborted, { message: 'enough' })
  const throwing = reader.next({
    where: () => {
      throw new Error('broken')
    },
  })
  throwing.catch(() => undefined)
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(10)
  await t.rejects(throwing, { message: 'broken' })
  const closed = reader.next({ where: () => false })
  reader.close()
  await t.rejects(closed, { code: 'NUMACAST_CLOSED' })
  await t.rejects(reader.next(), { code: 'NUMACAST_CLOSED' })
})

t.test(
  'events of readers, writers and participants are iterated until the signal aborts or the source closes',
  async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const controller = new AbortController()
    const peers = a.peerEvents({ signal: controller.signal })
    const writer = a.writer(topic)
    const written = writer.events()
    const reader = b.reader(topic)
    const read = reader.events()
    const other = a.peerEvents()
    await plane.settle(reader.synced())
    const joined = await peers.next()
    t.equal(joined.done === true ? undefined : joined.value.kind, 'joined')
    t.match(await written.next(), { value: { kind: 'publication-matched', isMatched: true } })
    t.match(await read.next(), { value: { kind: 'subscription-matched', isMatched: true } })
    controller.abort()
    reader.close()
    writer.close()
    for await (const event of peers) t.fail(`after the abort: ${event.kind}`)
    for await (const event of read) t.equal(event.kind, 'liveliness-changed', 'queued events are delivered')
    const rest: string[] = []
    for await (const { kind } of written) rest.push(kind)
    t.same(rest, [], 'the writer closed before the reader was unmatched')
    await plane.settle(a.close())
    for await (const { kind } of other) t.equal(kind, 'joined')
  },
)

t.test('a slow consumer of events loses the oldest, and can read how many', async (t) => {
  const plane = openPlane(t)
  const participant = await plane.join('a')
  const reader = participant.reader(topic)
  const events = reader.events({ capacity: 2 })
  const writers = [participant.writer(topic), participant.writer(topic), participant.writer(topic)]
  await plane.clock.advance(10)
  t.equal((events as unknown as { dropped: number }).dropped, 4, 'two events of each writer')
  for (const writer of writers) writer.close()
  t.throws(() => reader.events({ capacity: 0 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})
