import fc from 'fast-check'
import t, { type Test } from 'tap'
import { newGuid } from '../../src/core/ids.js'
import { seededRandom } from '../../src/core/random.js'
import { unknownReading } from '../../src/liveliness/process-reading.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import type { Transport } from '../../src/transport/lane/transport.js'
import { encodePullReply, encodePullRequest, type PullReply } from '../../src/wire/pull.js'
import { openPlane } from '../support/open-plane.js'
import { mutations } from '../wire/mutations.js'
import { entity, RawPeer, topic, type Value } from './raw-peer.js'

/** Whatever peers send, no lane throws, no held value is lost, nothing grows, and everything is counted. */

interface Victim {
  readonly plane: MemoryPlane
  readonly victim: Participant
  readonly transport: Transport
  readonly reader: Reader<Value>
  readonly raw: RawPeer
  readonly received: string[]
}

/** Opens a participant with one reader that has caught up with a raw peer, which has written two values. */
async function attacked(t: Test): Promise<Victim> {
  const plane = openPlane(t)
  const transport = plane.network.open('victim')
  const victim = await joinDomain(
    { domain: 1, name: 'victim' },
    {
      clock: plane.clock,
      transport,
      random: seededRandom(7),
      identity: { host: 'h', bootId: 'boot', pid: 1, startTimeTicks: 1, pidNamespace: 1, networkNamespace: 1 },
      probe: () => unknownReading,
    },
  )
  const raw = new RawPeer(plane.network.open('raw'))
  t.teardown(() => Promise.all([victim.close(), raw.transport.close()]))
  raw.values.push({ id: 'a', n: 1 }, { id: 'b', n: 2 })
  const reader = victim.reader(topic)
  const received: string[] = []
  reader.onSample(({ key, value }) => received.push(`${key} ${value?.n}`))
  await plane.clock.advance(10)
  raw.send(raw.beaconFrame())
  await plane.settle(reader.synced())
  t.same(held(reader), { a: 1, b: 2 })
  return { plane, victim, transport, reader, raw, received }
}

function held(reader: Reader<Value>): Record<string, unknown> {
  return Object.fromEntries([...reader.entries()].map(([key, { value }]) => [key, value?.n]))
}

function sum(participant: Participant, prefix: string): number {
  return Object.entries(participant.counters.snapshot())
    .filter(([name]) => name.startsWith(prefix))
    .reduce((total, [, count]) => total + count, 0)
}

const property = { seed: Number(process.env.NUMACAST_SEED ?? 1), endOnFailure: true }

t.test('mutated frames of a known peer are accepted whole or refused whole, and counted', async (t) => {
  const { plane, victim, transport, reader, raw } = await attacked(t)
  let refused = 0
  await fc.assert(
    fc.asyncProperty(fc.boolean(), mutations, async (isBeacon, mutate) => {
      const frame = isBeacon
        ? raw.beaconFrame()
        : raw.samplesFrame(
            [
              { id: 'a', n: 9 },
              { id: 'c', n: 9 },
            ],
            2,
          )
      const before = { held: JSON.stringify(held(reader)), rejected: sum(victim, 'frame.rejected.') }
      raw.send(mutate(frame))
      await plane.clock.advance(0)
      if (sum(victim, 'frame.rejected.') === before.rejected) return
      refused++
      if (JSON.stringify(held(reader)) !== before.held) throw new Error('a refused frame changed what is held')
    }),
    { ...property, numRuns: 1500 },
  )
  t.ok(refused > 500, `${refused} refused`)
  t.equal(transport.datagram.counters.get('datagram.failed.handler'), 0, 'no handler threw into the lane')
  t.ok(Object.keys(victim.counters.snapshot()).length < 60, 'the counters are a closed set')
})

