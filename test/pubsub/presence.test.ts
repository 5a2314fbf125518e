import t, { type Test } from 'tap'
import type { PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function story(participant: Participant): string[] {
  const told: string[] = []
  participant.onPeer(({ kind, peer }: PeerEvent) => {
    const { liveliness, cause } = peer.verdict
    told.push(`${kind} ${peer.name} ${kind === 'reception-changed' ? peer.receivesFromUs : (cause ?? liveliness)}`)
  })
  return told
}

/** Drops multicast from one to the other. Streams still work. */
function deafen(plane: MemoryPlane, from: string, to: string): void {
  plane.network.setLinkFaults(from, to, { lossRatio: 1 })
}

/** Records each value that the reader reports, once per report. */
function tellings(reader: Reader<Value>): string[] {
  const told: string[] = []
  reader.onSample(({ key, value, instanceState }) => told.push(`${key} ${instanceState} ${value?.n}`))
  return told
}

/** Writes for a while. Every value must be reported exactly once. */
async function follows(t: Test, plane: MemoryPlane, write: (n: number) => void, told: string[]): Promise<void> {
  told.splice(0)
  for (let n = 0; n < 20; n++) {
    write(n)
    await plane.clock.advance(200)
  }
  await plane.clock.advance(1_000)
  t.same(
    told,
    Array.from({ length: 20 }, (_, n) => `k alive ${n}`),
  )
}

t.test('a writer knows each of its readers from the first request until it leaves', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(a)
  a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  t.same(told, ['joined b alive'])
  await plane.clock.advance(30_000)
  t.same(told, ['joined b alive'], 'presence frames renew its lease')
  t.equal(a.peer(b.guid)?.receivesFromUs, true)
  t.equal(b.peer(a.guid)?.receivesFromUs, true)
  t.equal(a.counters.get('hello.sent') + b.counters.get('hello.sent'), 0, 'no participant has to ask')
  await b.close()
  await plane.clock.advance(10)
  t.same(told.splice(1), ['liveliness-changed b goodbye', 'left b goodbye'])
})

t.test('a closed reader is forgotten without a verdict', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(a)
  a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  reader.close()
  await plane.clock.advance(20_000)
  t.same(told, ['joined b alive', 'left b alive'])
  t.same(a.peers(), [])
})

for (const deaf of ['the reader', 'the writer', 'both'] as const) {
  t.test(`${deaf} does not receive the other’s multicast`, async (t) => {
    const plane = openPlane(t)
    const [w, r] = [await plane.join('w', {}, { bootId: 'w' }), await plane.join('r', {}, { bootId: 'r' })]
    if (deaf !== 'the writer') deafen(plane, 'w', 'r')
    if (deaf !== 'the reader') deafen(plane, 'r', 'w')
    const toldAtW = story(w)
    const toldAtR = story(r)
    const writer = w.writer(topic)
    const reader = r.reader(topic)
    const told = tellings(reader)
    await plane.clock.advance(10_000)
    if (deaf === 'both') {
      t.same([...toldAtW, ...toldAtR], [], 'without a listed peer they never discover each other')
      return
    }
    t.ok(toldAtW.includes('joined r alive'), 'the writer knows its reader')
    t.ok(toldAtR.includes('joined w alive'), 'the reader knows its writer')
    await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
    await plane.clock.advance(60_000)
    t.equal(r.peer(w.guid)?.verdict.liveliness, 'alive')
    t.equal(w.peer(r.guid)?.verdict.liveliness, 'alive')
    t.same(
      [...toldAtW, ...toldAtR].filter((line) => line.startsWith('liveliness-changed')),
      [],
      'no peer was ever suspect',
    )
    if (deaf === 'the writer')
      t.equal(r.peer(w.guid)?.receivesFromUs, false, 'the reader knows that it is not received')
    else t.ok(toldAtW.some((line) => line === 'reception-changed r false') || w.peer(r.guid)?.receivesFromUs === true)
    plane.network.setLinkFaults('w', 'r', undefined)
    plane.network.setLinkFaults('r', 'w', undefined)
    await plane.clock.advance(10_000)
    t.equal(r.peer(w.guid)?.receivesFromUs, true, 'healed')
    t.equal(w.peer(r.guid)?.receivesFromUs, true, 'healed')
    const asked = w.counters.get('hello.sent') + r.counters.get('hello.sent')
    await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
    await plane.clock.advance(60_000)
    t.equal(w.counters.get('hello.sent') + r.counters.get('hello.sent'), asked, 'no participant asks any more')
  })
}

