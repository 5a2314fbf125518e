import t, { type Test } from 'tap'
import { type EntityId, newGuid } from '../../src/core/ids.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { encodeAckRequest } from '../../src/wire/ack-request.js'
import type { Descriptor } from '../../src/wire/descriptor.js'
import { encodeHello } from '../../src/wire/hello.js'
import { SamplesEncoder } from '../../src/wire/samples.js'
import { openPlane } from '../support/open-plane.js'
import { entity, RawPeer, topic, type Value } from './raw-peer.js'

/**
 * Mallory has a socket on the host and speaks the wire protocol. Whatever Mallory sends, the writes of two honest
 * participants reach each other, state held for Mallory is bounded, and refused frames are counted by reason.
 */

class Scene {
  readonly #t: Test
  readonly plane: MemoryPlane
  readonly victim: Participant
  readonly honest: Participant
  readonly mallory: RawPeer
  readonly reader: Reader<Value>
  readonly #writers: readonly Writer<Value>[]
  readonly #readers: readonly Reader<Value>[]
  #n = 0

  static async open(t: Test): Promise<Scene> {
    const plane = openPlane(t)
    const scene = new Scene(t, plane, await plane.join('victim'), await plane.join('honest'))
    await scene.converges('before')
    return scene
  }

  private constructor(t: Test, plane: MemoryPlane, victim: Participant, honest: Participant) {
    this.#t = t
    this.plane = plane
    this.victim = victim
    this.honest = honest
    this.mallory = new RawPeer(plane.network.open('mallory'))
    t.teardown(() => this.mallory.transport.close())
    this.#writers = [victim.writer(topic), honest.writer(topic)]
    this.reader = victim.reader(topic)
    this.#readers = [this.reader, honest.reader(topic)]
  }

  /** Checks that what either participant writes now reaches both. */
  async converges(when: string): Promise<void> {
    const n = ++this.#n
    for (const [at, writer] of this.#writers.entries()) writer.write({ id: `honest ${at}`, n })
    await this.plane.clock.advance(500)
    for (const reader of this.#readers) {
      const held = this.#writers.map((_, at) => reader.get(`honest ${at}`)?.value?.n)
      this.#t.same(held, [n, n], `honest data converges ${when}`)
    }
    this.#t.equal(this.victim.peer(this.honest.guid)?.verdict.liveliness, 'alive', `and both live ${when}`)
  }

  rejected(reason: string): number {
    return this.victim.counters.get(`frame.rejected.${reason}`)
  }

  async introduce(descriptor: Descriptor, intervalMs: number, withDescriptor = true): Promise<void> {
    const { guid: from, version } = descriptor
    const request = { from, version, knownVersion: 0, hears: true, intervalMs }
    const bytes = encodeHello(withDescriptor ? { ...request, descriptor } : request)
    const asked = this.mallory.transport.stream.request('memory://victim/1', bytes, { timeoutMs: 1_000 })
    await this.plane.settle(asked)
  }
}

t.test('frames in another’s name: nothing that Mallory sends moves an honest peer to Mallory’s socket', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, honest, mallory } = scene
  const described = { ...mallory.descriptor(), guid: honest.guid, version: 2 }
  // An interval of one millisecond would make the honest peer overdue at once, and let its address change.
  for (const version of [1, 2, 3, 4]) await scene.introduce({ ...described, version }, 1, false)
  const before = scene.rejected('foreign-source')
  for (let ms = 0; ms < 40; ms++) {
    mallory.send(mallory.beaconFrame({ digest: [] }, honest.guid))
    mallory.send(mallory.beaconFrame({ goodbye: true, digest: [] }, honest.guid))
    mallory.aside(mallory.beaconFrame({ goodbye: true, presence: true, digest: [] }, honest.guid))
    mallory.send(mallory.samplesFrame([{ id: 'honest 1', n: 666 }], 100, honest.guid))
    mallory.send(encodeAckRequest(honest.guid, { writer: entity, seq: 2 ** 47 }))
    await plane.clock.advance(1)
  }
  t.equal(scene.rejected('foreign-source') - before, 200, 'each frame is refused and counted')
  t.not(scene.reader.get('honest 1')?.value?.n, 666)
  t.not(victim.peer(honest.guid), undefined)
  await scene.converges('after')
})