t.test('mutated pull requests get no answer, and mutated replies change nothing permanently', async (t) => {
  const { plane, victim, transport, reader, raw } = await attacked(t)
  const request = encodePullRequest({
    descriptor: { ...raw.descriptor(), readers: [] },
    knownVersion: 0,
    tokens: [{ reader: 1, writer: 1, seq: 1, base: 1 }],
  })
  const asking = plane.network.open('asking')
  t.teardown(() => asking.close())
  const [endpoint = ''] = transport.stream.requestEndpoints
  let unanswered = 0
  await fc.assert(
    fc.asyncProperty(mutations, async (mutate) => {
      const bytes = mutate(request)
      const answer = asking.stream.request(endpoint, bytes, { timeoutMs: 5 }).catch(() => unanswered++)
      await plane.settle(answer)
    }),
    { ...property, numRuns: 500 },
  )
  t.equal(sum(victim, 'request.rejected.'), unanswered)
  t.ok(unanswered > 100, `${unanswered} refused`)

  await fc.assert(
    fc.asyncProperty(mutations, async (mutate) => {
      raw.lie = (reply) => mutate(encodePullReply(reply))
      raw.values.push({ id: 'c', n: raw.values.length })
      for (let beacon = 0; beacon < 5; beacon++) {
        raw.send(raw.beaconFrame())
        await plane.clock.advance(500)
      }
    }),
    { ...property, numRuns: 100 },
  )
  t.ok(sum(victim, 'catch-up.failed.') > 50)
  // What a peer reports about itself may be wrong now. That harms no other peer.
  const honest = new RawPeer(plane.network.open('honest'))
  t.teardown(() => honest.transport.close())
  honest.values.push({ id: 'honest', n: -1 })
  honest.send(honest.beaconFrame())
  await plane.clock.advance(100)
  t.equal(reader.get('honest')?.value?.n, -1)
  t.equal(transport.stream.counters.get('stream.failed.handler'), unanswered)
})

