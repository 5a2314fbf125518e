import t from 'tap'
import { z } from 'zod'
import { solicitGroup } from '../../src/discovery/partition-groups.js'
import type { MismatchEvent, PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function story(participant: Participant): string[] {
  const told: string[] = []
  participant.onPeer((event: PeerEvent) => {
    const { liveliness, cause } = event.peer.verdict
    if (event.kind === 'reception-changed') return
    told.push(`${event.kind} ${event.peer.name} ${liveliness}${cause === null ? '' : ` ${cause}`}`)
  })
  return told
}

t.test('a peer joins, is described, and leaves with a cause', async (t) => {
  for (const { how, expected } of [
    { how: 'goodbye', expected: ['joined a alive', 'liveliness-changed a dead goodbye', 'left a dead goodbye'] },
    {
      how: 'silence',
      expected: [
        'joined a alive',
        'liveliness-changed a suspect',
        'liveliness-changed a dead lease-expired',
        'left a dead lease-expired',
      ],
    },
    { how: 'exit', expected: ['joined a alive', 'liveliness-changed a dead exited', 'left a dead exited'] },
    { how: 'the kernel', expected: ['joined a alive', 'liveliness-changed a dead killed', 'left a dead killed'] },
  ]) {
    await t.test(`by ${how}`, async (t) => {
      const plane = openPlane(t)
      const a = await plane.join('a', { properties: { role: 'worker', slots: 4 } })
      const b = await plane.join('b')
      const told = story(b)
      const writer = a.writer(topic)
      writer.write({ id: 'k', n: 1 })
      const reader = b.reader(topic)
      await plane.settle(reader.synced())
      t.match(b.peer(a.guid), { name: 'a', properties: { role: 'worker', slots: 4 }, incarnation: a.incarnation })
      const states: string[] = []
      reader.onSample(({ key, instanceState, value }) => states.push(`${key} ${instanceState} ${value?.n}`))
      if (how === 'goodbye') await a.close()
      if (how === 'silence' || how === 'exit') plane.network.disconnect('a')
      if (how === 'exit') plane.probes.set('a', 'gone')
      if (how === 'the kernel') b.reportProcess(a.guid, { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })
      await plane.clock.advance(how === 'goodbye' || how === 'the kernel' ? 20 : 5000)
      t.same(told, expected)
      t.same(states, ['k no-writers 1'])
      t.match(reader.get('k'), { instanceState: 'no-writers', value: { id: 'k', n: 1 } })
      t.same(b.peers(), [])
      t.same(reader.lag(), [])
      await plane.clock.advance(61_000)
      t.equal(reader.size, 0, 'purged')
      if (how === 'the kernel') t.ok(b.counters.get('beacon.from-departed') > 0, 'its beacons do not revive it')
    })
  }
})

t.test('a silent host is unreachable, not dead, and `synced` does not wait for it', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a', {}, { bootId: 'elsewhere' })
  const b = await plane.join('b')
  const told = story(b)
  a.writer(topic).write({ id: 'k', n: 1 })
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  plane.network.disconnect('a')
  await plane.clock.advance(10_000)
  t.equal(reader.get('k')?.instanceState, 'alive')
  const late = b.reader(topic)
  await plane.settle(late.synced())
  t.match(late.lag(), [{ catchUpState: 'unavailable' }])
  plane.network.reconnect('a')
  await plane.clock.advance(5000)
  t.same(told, [
    'joined a alive',
    'liveliness-changed a suspect',
    'liveliness-changed a unreachable host-silent',
    'liveliness-changed a alive',
  ])
  t.equal(late.get('k')?.value?.n, 1)
})

