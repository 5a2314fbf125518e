import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import { BlockableLoop } from '../../src/testing/blockable-loop.js'
import { openPlane } from '../support/open-plane.js'
import { RawPeer } from './raw-peer.js'

/**
 * A participant that is short of CPU must not cause more work, for itself or for others. Otherwise a host on which all
 * participants are short of CPU would never recover.
 */

t.setTimeout(300_000)

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

function countersOf(participants: readonly Participant[], pattern: RegExp): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { counters } of participants) {
    for (const [name, count] of Object.entries(counters.snapshot())) {
      if (pattern.test(name)) found[name] = (found[name] ?? 0) + count
    }
  }
  return found
}

t.test('a loop that runs a quarter of the time costs itself and its peers few questions', async (t) => {
  for (const seed of [1, 2, 3]) {
    await t.test(`seed ${seed}`, async (t) => {
      const plane = openPlane(t, seed)
      const random = seededRandom(seed)
      const loop = new BlockableLoop(plane.clock, random)
      const starved = await plane.join('starved', {}, {}, loop)
      const reader = starved.reader(topic)
      const own = starved.writer(topic)
      const others = await Promise.all(Array.from({ length: 12 }, (_, n) => plane.join(`other ${n}`)))
      const writers = others.map((other) => other.writer(topic))
      for (const other of others) other.reader(topic)
      await plane.clock.advance(8_000)
      t.equal(starved.peers().length, 12)

      const beganMs = plane.clock.nowMs()
      for (let n = 0; n < 30; n++) {
        for (const [index, writer] of writers.entries()) writer.write({ id: `k${index}`, n })
        own.write({ id: 'own', n })
        const busyMs = 300 + 1_500 * random()
        loop.block(busyMs)
        await plane.clock.advance((busyMs * 4) / 3)
      }
      const all = [starved, ...others]
      t.same(countersOf(all, /^(gossip|catch-up\.failed|stream)|peer\.(dead|unreach)/), {})
      const { 'hello.sent': questions = 0 } = countersOf(all, /^introduction\.sent$/)
      const seconds = (plane.clock.nowMs() - beganMs) / 1_000
      t.ok(questions < (others.length * seconds) / 4, `${questions} questions to or from one in ${seconds} s`)
      t.ok(starved.health.degraded, 'it knows')

      await plane.clock.advance(10_000)
      t.match(starved.health, { degraded: false, score: 0 })
      t.ok(writers.every((_, index) => reader.get(`k${index}`)?.value?.n === 29))
      t.ok(starved.peers().every(({ verdict }) => verdict.liveliness === 'alive'))
    })
  }
})

t.test('a peer that beacons now and then but never answers is asked less and less often', async (t) => {
  const plane = openPlane(t)
  const raw = new RawPeer(plane.network.open('raw'))
  t.teardown(() => raw.transport.close())
  let asked = 0
  raw.transport.stream.serve(() => {
    asked++
    return new Promise<Buffer>(() => {})
  })
  const reading = await plane.join('reading')
  reading.reader(topic)
  const rounds = 10
  for (let round = 0; round < rounds; round++) {
    raw.send(raw.beaconFrame())
    await plane.clock.advance(10_000)
  }
  t.equal(reading.counters.get('peer.dead'), rounds, 'declared dead in each round')
  t.ok(asked < 1.5 * rounds, `at most about one question per round: ${asked}`)
})

t.test('a participant whose loop is always late still detects departed peers and introduces itself', async (t) => {
  const plane = openPlane(t)
  const loop = new BlockableLoop(plane.clock, seededRandom(1))
  const starved = await plane.join('starved', {}, {}, loop)
  starved.reader(topic)
  starved.writer(topic)
  for (const name of ['stays', 'leaves']) (await plane.join(name)).writer(topic)
  await plane.clock.advance(8_000)
  t.equal(starved.peers().length, 2)
  plane.network.disconnect('leaves')
  const sent = starved.counters.get('hello.sent')
  let rounds = 0
  for (; rounds < 400 && starved.peers().length === 2; rounds++) {
    loop.block(900)
    await plane.clock.advance(950)
  }
  t.equal(starved.peers().length, 1)
  t.match(starved.peers(), [{ name: 'stays', verdict: { liveliness: 'alive' } }])
  t.ok(starved.health.degraded)
  t.ok(starved.counters.get('hello.sent') > sent, 'it has asked the silent peer')
})

t.test(
  'a participant that was blocked until its sockets overflowed waits for its peers before it asks them',
  async (t) => {
    const plane = openPlane(t)
    const loop = new BlockableLoop(plane.clock, seededRandom(1))
    const stopped = await plane.join('stopped', {}, {}, loop)
    stopped.reader(topic)
    for (let n = 0; n < 12; n++) (await plane.join(`other ${n}`)).writer(topic)
    await plane.clock.advance(8_000)
    t.equal(stopped.peers().length, 12)
    const sent = stopped.counters.get('hello.sent')
    loop.block(30_000)
    plane.network.disconnect('stopped')
    await plane.clock.advance(29_999)
    plane.network.heal()
    await plane.clock.advance(5_000)
    t.equal(stopped.counters.get('hello.sent'), sent)
    t.ok(stopped.peers().every(({ verdict }) => verdict.liveliness === 'alive'))
  },
)
