import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import { BlockableLoop } from '../../src/testing/blockable-loop.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'
import { RawPeer } from './raw-peer.js'

/** Inputs of a participant's health score, each by itself, and the effect of the score. */

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

/** Returns the worst health score of the participant while time passes. */
async function worstScore(plane: MemoryPlane, participant: Participant, forMs: number): Promise<number> {
  let worst = 0
  for (let passedMs = 0; passedMs < forMs; passedMs += 50) {
    await plane.clock.advance(50)
    worst = Math.max(worst, participant.health.score)
  }
  return worst
}

t.test(
  'a participant that most peers no longer receive is degraded, and one deaf peer does not degrade it',
  async (t) => {
    const plane = openPlane(t)
    const a = await plane.join('a')
    const changes: PeerEvent[] = []
    a.onPeer((event) => event.kind === 'liveliness-changed' && changes.push(event))
    a.writer(topic)
    const names = ['1', '2', '3', '4']
    const peers = await Promise.all(names.map((name) => plane.join(name)))
    for (const peer of peers) peer.reader(topic)
    t.equal(await worstScore(plane, a, 20_000), 0)
    t.ok(a.peers().every(({ receivesFromUs }) => receivesFromUs === true))
    for (const [index, name] of names.entries()) {
      plane.network.setLinkFaults('a', name, { lossRatio: 1 })
      t.equal(await worstScore(plane, a, 10_000), 0)
      t.equal(a.counters.get('peer.does-not-receive'), index + 1, 'until a stream takes over')
      plane.network.setLinkFaults('a', name, undefined)
      await plane.clock.advance(10_000)
    }
    for (const name of names) plane.network.setLinkFaults('a', name, { lossRatio: 1 })
    t.ok((await worstScore(plane, a, 20_000)) > 0, 'what it sends does not arrive')
    t.ok(a.counters.get('peer.does-not-receive') >= 2 * names.length)
    t.same(changes, [], 'it still receives their frames')
  },
)

t.test('a participant whose consecutive questions stay unanswered is degraded', async (t) => {
  const plane = openPlane(t)
  const b = await plane.join('b')
  b.reader(topic)
  const mute = ['one', 'other'].map((name) => {
    const raw = new RawPeer(plane.network.open(name))
    t.teardown(() => raw.transport.close())
    raw.transport.stream.serve(() => new Promise<Buffer>(() => {}))
    return raw
  })
  const worst = async (raws: readonly RawPeer[]): Promise<number> => {
    let score = 0
    for (let n = 0; n < 40; n++) {
      for (const raw of raws) raw.send(raw.beaconFrame())
      score = Math.max(score, await worstScore(plane, b, 500))
    }
    return score
  }
  t.equal(await worst(mute.slice(0, 1)), 0, 'a single mute peer may be at fault itself')
  t.ok(b.counters.get('catch-up.failed.timeout') > 1)
  t.ok((await worst(mute)) > 0, 'two peers are received but do not answer')
})

t.test('an observer that was late recently is more patient than others', async (t) => {
  const plane = openPlane(t)
  const loop = new BlockableLoop(plane.clock, seededRandom(1))
  const [late, well] = [await plane.join('late', {}, {}, loop), await plane.join('well')]
  for (const observer of [late, well]) observer.reader(topic)
  const peers = await Promise.all(Array.from({ length: 5 }, (_, n) => plane.join(`${n}`)))
  for (const peer of peers) peer.writer(topic)
  await plane.clock.advance(5_000)
  loop.block(5_000)
  await plane.clock.advance(5_300)
  t.equal(late.health.score, 8)
  plane.network.disconnect('3')
  const gone = peers[3]?.guid ?? late.guid
  await plane.clock.advance(2_250)
  t.match(well.peer(gone)?.verdict, { liveliness: 'suspect' })
  t.match(late.peer(gone)?.verdict, { liveliness: 'alive' })
  await plane.clock.advance(15_000)
  for (const observer of [late, well]) t.equal(observer.peer(gone), undefined, 'it still detects that the peer is gone')
})