t.test('a peer that was only silent rejoins, and its values are fetched again', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  for (const id of ['kept', 'changed', 'ended']) writer.write({ id, n: 1 })
  const reader = b.reader(topic)
  t.notOk(b.hasPeer(a.guid), 'not discovered yet')
  await plane.settle(reader.synced())
  t.ok(b.hasPeer(a.guid))
  plane.network.disconnect('a')
  await plane.clock.advance(5000)
  t.equal(reader.get('kept')?.instanceState, 'no-writers')
  t.notOk(b.hasPeer(a.guid), 'given up')
  writer.write({ id: 'changed', n: 2 })
  writer.dispose('ended')
  plane.network.reconnect('a')
  await plane.clock.advance(1000)
  t.ok(b.hasPeer(a.guid))
  t.match(reader.get('kept'), { instanceState: 'alive', value: { n: 1 } })
  t.match(reader.get('changed'), { instanceState: 'alive', value: { n: 2 } })
  t.equal(reader.get('ended'), undefined, 'an instance disposed during the silence is gone')
})

t.test('a reply that arrives after its peer was declared dead does not revive the peer', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  a.writer(topic).write({ id: 'k', n: 1 })
  plane.network.setLinkFaults('b', 'a', { minDelayMs: 700 })
  const told = story(b)
  const reader = b.reader(topic)
  await plane.clock.advance(600)
  b.reportProcess(a.guid, { liveliness: 'dead', cause: 'killed' })
  await plane.clock.advance(3000)
  t.same(told, [])
  t.same(reader.lag(), [])
  t.equal(reader.size, 0)
})

t.test('a restarted process joins at once, while the lease of the old one still runs', async (t) => {
  const plane = openPlane(t)
  const old = await plane.join('a')
  const b = await plane.join('b')
  old.writer(topic).write({ id: 'k', n: 1 })
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  plane.network.disconnect('a')
  await old.close()
  plane.network.reconnect('a')
  await plane.clock.advance(50)
  const fresh = await plane.join('a')
  t.not(fresh.guid, old.guid)
  t.ok(fresh.incarnation > old.incarnation)
  const writer = fresh.writer(topic)
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(200)
  t.match(reader.get('k'), { value: { n: 2 }, instanceState: 'alive', token: { writer: writer.guid, seq: 1 } })
  t.equal(b.peers().length, 2)
  await plane.clock.advance(5000)
  t.equal(b.peers().length, 1)
  t.match(reader.get('k'), { value: { n: 2 }, instanceState: 'alive' })
})

t.test('a closed writer leaves its instances without writers, and its participant stays', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(b)
  const writer = a.writer(topic)
  writer.write({ id: 'k', n: 1 })
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  writer.write({ id: 'last', n: 2 })
  writer.close()
  writer.close()
  await plane.clock.advance(200)
  t.match(reader.get('last'), { instanceState: 'no-writers', value: { n: 2 } })
  t.throws(() => writer.write({ id: 'k', n: 2 }), { code: 'NUMACAST_CLOSED' })
  await plane.clock.advance(60_000)
  t.same(told, ['joined a alive', 'left a alive'], 'a peer that stops sending for lack of readers is not declared dead')
  a.writer(topic).write({ id: 'again', n: 3 })
  await plane.clock.advance(500)
  t.match(reader.get('again'), { instanceState: 'alive' })
})

t.test('peers fall out of reachability, not dead, when the last reader of their partition closes', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = story(b)
  a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  reader.close()
  reader.close()
  await plane.clock.advance(10_000)
  t.same(told, ['joined a alive', 'left a alive'])
  const again = b.reader(topic)
  await plane.settle(again.synced())
  t.equal(b.peers().length, 1)
})

t.test('endpoints with intersecting partitions match, by any common name', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { partition: ['one', 'two'] })
  writer.write({ id: 'k', n: 1 })
  const readers = [['one'], ['two', 'three'], ['one', 'two'], ['three']].map((partition) =>
    b.reader(topic, { partition }),
  )
  await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
  t.same(
    readers.map(({ size }) => size),
    [1, 1, 1, 0],
  )
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(10)
  t.same(
    readers.map((reader) => reader.get('k')?.value?.n),
    [2, 2, 2, undefined],
  )
  t.ok(
    b.counters.get('reader.duplicate') > 0,
    'a participant that reads both partitions receives each frame twice, and counts it',
  )
})