t.test('a goodbye in the name of an unknown participant does not keep that participant out', async (t) => {
  const scene = await Scene.open(t)
  const { plane, mallory, reader } = scene
  const late = new RawPeer(plane.network.open('late'))
  t.teardown(() => late.transport.close())
  for (let count = 0; count < 5_000; count++) mallory.send(mallory.beaconFrame({ goodbye: true }, newGuid()))
  mallory.send(mallory.beaconFrame({ goodbye: true }, late.guid))
  await plane.clock.advance(10)
  late.values.push({ id: 'late', n: 1 })
  late.send(late.beaconFrame())
  await plane.clock.advance(200)
  t.equal(reader.get('late')?.value?.n, 1)
  await scene.converges('after')
})

t.test('frames in the victim’s own name are ignored and create no peer', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, mallory } = scene
  mallory.send(mallory.beaconFrame({ goodbye: true }, victim.guid))
  mallory.send(mallory.samplesFrame([{ id: 'honest 0', n: 666 }], 100, victim.guid))
  mallory.send(encodeAckRequest(victim.guid, { writer: entity, seq: 2 ** 47 }))
  await scene.introduce({ ...mallory.descriptor(), guid: victim.guid }, 500)
  mallory.lie = (reply) => ({ ...reply, descriptor: { ...mallory.descriptor(), guid: victim.guid } })
  mallory.send(mallory.beaconFrame())
  await plane.clock.advance(500)
  t.equal(victim.peer(victim.guid), undefined)
  t.same(
    victim.peers().map(({ guid }) => guid),
    [scene.honest.guid],
  )
  t.ok(victim.counters.get('catch-up.failed.bad-value') > 0)
  await scene.converges('after')
})

t.test('a flood of presence costs bounded state and bounded requests of the victim', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, mallory } = scene
  let requests = 0
  mallory.transport.stream.serve(() => {
    requests++
    return Buffer.from('nothing')
  })
  for (let wave = 0; wave < 4; wave++) {
    for (let count = 0; count < 1_000; count++) {
      mallory.aside(mallory.beaconFrame({ presence: true, digest: [], intervalMs: 2_000 }, newGuid()))
    }
    await scene.converges(`in wave ${wave}`)
  }
  t.equal(victim.counters.get('peer.refused.too-many'), 4_000 - 1_024)
  await plane.clock.advance(5_000)
  t.ok(requests < 1_024 * 20, `${requests} requests of two victims for 1,024 strangers each`)
  await plane.clock.advance(10_000)
  t.same(
    victim.peers().map(({ guid }) => guid),
    [scene.honest.guid],
  )
  const before = victim.counters.get('peer.refused.too-many')
  mallory.aside(mallory.beaconFrame({ presence: true, digest: [] }, newGuid()))
  await scene.converges('after')
  t.equal(victim.counters.get('peer.refused.too-many'), before, 'there is room again')
})

