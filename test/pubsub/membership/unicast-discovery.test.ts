import t, { type Test } from 'tap'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { Participant } from '../../../src/pubsub/participant.js'
import type { ParticipantOptions } from '../../../src/pubsub/participant-options.js'
import type { Reader } from '../../../src/pubsub/reader/reader.js'
import type { Writer } from '../../../src/pubsub/writer/writer.js'
import type { MemoryPlane } from '../../../src/testing/memory-plane.js'
import { encodeGossipReply } from '../../../src/wire/gossip.js'
import { encodeHelloReply } from '../../../src/wire/hello.js'
import { decodeRequest } from '../../../src/wire/request.js'
import { openPlane } from '../../support/open-plane.js'

/** Discovery without multicast: listed peers, their host names, and the peers they know. */

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

/** Joins from a separate host that no multicast reaches. */
function alone(plane: MemoryPlane, name: string, options: ParticipantOptions = {}): Promise<Participant> {
  return plane.join(name, { range: 'off', insecure: true, ...options }, { bootId: name, networkNamespace: null })
}

function tellings(reader: Reader<Value>): string[] {
  const told: string[] = []
  reader.onSample(({ key, value, instanceState }) => told.push(`${key} ${instanceState} ${value?.n}`))
  return told
}

/** Checks that every value is reported once. */
async function follows(t: Test, plane: MemoryPlane, writer: Writer<Value>, told: string[]): Promise<void> {
  told.splice(0)
  const expected: string[] = []
  for (let n = 0; n < 20; n++) {
    writer.write({ id: 'k', n })
    expected.push(`k alive ${n}`)
    await plane.clock.advance(100)
  }
  await plane.clock.advance(500)
  t.same(told, expected)
}

for (const listing of ['the reader lists the writer', 'the writer lists the reader'] as const) {
  t.test(`without multicast, ${listing}`, async (t) => {
    const plane = openPlane(t)
    const byReader = listing === 'the reader lists the writer'
    const w = await alone(plane, 'w', byReader ? {} : { peers: ['r'] })
    const r = await alone(plane, 'r', byReader ? { peers: ['w'] } : {})
    const writer = w.writer(topic)
    writer.write({ id: 'k', n: -1 })
    const reader = r.reader(topic)
    const told = tellings(reader)
    if (byReader) await plane.settle(reader.synced())
    else await plane.clock.advance(3_000)
    t.same(told, ['k alive -1'], 'caught up: synced() has waited for listed peers')
    await plane.clock.advance(1_000)
    await follows(t, plane, writer, told)
    const verdicts: string[] = []
    for (const one of [w, r]) one.onPeer(({ kind, peer }) => verdicts.push(`${kind} ${peer.name}`))
    await plane.clock.advance(120_000)
    t.same(verdicts, [], 'leases hold')
    t.equal(r.peer(w.guid)?.verdict.liveliness, 'alive')
    t.equal(w.peer(r.guid)?.verdict.liveliness, 'alive')
    await follows(t, plane, writer, told)
  })
}

t.test('a participant that lists one peer learns all others from it', async (t) => {
  const plane = openPlane(t)
  const names = ['a', 'c', 'd', 'e']
  const b = await alone(plane, 'b')
  b.writer(topic, { partition: 'other' })
  const all: Participant[] = []
  for (const name of names) all.push(await alone(plane, name, { peers: ['b'] }))
  const writers = all.map((one) => one.writer(topic, { partition: 'fleet' }))
  const readers = all.map((one) => one.reader(topic, { partition: 'fleet' }))
  writers.forEach((writer, at) => {
    writer.write({ id: names[at] ?? '', n: at })
  })
  await plane.clock.advance(15_000)
  for (const [at, reader] of readers.entries()) {
    t.same([...reader.entries()].map(([key]) => key).sort(), names, `${names[at]} has all`)
    t.same(
      all[at]
        ?.peers()
        .map(({ name }) => name)
        .sort(),
      names.filter((name) => name !== names[at]),
    )
  }
  const late = await alone(plane, 'late', { peers: ['b'] })
  const reader = late.reader(topic, { partition: 'fleet' })
  await plane.settle(reader.synced())
  t.same([...reader.entries()].map(([key]) => key).sort(), names, 'a late joiner has all values when it is synced')
  await b.close()
  await plane.clock.advance(60_000)
  t.equal(late.peers().length, 4, 'the peer that connected them may leave')
})

t.test('in a chain, where each lists only its predecessor, all find each other', async (t) => {
  const plane = openPlane(t)
  const all: Participant[] = []
  for (let n = 0; n < 12; n++) all.push(await alone(plane, `n${n}`, n === 0 ? {} : { peers: [`n${n - 1}`] }))
  for (const [n, one] of all.entries()) one.writer(topic).write({ id: `${n}`, n })
  const readers = all.map((one) => one.reader(topic))
  await plane.clock.advance(60_000)
  for (const [n, reader] of readers.entries()) t.equal(reader.size, 12, `n${n} has all`)
})

t.test('together with multicast, a peer that is received is not dialled', async (t) => {
  const plane = openPlane(t)
  const options = { insecure: true, peers: ['w'] }
  const w = await plane.join('w', { insecure: true, peers: ['r'] }, { bootId: 'w' })
  const r = await plane.join('r', options, { bootId: 'r' })
  const far = await alone(plane, 'far', { peers: ['w'] })
  const writer = w.writer(topic)
  const told = tellings(r.reader(topic))
  const toldFar = tellings(far.reader(topic))
  await plane.clock.advance(5_000)
  t.equal(w.counters.get('hello.failed.timeout'), 0)
  await follows(t, plane, writer, told)
  await follows(t, plane, writer, toldFar)
  t.equal(r.counters.get('reader.duplicate'), 0, 'the reader that receives multicast gets nothing by stream')
  t.equal(far.peer(w.guid)?.verdict.liveliness, 'alive')
})

