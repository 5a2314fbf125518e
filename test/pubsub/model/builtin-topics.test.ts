import t, { type Test } from 'tap'
import { resolvePartitions } from '../../../src/discovery/partition-groups.js'
import { builtinTopics } from '../../../src/pubsub/model/builtin-topics.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { Participant } from '../../../src/pubsub/participant.js'
import type { Reader } from '../../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../../src/testing/memory-plane.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function values<T extends object>(reader: Reader<T>): T[] {
  return [...reader.entries()].flatMap(([, { value }]) => (value === undefined ? [] : [value]))
}

async function observed(t: Test): Promise<{ plane: MemoryPlane; a: Participant; b: Participant; o: Participant }> {
  const plane = openPlane(t)
  const a = await plane.join('a', { properties: { role: 'worker' } })
  const b = await plane.join('b')
  a.writer(topic, { partition: 'p' }).write({ id: 'k', n: 1 })
  b.reader(topic, { partition: 'p' })
  await plane.clock.advance(1_000)
  return { plane, a, b, o: await plane.join('o') }
}

t.test(
  'the built-in topics list participants, writers and readers of every partition, own ones included',
  async (t) => {
    const { plane, a, b, o } = await observed(t)
    const participants = o.reader(builtinTopics.participants)
    const writers = o.reader(builtinTopics.writers)
    const readers = o.reader(builtinTopics.readers)
    await plane.settle(Promise.all([participants.synced(), writers.synced(), readers.synced()]))
    t.same(
      values(participants)
        .map(({ name }) => name)
        .sort(),
      ['a', 'b', 'o'],
    )
    t.match(participants.get(a.guid)?.value, {
      name: 'a',
      host: 'memory',
      properties: { role: 'worker' },
      liveliness: 'alive',
      writers: 1,
      readers: 0,
    })
    t.match(values(writers), [{ participant: a.guid, topic: 'state', partitions: ['p'], fields: ['id', 'n'] }])
    t.match(
      values(readers).filter(({ participant }) => participant !== o.guid),
      [{ participant: b.guid, topic: 'state', partitions: ['p'], qos: { reliability: 'reliable' } }],
    )
    t.equal(values(readers).length, 4, 'its own three readers are included')
    t.same(
      a.peers().map(({ name }) => name),
      ['b'],
      'observed participants do not know the observer as a peer',
    )
  },
)

t.test('rows follow new, changed, closed and departed endpoints', async (t) => {
  const { plane, a, b, o } = await observed(t)
  const writers = o.reader(builtinTopics.writers)
  const participants = o.reader(builtinTopics.participants)
  const told: string[] = []
  const nameOf = (guid: string): string => [a, b, o].find((one) => one.guid === guid)?.name ?? '?'
  writers.onSample(({ key, instanceState }) => told.push(`${nameOf(key.slice(0, 32))} ${instanceState}`))
  await plane.settle(writers.synced())
  t.same(told.splice(0), ['a alive'])
  const second = b.writer(topic, { partition: 'elsewhere' })
  const own = o.writer(topic, { partition: 'mine' })
  await plane.clock.advance(1_000)
  t.same(told.splice(0).sort(), ['b alive', 'o alive'])
  second.close()
  own.close()
  await plane.clock.advance(1_000)
  t.same(told.splice(0).sort(), ['b disposed', 'o disposed'])
  const changes: string[] = []
  participants.onSample(({ key, instanceState }) => changes.push(`${nameOf(key)} ${instanceState}`))
  await a.close()
  await plane.clock.advance(20)
  t.same(told.splice(0), ['a disposed'])
  t.ok(changes.includes('a disposed'))
  t.notOk(changes.some((change) => change.startsWith('a') && change !== 'a disposed'))
  const seen: string[] = []
  for await (const { value } of participants) {
    seen.push(value?.name ?? '')
    if (seen.length === 2) break
  }
  t.same(seen.sort(), ['b', 'o'])
})

t.test('an unreachable participant has no writers, and comes back', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a', {}, { bootId: 'elsewhere' })
  a.writer(topic, { partition: 'p' })
  const o = await plane.join('o')
  const participants = o.reader(builtinTopics.participants)
  const writers = o.reader(builtinTopics.writers)
  await plane.settle(participants.synced())
  t.equal(participants.get(a.guid)?.instanceState, 'alive')
  plane.network.disconnect('a')
  await plane.clock.advance(10_000)
  t.equal(participants.get(a.guid)?.instanceState, 'no-writers')
  t.same(
    [...writers.entries()].map(([, { instanceState }]) => instanceState),
    ['no-writers'],
  )
  plane.network.reconnect('a')
  await plane.clock.advance(5_000)
  t.match(participants.get(a.guid), { instanceState: 'alive', value: { liveliness: 'alive' } })
  t.same(
    [...writers.entries()].map(([, { instanceState }]) => instanceState),
    ['alive'],
  )
})