t.test('a mismatch is reported once on both sides', async (t) => {
  const other = defineTopic<Value>({ name: 'state', key: ['id', 'n'], fields: ['id', 'n'] })
  for (const { kind, of, qos } of [
    { kind: 'inconsistent-topic', of: other, qos: {} },
    { kind: 'incompatible-qos', of: topic, qos: { durability: 'volatile', reliability: 'best-effort' } as const },
  ]) {
    await t.test(kind, async (t) => {
      const plane = openPlane(t)
      const [a, b] = [await plane.join('a'), await plane.join('b')]
      const told: MismatchEvent[][] = [a, b].map((participant) => {
        const events: MismatchEvent[] = []
        participant.onMismatch((event) => events.push(event))
        return events
      })
      const writer = a.writer(of, { qos })
      writer.write({ id: 'k', n: 1 })
      const reader = b.reader(topic)
      await plane.settle(reader.synced())
      a.writer(defineTopic<Value>({ name: 'else', key: 'id', fields: ['id'] }))
      await plane.clock.advance(2000)
      const event = { kind, topic: 'state', writer: writer.guid, reader: reader.guid }
      t.match(told, [[event], [event]])
      t.same(
        told.map(({ length }) => length),
        [1, 1],
      )
      if (kind === 'incompatible-qos') {
        t.match(told[0], [
          {
            policies: [
              { policy: 'reliability', offered: 'best-effort', requested: 'reliable' },
              { policy: 'durability', offered: 'volatile', requested: 'transient-local' },
            ],
          },
        ])
      }
      t.equal(reader.size, 0)
      t.equal(b.counters.get(`match.${kind}`), 1)
    })
  }
})

t.test('each side checks by its own schema', async (t) => {
  const strict = defineTopic({ name: 'state', key: 'id', schema: z.object({ id: z.string(), n: z.number().max(9) }) })
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  t.throws(() => a.writer(strict).write({ id: 'k', n: 10 }), {
    code: 'NUMACAST_INVALID_ARGUMENT',
    message: /n Too big/,
  })
  const writer = a.writer(topic)
  const reader = b.reader(strict)
  await plane.settle(reader.synced())
  writer.write({ id: 'good', n: 9 })
  writer.write({ id: 'bad', n: 10 })
  await plane.clock.advance(10)
  t.equal(reader.size, 1)
  t.equal(b.counters.get('reader.rejected.schema'), 1)
  t.equal(
    reader.lag().every(({ lagSamples }) => lagSamples === 0),
    true,
    'it is not requested again',
  )
})

t.test('readers decode by the fields of the writer', async (t) => {
  const newer = defineTopic<Value & { extra: string }>({ name: 'state', key: 'id', fields: ['extra', 'n', 'id'] })
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(newer), b.reader(topic)]
  const back = { partition: 'back' }
  const [backWriter, backReader] = [b.writer(topic, back), a.reader(newer, back)]
  await plane.settle(Promise.all([reader.synced(), backReader.synced()]))
  writer.write({ id: 'k', n: 1, extra: 'more' })
  backWriter.write({ id: 'k', n: 2 })
  await plane.clock.advance(20)
  t.same(reader.get('k')?.value, { id: 'k', n: 1, extra: 'more' })
  t.same(backReader.get('k')?.value, { id: 'k', n: 2 })
})