t.test('when multicast fails later, one way or both, streams replace it until it works again', async (t) => {
  for (const ways of [['w to r'], ['r to w'], ['w to r', 'r to w']]) {
    await t.test(ways.join(' and '), async (t) => {
      const plane = openPlane(t)
      const [w, r] = [await plane.join('w', {}, { bootId: 'w' }), await plane.join('r', {}, { bootId: 'r' })]
      const writer = w.writer(topic)
      const reader = r.reader(topic)
      const told = tellings(reader)
      await plane.settle(reader.synced())
      await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
      const [toldAtW, toldAtR] = [story(w), story(r)]
      if (ways.includes('w to r')) deafen(plane, 'w', 'r')
      if (ways.includes('r to w')) deafen(plane, 'r', 'w')
      await plane.clock.advance(20_000)
      const verdicts = (): string[] => [...toldAtW, ...toldAtR].filter((line) => !line.startsWith('reception-changed'))
      t.same(verdicts(), [], 'an answer arrived before any peer was overdue')
      await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
      plane.network.setLinkFaults('w', 'r', undefined)
      plane.network.setLinkFaults('r', 'w', undefined)
      await plane.clock.advance(20_000)
      await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
      t.same(verdicts(), [])
      t.equal(r.peer(w.guid)?.receivesFromUs, true)
      t.equal(w.peer(r.guid)?.receivesFromUs, true)
    })
  }
})

t.test('a host that was cut off returns in one direction only', async (t) => {
  const plane = openPlane(t)
  const [w, r] = [await plane.join('w', { forgetUnreachableMs: 20_000 }), await plane.join('r')]
  const writer = w.writer(topic)
  const reader = r.reader(topic)
  const told = tellings(reader)
  await plane.settle(reader.synced())
  plane.network.disconnect('w')
  await plane.clock.advance(10_000)
  t.same(r.peers(), [], 'the lease is over')
  deafen(plane, 'w', 'r')
  plane.network.reconnect('w')
  await plane.clock.advance(10_000)
  await follows(t, plane, (n) => writer.write({ id: 'k', n }), told)
})

t.test('a restarted process replaces the old process with the same pid', async (t) => {
  const plane = openPlane(t)
  const r = await plane.join('r')
  const told = story(r)
  const reader = r.reader(topic)
  const old = await plane.join('w', {}, { bootId: 'other', pid: 7, startTimeTicks: 1 })
  old.writer(topic).write({ id: 'k', n: 1 })
  await plane.clock.advance(1_000)
  plane.network.disconnect('w')
  await old.close()
  plane.network.reconnect('w')
  const fresh = await plane.join('w', {}, { bootId: 'other', pid: 7, startTimeTicks: 2 })
  fresh.writer(topic).write({ id: 'k', n: 2 })
  await plane.clock.advance(50)
  t.same(told, ['joined w alive', 'liveliness-changed w replaced', 'left w replaced', 'joined w alive'])
  t.match(reader.get('k'), { value: { n: 2 }, instanceState: 'alive' })
})

t.test('an unreachable peer is forgotten after a timeout, and counted', async (t) => {
  const plane = openPlane(t)
  const w = await plane.join('w', {}, { bootId: 'other' })
  const r = await plane.join('r', { forgetUnreachableMs: 60_000 })
  const told = story(r)
  w.writer(topic).write({ id: 'k', n: 1 })
  const reader = r.reader(topic)
  await plane.settle(reader.synced())
  plane.network.disconnect('w')
  await plane.clock.advance(60_000)
  t.equal(told.at(-1), 'liveliness-changed w host-silent')
  await plane.clock.advance(5_000)
  t.equal(told.at(-1), 'left w host-silent')
  t.equal(r.counters.get('peer.forgotten'), 1)
  plane.network.reconnect('w')
  await plane.clock.advance(2_000)
  t.equal(told.at(-1), 'joined w alive', 'it may come back')
  t.equal(reader.get('k')?.value?.n, 1)
})

t.test('a writer knows a thousand readers of one partition without asking any', async (t) => {
  const plane = openPlane(t)
  const w = await plane.join('w')
  const writer = w.writer(topic)
  const readers: Participant[] = []
  for (let n = 0; n < 1_000; n++) readers.push(await plane.join(`r${n}`))
  for (const participant of readers) participant.reader(topic)
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(3_000)
  t.equal(w.peers().length, 1_000, 'all readers are known')
  t.equal(w.counters.get('hello.sent'), 0, 'no reader had to be asked')
  t.equal(w.counters.get('catch-up.replies'), 0)
})

for (const others of [10, 300]) {
  t.test(`a bystander among ${others} participants of other partitions receives nothing of theirs`, async (t) => {
    const plane = openPlane(t)
    const one = await plane.join('one')
    const mate = await plane.join('mate')
    one.writer(topic, { partition: 'ours' })
    mate.reader(topic, { partition: 'ours' })
    mate.writer(topic, { partition: 'ours' })
    one.reader(topic, { partition: 'ours' })
    for (let n = 0; n < others; n++) {
      const other = await plane.join(`other${n}`)
      other.writer(topic, { partition: 'theirs' }).write({ id: `${n}`, n })
      other.reader(topic, { partition: 'control' })
    }
    await plane.clock.advance(2_000)
    const before = plane.network.received('one')
    await plane.clock.advance(20_000)
    // Per second: 2 beacons and half a presence frame of its mate, and as many of its own looped back.
    const perSecond = (plane.network.received('one') - before) / 20
    t.ok(perSecond > 4 && perSecond < 6, `${perSecond} datagrams a second`)
    t.equal(one.peers().length, 1)
  })
}