t.test('a peer with extreme numbers in its beacons delays nothing and is not asked more often', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, mallory } = scene
  mallory.values.push({ id: 'mine', n: 1 })
  for (const [at, changes] of [
    { intervalMs: 1 },
    { intervalMs: 0xffff },
    { audience: 0xffff },
    { progress: 0xffffffff },
    { progress: 0 },
    { loopDelayMs: 0xffff },
    { incarnation: 2 ** 48 - 1 },
    { sequence: 0xffffffff },
    { sequence: 0 },
    { descriptorVersion: 0xffffffff },
    { streamPort: 0 },
    { digest: Array.from({ length: 700 }, (_, n) => ({ writer: (n + 1) as EntityId, lastSeq: 2 ** 47 })) },
  ].entries()) {
    const asked = mallory.requests
    for (let count = 0; count < 20; count++) {
      mallory.send(mallory.beaconFrame(changes))
      mallory.send(encodeAckRequest(mallory.guid, { writer: entity, seq: 2 ** 47 }))
      await plane.clock.advance(50)
    }
    await scene.converges(`with lie ${at}`)
    t.ok(mallory.requests - asked < 60, `${mallory.requests - asked} requests for 40 frames`)
  }
  mallory.transport.stream.serve(() => Buffer.from('nothing'))
  await plane.clock.advance(20_000)
  t.equal(victim.peer(mallory.guid), undefined, 'the victim forgets the peer')
  await scene.converges('after')
})

t.test('4,096 writers are matched, and unmatched when they go', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, mallory, reader } = scene
  const [writer] = mallory.descriptor().writers
  const writers = Array.from({ length: 4_096 }, (_, n) => ({ ...writer, entity: (n + 1) as EntityId }))
  mallory.lie = (reply) => ({ ...reply, descriptor: { ...mallory.descriptor(), writers } as Descriptor })
  mallory.send(mallory.beaconFrame())
  await scene.converges('among 4,096')
  t.equal(reader.feed.proxies.size, 4_096 + 2)
  mallory.lie = (reply) => ({ ...reply, descriptor: { ...mallory.descriptor(), version: 2 } })
  mallory.send(mallory.beaconFrame({ descriptorVersion: 2 }))
  await scene.converges('when all but one have gone')
  t.equal(reader.feed.proxies.size, 1 + 2)
  mallory.send(mallory.beaconFrame({ goodbye: true }))
  await plane.clock.advance(10)
  t.equal(reader.feed.proxies.size, 2)
  t.equal(victim.peer(mallory.guid), undefined)
  await scene.converges('after')
})

t.test('an endless bootstrap of refused values leaves no state behind', async (t) => {
  const scene = await Scene.open(t)
  const { plane, victim, mallory, reader } = scene
  let chunk = 0
  mallory.lie = ({ progress, ...reply }) => {
    if (chunk === 200) return Buffer.from('nothing')
    const encoder = new SamplesEncoder(mallory.guid, 60_000)
    const seq = chunk++ * 1_000
    encoder.begin(entity, seq, 1)
    for (let n = 1; n <= 1_000; n++) {
      const keyBytes = Buffer.from(`${chunk} ${n}`)
      const sample = { sourceTimeMs: undefined, disposed: false, origin: undefined, keyBytes }
      encoder.add({ ...sample, seq: seq + n, valueSeq: seq + n, value: Buffer.from([0xc1]), valueLength: 1 }, 0)
    }
    const frame = encoder.finish()
    const numbers = { base: 2 ** 40, headSeq: 2 ** 40, toSeq: seq + 1_000 }
    return {
      ...reply,
      progress: progress.map((part) => ({
        ...part,
        ...numbers,
        action: 'bootstrap' as const,
        more: chunk < 200,
        frame,
      })),
    }
  }
  mallory.send(mallory.beaconFrame({ digest: [{ writer: entity, lastSeq: 9 }] }))
  for (let round = 0; round < 20 && chunk < 200; round++) {
    await plane.clock.advance(50)
    for (const { bootstrap } of reader.feed.proxies.values()) t.ok((bootstrap?.seen.size ?? 0) < 10)
  }
  t.ok(chunk >= 200, `${chunk} replies`)
  // Both receive Mallory's frames, and ask.
  const refused = [victim, scene.honest].flatMap(({ counters }) =>
    Object.entries(counters.snapshot()).filter(([name]) => name.startsWith('reader.rejected.')),
  )
  t.equal(
    refused.reduce((sum, [, count]) => sum + count, 0),
    200_000,
  )
  t.equal(reader.size, 2)
  await scene.converges('after')
})