t.test('writers and readers of one participant match like any others', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  writer.write({ id: 'early', n: 1 })
  const reader = a.reader(topic)
  const received: string[] = []
  reader.onSample(({ key, value, instanceState }) => received.push(`${key} ${value?.n ?? '-'} ${instanceState}`))
  await plane.settle(reader.synced())
  t.same(received, ['early 1 alive'], 'transient-local within a participant too')
  const volatile = a.reader(topic, { qos: { durability: 'volatile' } })
  const elsewhere = a.reader(topic, { partition: 'elsewhere' })
  writer.write({ id: 'late', n: 1 })
  writer.write({ id: 'late', n: 2 })
  writer.flush()
  t.same(received.splice(0), ['early 1 alive', 'late 2 alive'], 'conflated as for remote readers')
  t.same(
    [...volatile.entries()].map(([key]) => key),
    ['late'],
  )
  t.equal(elsewhere.size, 0)
  t.match(reader.lag(), [{ writer: writer.guid, lagSamples: 0, catchUpState: 'fresh' }])

  // A listener that writes reenters this code while its own sample is being handed out.
  const chain = reader.onSample(({ value }) => {
    if (value !== undefined && value.n < 5) writer.write({ id: 'chain', n: value.n + 1 })
    writer.flush()
  })
  writer.write({ id: 'chain', n: 3 })
  writer.flush()
  chain.close()
  t.same(received.splice(0), ['chain 3 alive', 'chain 4 alive', 'chain 5 alive'])

  // Another participant's newer value leaves with that participant. The own writer's value takes its place.
  await plane.clock.advance(100)
  const other = b.writer(topic)
  other.write({ id: 'late', n: 9 })
  await plane.clock.advance(2000)
  t.equal(reader.get('late')?.value?.n, 9)
  await plane.settle(b.close())
  await plane.clock.advance(2000)
  t.match(reader.get('late'), { value: { n: 2 }, instanceState: 'alive' })
  received.splice(0)

  writer.dispose('early')
  writer.close()
  t.same(received, ['early - disposed', 'late 2 no-writers', 'chain 5 no-writers'])
  const strict = a.writer(topic, { qos: { reliability: 'best-effort' } })
  const mismatches: string[] = []
  a.onMismatch(({ kind }) => mismatches.push(kind))
  a.reader(topic)
  t.same(mismatches, ['incompatible-qos'])
  strict.close()
})

t.test('an owner ends an instance older than its lifespan, at every reader', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { lifespanMs: 2000 } })
  const reader = b.reader(topic)
  writer.write({ id: 'old', n: 1 })
  await plane.clock.advance(1500)
  writer.write({ id: 'young', n: 2 })
  await plane.clock.advance(1000)
  t.same([...writer.keys()], ['young'])
  t.equal(reader.get('old'), undefined)
  t.equal(reader.get('young')?.value?.n, 2)
})

t.test('ages are transmitted, clock readings are not', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  writer.write({ id: 'k', n: 1 })
  const writtenMs = plane.clock.nowMs()
  const writtenWallMs = plane.clock.wallMs()
  await plane.clock.advance(5000)
  plane.clock.stepWall(-3_600_000)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  t.ok(Math.abs((reader.get('k')?.writtenMs ?? 0) - writtenMs) <= 1)
  t.ok(Math.abs((reader.get('k')?.writtenWallMs ?? 0) - writtenWallMs + 3_600_000) <= 1)
})

