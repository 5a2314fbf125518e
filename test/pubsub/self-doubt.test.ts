import t from 'tap'
import { seededRandom } from '../../src/core/random.js'
import type { PeerEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import { BlockableLoop } from '../../src/testing/blockable-loop.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'
import { RawPeer } from './raw-peer.js'

/** What makes a participant doubt itself, and what it does then: each input of its health score by itself. */

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

/** The worst health score that the participant has while time passes. */
async function worstScore(plane: MemoryPlane, participant: Participant, forMs: number): Promise<number> {
  let worst = 0
  for (let passedMs = 0; passedMs < forMs; passedMs += 50) {
    await plane.clock.advance(50)
    worst = Math.max(worst, participant.health.score)
  }
  return worst
}

t.test('one whom most peers do not hear any more doubts itself, and one deaf peer is no reason to', async (t) => {
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
    t.equal(a.counters.get('peer.does-not-receive'), index + 1, 'until a stream stands in')
    plane.network.setLinkFaults('a', name, undefined)
    await plane.clock.advance(10_000)
  }
  for (const name of names) plane.network.setLinkFaults('a', name, { lossRatio: 1 })
  t.ok((await worstScore(plane, a, 20_000)) > 0, 'what it sends does not arrive')
  t.ok(a.counters.get('peer.does-not-receive') >= 2 * names.length)
  t.same(changes, [], 'it hears them itself')
})

t.test('questions that nobody answers, one after the other, make the asker doubt itself', async (t) => {
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
  t.equal(await worst(mute.slice(0, 1)), 0, 'one alone may have its own reasons')
  t.ok(b.counters.get('catch-up.failed.timeout') > 1)
  t.ok((await worst(mute)) > 0, 'two that are heard, and do not answer')
})

t.test('one that was late of late is more patient than others', async (t) => {
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
  for (const observer of [late, well]) t.equal(observer.peer(gone), undefined, 'and finds it gone all the same')
})