t.test('a host name: all addresses are used, resolved again, and kept while no peer answers', async (t) => {
  const plane = openPlane(t)
  plane.hosts.set('fleet.example', ['w1', 'w2'])
  const writers: Writer<Value>[] = []
  for (const name of ['w1', 'w2', 'w3']) {
    const writer = (await alone(plane, name)).writer(topic)
    writer.write({ id: name, n: 1 })
    writers.push(writer)
  }
  const r = await alone(plane, 'r', { peers: ['fleet.example'] })
  const reader = r.reader(topic)
  await plane.settle(reader.synced())
  const keys = (): string[] => [...reader.entries()].map(([key]) => key).sort()
  t.same(keys(), ['w1', 'w2'])
  plane.hosts.set('fleet.example', ['w2', 'w3'])
  await plane.clock.advance(40_000)
  t.same(keys(), ['w1', 'w2', 'w3'], 'known peers stay known')
  plane.hosts.set('fleet.example', [])
  await plane.clock.advance(40_000)
  t.ok(r.counters.get('listed-peer.unresolved') > 0)
  t.same(keys(), ['w1', 'w2', 'w3'])
})

t.test('a listed peer that is down is dialled again, and joins at once when it comes back', async (t) => {
  const plane = openPlane(t)
  const r = await alone(plane, 'r', { peers: ['w'] })
  const reader = r.reader(topic)
  await plane.settle(reader.synced())
  await plane.clock.advance(120_000)
  const attempts = r.counters.get('contact.failed.timeout')
  t.ok(attempts > 3 && attempts < 15, `${attempts} attempts in two minutes`)
  const w = await alone(plane, 'w')
  w.writer(topic).write({ id: 'k', n: 1 })
  await plane.clock.advance(35_000)
  t.equal(reader.get('k')?.value?.n, 1)
  await w.close()
  const again = await alone(plane, 'w')
  again.writer(topic).write({ id: 'k', n: 2 })
  await plane.clock.advance(15_000)
  t.equal(reader.get('k')?.value?.n, 2)
})

t.test('a hundred participants that list one peer find each other without a storm', async (t) => {
  const plane = openPlane(t)
  await alone(plane, 'hub')
  const all: Participant[] = []
  for (let n = 0; n < 100; n++) all.push(await alone(plane, `n${n}`, { peers: ['hub'] }))
  const one = all[0]?.writer(topic)
  const readers = all.slice(1).map((other) => other.reader(topic))
  one?.write({ id: 'k', n: 1 })
  await plane.clock.advance(60_000)
  t.ok(
    readers.every((reader) => reader.get('k')?.value?.n === 1),
    'all readers have it',
  )
  t.equal(all[0]?.peers().length, 99)
  t.same(
    all[1]?.peers().map(({ name }) => name),
    ['n0'],
    'readers do not know each other',
  )
  const before = all.map((other) => other.counters.get('gossip.replies'))
  await plane.clock.advance(60_000)
  const more = all.map((other, at) => other.counters.get('gossip.replies') - (before[at] ?? 0))
  t.ok(Math.max(...more) <= 9, `at most ${Math.max(...more)} questions a minute once nothing is new`)
})

t.test('of participants of other partitions only the listed one is contacted', async (t) => {
  const plane = openPlane(t)
  const hub = await alone(plane, 'hub')
  const one = await alone(plane, 'one', { peers: ['hub'] })
  one.reader(topic, { partition: 'ours' })
  for (let n = 0; n < 30; n++) {
    const other = await alone(plane, `other${n}`, { peers: ['hub'] })
    other.writer(topic, { partition: 'theirs' })
  }
  await plane.clock.advance(30_000)
  t.same(one.peers(), [])
  t.equal(hub.peers().length, 31, 'the hub knows all participants')
})

t.test('false gossip costs bounded requests and connection attempts', async (t) => {
  const plane = openPlane(t)
  const liar = plane.network.open('liar', 'off')
  const asked: string[] = []
  let after = 0
  liar.stream.serve((bytes) => {
    const request = decodeRequest(bytes)
    asked.push(request.ask)
    if (request.ask === 'introduce') {
      return encodeHelloReply({ from: 'f'.repeat(32) as never, knows: 0, hears: true })
    }
    after++
    const referral = (n: number) => ({
      guid: (after * 64 + n).toString(16).padStart(32, '0') as never,
      bootId: 'nowhere',
      networkNamespace: null,
      endpoints: ['tcp://127.0.0.1:1', 'ipc://@x', 'memory://unknown/1'],
    })
    return encodeGossipReply({ peers: Array.from({ length: 64 }, (_, n) => referral(n)), more: true })
  })
  const r = await alone(plane, 'r', { peers: ['liar:1'] })
  const reader = r.reader(topic)
  await plane.settle(reader.synced())
  await plane.clock.advance(60_000)
  t.same(r.peers(), [])
  t.ok(asked.filter((ask) => ask === 'peers').length < 700, 'endless pages are abandoned')
  t.ok(r.counters.get('gossip.refused.too-many') > 0, 'invented peers are refused')
  t.ok(r.counters.get('contact.failed.timeout') < 8 * 70, 'eight at a time are tried for a second each')
})