t.test('limits and invalid arguments are refused with an error code', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const writer = a.writer(topic, { qos: { resourceLimits: { maxInstances: 2 } } })
  writer.write({ id: '1', n: 1 })
  writer.write({ id: '2', n: 1 })
  t.throws(() => writer.write({ id: '3', n: 1 }), { code: 'NUMACAST_LIMIT' })
  t.equal(writer.write({ id: '2', n: 2 }).seq, 3, 'known instances can still be written')
  t.throws(() => writer.write({ id: 'k'.repeat(2000), n: 1 }), { code: 'NUMACAST_LIMIT' })
  t.throws(() => writer.write({ id: { nested: 1 } as unknown as string, n: 1 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  const any = defineTopic<{ id: string; v: unknown }>({ name: 'any', key: 'id', fields: ['id', 'v'] })
  let deep: unknown = 1
  for (let depth = 0; depth < 20; depth++) deep = [deep]
  const unreadable = [deep, { ['k'.repeat(300)]: 1 }, JSON.parse('{"__proto__": 1}')]
  for (const v of unreadable) {
    t.throws(() => a.writer(any).write({ id: 'k', v }), {
      code: 'NUMACAST_INVALID_ARGUMENT',
      message: /no reader accepts/,
    })
  }
  t.equal(writer.dispose('unknown'), undefined)
  t.throws(() => a.writer(topic, { partition: [] }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => a.writer(topic, { partition: 'p?' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => a.reader(topic, { qos: { historyDepth: 0 } }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await t.rejects(plane.join('x', { domain: 232 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await t.rejects(plane.join('y', { properties: { a: Number.NaN } }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  await t.rejects(plane.join('z', { leaseMs: 100 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test('a full reader refuses new instances, and counts them', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const reader = b.reader(topic, { qos: { resourceLimits: { maxInstances: 2 } } })
  const writer = a.writer(topic)
  for (const id of ['1', '2', '3', '4']) writer.write({ id, n: 1 })
  await plane.clock.advance(1000)
  t.equal(reader.size, 2)
  t.equal(b.counters.get('reader.rejected.instances-limit'), 2)
})

t.test('close closes all endpoints, is idempotent, and refuses later calls', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [writer, reader] = [a.writer(topic), b.reader(topic)]
  const waiting = reader.synced()
  const iterator = reader[Symbol.asyncIterator]()
  const next = iterator.next()
  writer.write({ id: 'k', n: 1 })
  await Promise.all([b.close(), b.close()])
  await b[Symbol.asyncDispose]()
  await t.rejects(waiting, { code: 'NUMACAST_CLOSED' })
  t.same(await next, { done: true, value: undefined })
  await t.rejects(reader.synced(), { code: 'NUMACAST_CLOSED' })
  t.throws(() => b.writer(topic), { code: 'NUMACAST_CLOSED' })
  t.throws(() => b.reader(topic), { code: 'NUMACAST_CLOSED' })
  await plane.clock.advance(100)
})

t.test('close may be called from a callback', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  reader.onSample(() => void b.close())
  await plane.clock.advance(500)
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(1000)
  const c = await plane.join('c')
  c.reader(topic)
  c.onPeer(({ kind }) => {
    if (kind === 'liveliness-changed') void c.close()
  })
  await plane.clock.advance(500)
  plane.network.disconnect('a')
  await plane.clock.advance(5000)
  t.throws(() => c.reader(topic), { code: 'NUMACAST_CLOSED' })
})

t.test('a busy main loop shows in the beacons of every partition', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  a.writer(topic, { partition: 'one' })
  a.writer(topic, { partition: 'two' })
  b.reader(topic, { partition: 'two' })
  await plane.clock.advance(1000)
  plane.clock.jump(2000)
  await plane.clock.advance(900)
  t.ok((b.peer(a.guid)?.loopDelayMs ?? 0) >= 1000)
  t.match(b.peer(a.guid)?.verdict, { liveliness: 'stalled', cause: 'loop-busy' })
  await plane.clock.advance(3000)
  t.match(b.peer(a.guid)?.verdict, { liveliness: 'alive', cause: null })
})

t.test('two owners of one key: the later value is held, and the other one after its owner has left', async (t) => {
  for (const how of ['goodbye', 'silence', 'close']) {
    await t.test(how, async (t) => {
      const plane = openPlane(t)
      const [one, two, b] = [await plane.join('one'), await plane.join('two'), await plane.join('b')]
      const [first, second] = [one.writer(topic), two.writer(topic)]
      const reader = b.reader(topic)
      await plane.settle(reader.synced())
      first.write({ id: 'k', n: 1 })
      first.write({ id: 'other', n: 1 })
      await plane.clock.advance(20)
      second.write({ id: 'k', n: 2 })
      await plane.clock.advance(20)
      t.match(reader.get('k'), { value: { n: 2 }, token: { writer: second.guid } })
      const received: string[] = []
      reader.onSample(({ key, value, instanceState }) => received.push(`${key} ${value?.n} ${instanceState}`))
      if (how === 'goodbye') await two.close()
      if (how === 'silence') plane.network.disconnect('two')
      if (how === 'close') second.close()
      await plane.clock.advance(5000)
      t.match(reader.get('k'), { value: { n: 1 }, instanceState: 'alive', token: { writer: first.guid } })
      t.same(received, ['k 1 alive'], 'alive all the time: another participant wrote it too')
      await plane.settle(reader.synced())
      t.match(reader.lag(), [{ catchUpState: 'fresh' }])
    })
  }
})

t.test('a partition that was read only briefly is not announced as read', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  const spy = plane.network.open('spy')
  let frames = 0
  await spy.datagram.join(solicitGroup(1, 'p'), () => {
    frames++
  })
  b.reader(topic, { partition: 'p' }).close()
  await plane.clock.advance(1_000)
  frames = 0
  await plane.clock.advance(20_000)
  t.equal(frames, 0)
  await spy.close()
})