t.test('without readers the built-in topics cost nothing', async (t) => {
  const plane = openPlane(t)
  const [one, two] = [await plane.join('one'), await plane.join('two')]
  await plane.clock.advance(30_000)
  t.equal(plane.network.received('one') + plane.network.received('two'), 0, 'no datagram was sent')
  const o = await plane.join('o')
  const reader = o.reader(builtinTopics.participants)
  await plane.settle(reader.synced())
  t.equal(reader.size, 3)
  reader.close()
  await plane.clock.advance(20_000)
  t.same(o.peers(), [], 'no participant is observed any more')
  const before = plane.network.received('one')
  await plane.clock.advance(30_000)
  t.equal(plane.network.received('one'), before)
  t.same(
    [one, two].flatMap((other) => other.peers()),
    [],
  )
})

t.test('without multicast, the built-in topics list what a listed peer knows', async (t) => {
  const plane = openPlane(t)
  const options = { range: 'off', insecure: true } as const
  await plane.join('hub', options, { bootId: 'hub' })
  const others: Participant[] = []
  for (const name of ['a', 'b', 'c']) {
    others.push(await plane.join(name, { ...options, peers: ['hub'] }, { bootId: name }))
  }
  for (const other of others) other.writer(topic, { partition: other.name })
  await plane.clock.advance(3_000)
  const o = await plane.join('o', { ...options, peers: ['hub'] }, { bootId: 'o' })
  const participants = o.reader(builtinTopics.participants)
  await plane.settle(participants.synced())
  const names = (): string[] =>
    values(participants)
      .map(({ name }) => name)
      .sort()
  t.same(names(), ['a', 'b', 'c', 'hub', 'o'])
  await plane.clock.advance(60_000)
  t.same(names(), ['a', 'b', 'c', 'hub', 'o'])
  t.same(
    values(participants).map(({ liveliness }) => liveliness),
    Array(5).fill('alive'),
  )
  await others[0]?.close()
  await plane.clock.advance(2_000)
  t.same(names(), ['b', 'c', 'hub', 'o'])
})

t.test('three hundred participants are listed', async (t) => {
  const plane = openPlane(t)
  for (let n = 0; n < 300; n++) (await plane.join(`n${n}`)).writer(topic, { partition: `p${n}` })
  const o = await plane.join('o')
  const writers = o.reader(builtinTopics.writers)
  await plane.settle(writers.synced())
  t.equal(writers.size, 300)
})

t.test('the built-in topics and their partition are reserved', async (t) => {
  const plane = openPlane(t)
  const one = await plane.join('one')
  t.throws(() => one.writer(builtinTopics.writers), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => one.reader(builtinTopics.writers, { partition: 'p' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => resolvePartitions('numacast'), { code: 'NUMACAST_INVALID_ARGUMENT' })
  const reader = one.reader(builtinTopics.participants)
  const again = one.reader(builtinTopics.participants)
  await plane.settle(again.synced())
  reader.close()
  t.equal(again.size, 1)
  const writers = one.reader(builtinTopics.writers)
  await plane.settle(writers.synced())
  t.equal(writers.size, 0, 'the writers that feed them are not listed')
})

t.test('an unreachable participant that is forgotten is disposed', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a', {}, { bootId: 'elsewhere' })
  a.writer(topic, { partition: 'p' })
  const o = await plane.join('o', { forgetUnreachableMs: 20_000 })
  const participants = o.reader(builtinTopics.participants)
  await plane.settle(participants.synced())
  const told: string[] = []
  participants.onSample((s) => told.push(s.instanceState))
  plane.network.disconnect('a')
  await plane.clock.advance(10_000)
  t.equal(participants.get(a.guid)?.instanceState, 'no-writers')
  await plane.clock.advance(30_000)
  t.same(o.peers(), [])
  t.equal(participants.get(a.guid), undefined)
  t.strictSame(told, ['alive', 'no-writers', 'disposed'])
})