t.test('well-formed frames with false claims change nothing, and cost few requests', async (t) => {
  await t.test('a digest far ahead is queried, denied, and not accepted', async (t) => {
    const { plane, victim, reader, raw } = await attacked(t)
    const asked = raw.requests
    raw.send(raw.beaconFrame({ digest: [{ writer: entity, lastSeq: 2 ** 40 }] }))
    await plane.clock.advance(20)
    await plane.settle(reader.synced(), 2000)
    t.match(reader.lag(), [{ headSeq: 2, lagSamples: 0, catchUpState: 'fresh' }])
    t.ok(victim.counters.get('catch-up.retracted.head') >= 1)
    t.ok(raw.requests - asked <= 2, `${raw.requests - asked} requests`)
  })

  await t.test('a descriptor version far ahead is queried, denied, and not accepted', async (t) => {
    const { plane, victim, reader, raw } = await attacked(t)
    const asked = raw.requests
    raw.send(raw.beaconFrame({ descriptorVersion: 0xffffffff }))
    await plane.clock.advance(1000)
    await plane.settle(reader.synced(), 2000)
    t.equal(victim.counters.get('catch-up.retracted.version'), 1)
    t.ok(raw.requests - asked <= 2, `${raw.requests - asked} requests`)
  })

  await t.test('a peer that never delivers what it announces is asked less and less often', async (t) => {
    const { plane, reader, raw } = await attacked(t)
    const asked = raw.requests
    raw.lie = (reply) => ({
      progress: reply.progress.map((part) => ({ ...part, headSeq: 9999, frame: undefined, toSeq: 2 })),
    })
    for (let second = 0; second < 30; second++) {
      raw.send(raw.beaconFrame({ digest: [{ writer: entity, lastSeq: 9999 }] }))
      await plane.clock.advance(1000)
    }
    t.ok(raw.requests - asked < 30, `${raw.requests - asked} requests in 30 s`)
    t.match(reader.lag(), [{ catchUpState: 'unavailable' }])
    t.same(held(reader), { a: 1, b: 2 })
  })

  await t.test('a descriptor of another participant is refused', async (t) => {
    const { plane, victim, raw } = await attacked(t)
    const liar = new RawPeer(plane.network.open('liar'))
    t.teardown(() => liar.transport.close())
    liar.lie = (reply) => ({ ...reply, descriptor: { ...liar.descriptor(), guid: raw.guid, name: 'impostor' } })
    liar.send(liar.beaconFrame())
    await plane.clock.advance(50)
    t.equal(victim.peer(liar.guid), undefined)
    t.equal(victim.peer(raw.guid)?.name, 'raw')
    t.ok(victim.counters.get('catch-up.failed.bad-value') >= 1)
  })

  await t.test('replies about writers and readers that were not requested have no effect', async (t) => {
    const { plane, reader, raw, received } = await attacked(t)
    const lies: ((reply: PullReply) => PullReply)[] = [
      (reply) => ({ progress: reply.progress.map((part) => ({ ...part, writer: 77 })) }),
      (reply) => ({ progress: reply.progress.map((part) => ({ ...part, reader: 77 })) }),
      (reply) => ({ progress: reply.progress.map((part) => ({ ...part, action: 'reject' as const })) }),
      (reply) => ({
        progress: reply.progress.map((part) => ({
          ...part,
          frame: raw.samplesFrame([{ id: 'x', n: 1 }], 2, newGuid()),
        })),
      }),
      (reply) => ({ progress: reply.progress.map((part) => ({ ...part, toSeq: 0, base: 2 ** 47 })) }),
    ]
    const before = [...received]
    for (const lie of lies) {
      raw.lie = lie
      raw.send(raw.beaconFrame({ digest: [{ writer: entity, lastSeq: 3 }] }))
      await plane.clock.advance(3000)
      raw.send(raw.beaconFrame())
      t.same(received, before)
      t.same(held(reader), { a: 1, b: 2 })
    }
    raw.lie = (reply) => reply
    raw.values.push({ id: 'c', n: 3 })
    raw.send(raw.beaconFrame())
    await plane.clock.advance(3000)
    t.same(held(reader), { a: 1, b: 2, c: 3 })
  })

  await t.test('frames in another peer’s name from another socket are refused', async (t) => {
    const { plane, victim, reader, raw } = await attacked(t)
    const mallory = new RawPeer(plane.network.open('mallory'))
    t.teardown(() => mallory.transport.close())
    mallory.send(mallory.samplesFrame([{ id: 'a', n: 666 }], 2, raw.guid))
    mallory.send(mallory.beaconFrame({ goodbye: true }, raw.guid))
    mallory.send(mallory.beaconFrame({ digest: [{ writer: entity, lastSeq: 99 }] }, raw.guid))
    mallory.send(mallory.samplesFrame([{ id: 'a', n: 666 }], 2))
    await plane.clock.advance(1000)
    t.same(held(reader), { a: 1, b: 2 })
    t.equal(victim.counters.get('frame.rejected.foreign-source'), 3)
    t.equal(victim.counters.get('samples.from-unknown'), 1)
    t.equal(victim.peer(raw.guid)?.verdict.liveliness, 'alive')
  })
})

t.test('a flood of forged beacons is bounded, costs a bounded number of requests, and passes', async (t) => {
  const { plane, victim, reader, raw } = await attacked(t)
  const mallory = new RawPeer(plane.network.open('mallory'))
  t.teardown(() => mallory.transport.close())
  mallory.lie = () => Buffer.from('nothing')
  for (let wave = 0; wave < 4; wave++) {
    for (let count = 0; count < 1000; count++) mallory.send(mallory.beaconFrame({}, newGuid()))
    raw.send(raw.beaconFrame())
    await plane.clock.advance(10)
  }
  t.equal(victim.counters.get('peer.refused.too-many'), 4000 - 1024)
  t.ok(mallory.requests <= 1024, `${mallory.requests} requests`)
  raw.write({ id: 'c', n: 3 })
  await plane.clock.advance(10)
  t.equal(reader.get('c')?.value?.n, 3, 'known peers are served as before')
  for (let half = 0; half < 10; half++) {
    raw.send(raw.beaconFrame())
    await plane.clock.advance(500)
  }
  t.equal(victim.counters.get('peer.dead'), 1024)
  const fresh = new RawPeer(plane.network.open('fresh'))
  t.teardown(() => fresh.transport.close())
  fresh.values.push({ id: 'd', n: 4 })
  fresh.send(fresh.beaconFrame())
  await plane.clock.advance(50)
  t.equal(reader.get('d')?.value?.n, 4)
})
