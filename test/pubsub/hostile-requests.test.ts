import t, { type Test } from 'tap'
import { type Guid, newGuid } from '../../src/core/ids.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import type { Transport } from '../../src/transport/lane/transport.js'
import type { Descriptor } from '../../src/wire/descriptor.js'
import { decodeGossipReply, encodeGossipRequest } from '../../src/wire/gossip.js'
import { decodeHelloReply, encodeHello, encodeHelloReply, type Hello } from '../../src/wire/hello.js'
import { openPlane } from '../support/open-plane.js'
import { RawPeer, topic } from './raw-peer.js'

/** Introductions and questions from unknown peers: bounded, checked, forgotten. */

interface Scene {
  readonly plane: MemoryPlane
  readonly victim: Participant
  readonly stranger: Transport
  readonly introduce: (descriptor: Descriptor, changes?: Partial<Hello>) => Promise<{ knows: number }>
  readonly raw: RawPeer
}

async function scene(t: Test): Promise<Scene> {
  const plane = openPlane(t)
  const victim = await plane.join('victim')
  victim.reader(topic)
  const stranger = plane.network.open('stranger')
  const raw = new RawPeer(plane.network.open('raw'))
  t.teardown(() => Promise.all([stranger.close(), raw.transport.close()]))
  const introduce = async (descriptor: Descriptor, changes: Partial<Hello> = {}): Promise<{ knows: number }> => {
    const { guid: from, version } = descriptor
    const request = { from, version, descriptor, knownVersion: 0, hears: true, intervalMs: 2_000, ...changes }
    const asked = stranger.stream.request('memory://victim/1', encodeHello(request), { timeoutMs: 1_000 })
    return decodeHelloReply(await plane.settle(asked))
  }
  return { plane, victim, stranger, raw, introduce }
}

function invented(raw: RawPeer, guid: Guid, changes: Partial<Descriptor> = {}): Descriptor {
  return { ...raw.descriptor(), guid, writers: [], ...changes }
}

t.test('a flood of introductions is held only for the period that its senders announced', async (t) => {
  const { plane, victim, raw, introduce } = await scene(t)
  for (let n = 0; n < 500; n++) await introduce(invented(raw, newGuid()))
  t.ok(victim.peers().length <= 500)
  await plane.clock.advance(20_000)
  t.same(victim.peers(), [], 'silent peers without a common partition are dropped')
})

t.test('a peer that only asks is not kept', async (t) => {
  const { victim, raw, introduce } = await scene(t)
  const { knows } = await introduce(invented(raw, newGuid()), { intervalMs: undefined as never })
  t.equal(knows, 0)
  t.same(victim.peers(), [])
})

t.test('a stranger cannot change what a peer announced, or impersonate a departed peer', async (t) => {
  const { plane, victim, raw, introduce } = await scene(t)
  raw.values.push({ id: 'a', n: 1 })
  raw.send(raw.beaconFrame())
  await plane.clock.advance(200)
  t.equal(victim.peer(raw.guid)?.name, 'raw')
  await introduce({ ...raw.descriptor(), version: 9, name: 'forged', incarnation: 2 })
  t.equal(victim.peer(raw.guid)?.name, 'raw')
  t.equal(victim.counters.get('descriptor.rejected.foreign-identity'), 1)
  t.equal((await introduce(invented(raw, victim.guid))).knows, 0, 'nor impersonate the participant itself')
  raw.send(raw.beaconFrame({ goodbye: true }))
  await plane.clock.advance(50)
  t.equal((await introduce(raw.descriptor())).knows, 0)
  t.equal(victim.counters.get('request.from-departed'), 1)
  t.same(victim.peers(), [])
})

t.test('a forged descriptor with the highest version does not replace that of the peer', async (t) => {
  const { plane, victim, raw, introduce } = await scene(t)
  raw.values.push({ id: 'a', n: 1 })
  raw.send(raw.beaconFrame())
  await plane.clock.advance(200)
  await introduce({ ...raw.descriptor(), version: 0xffffffff, name: 'forged' })
  await plane.clock.advance(1_000)
  t.equal(victim.peer(raw.guid)?.name, 'raw')
  t.equal(victim.counters.get('descriptor.doubtful-version'), 1)
  await introduce({ ...raw.descriptor(), version: 2, name: 'renamed' })
  t.equal(victim.peer(raw.guid)?.name, 'renamed', 'the next version of the peer is taken')
})

t.test('a forged descriptor a few versions ahead lasts until the next request of the peer itself', async (t) => {
  const { plane, victim, raw, introduce } = await scene(t)
  raw.values.push({ id: 'a', n: 1 })
  raw.send(raw.beaconFrame())
  await plane.clock.advance(200)
  await introduce({ ...raw.descriptor(), version: 9, name: 'forged' })
  t.equal(victim.peer(raw.guid)?.name, 'forged')
  await introduce(raw.descriptor())
  await plane.clock.advance(1_000)
  t.equal(victim.peer(raw.guid)?.name, 'raw', 'the peer was asked')
})

t.test('an answer in another peer’s name is refused and counted', async (t) => {
  const { plane, victim, raw } = await scene(t)
  victim.writer(topic)
  let asked = 0
  raw.transport.stream.serve(() => {
    asked++
    return encodeHelloReply({ from: newGuid(), knows: 1, hears: true })
  })
  const presence = raw.beaconFrame({ presence: true, digest: [], intervalMs: 2_000 })
  raw.aside(presence)
  await plane.clock.advance(2_000)
  t.ok(asked > 0, 'the victim introduces itself to a reader that asks nothing')
  t.ok(victim.counters.get('hello.failed.foreign-source') > 0)
  t.same(victim.peers(), [])
})

t.test('presence on the data group and data on the presence group are refused', async (t) => {
  const { plane, victim, raw } = await scene(t)
  victim.writer(topic)
  await plane.clock.advance(10)
  raw.send(raw.beaconFrame({ presence: true }))
  raw.aside(raw.beaconFrame())
  raw.aside(raw.samplesFrame([{ id: 'a', n: 1 }], 0))
  raw.aside(Buffer.from('nonsense'))
  await plane.clock.advance(10)
  t.equal(victim.counters.get('frame.rejected.bad-kind'), 3)
  t.same(victim.peers(), [])
})

t.test('a peer that asks for peers receives a page of live peers that share a partition with it', async (t) => {
  const { plane, stranger } = await scene(t)
  for (let n = 0; n < 70; n++) (await plane.join(`n${n}`)).writer(topic)
  await plane.clock.advance(2_000)
  const ask = async (reads: string[], after?: Guid) => {
    const request = encodeGossipRequest({ from: newGuid(), reads, writes: [], ...(after && { after }) })
    const asked = stranger.stream.request('memory://victim/1', request, { timeoutMs: 1_000 })
    return decodeGossipReply(await plane.settle(asked))
  }
  const first = await ask(['default'])
  t.equal(first.peers.length, 64)
  t.ok(first.more)
  const second = await ask(['default'], first.peers.at(-1)?.guid)
  t.equal(second.peers.length, 6)
  t.notOk(second.more)
  t.equal(new Set([...first.peers, ...second.peers].map(({ guid }) => guid)).size, 70)
  t.same(await ask(['elsewhere']), { peers: [], more: false })
})
