import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { resolveParticipantOptions } from '../../src/pubsub/participant-options.js'
import { openPlane } from '../support/open-plane.js'

const topic = defineTopic<{ id: string }>({ name: 'state', key: 'id', fields: ['id'] })
const old = ['a', 'b', 'c', 'd', 'e', 'f']

t.test(
  'newcomers take the places of silent suspects, the longest silent first, and none of these is dead',
  async (t) => {
    const plane = openPlane(t)
    const observer = await plane.join('observer', { maxPeers: old.length })
    observer.reader(topic)
    const events: string[] = []
    observer.onPeer(({ kind, peer }) => {
      if (kind !== 'reception-changed') events.push(`${kind} ${peer.name} ${peer.verdict.liveliness}`)
    })
    for (const name of old) (await plane.join(name)).writer(topic)
    await plane.clock.advance(2_000)
    // All fall silent within a second, so that the observer may itself be isolated: it declares none dead.
    for (const name of old) {
      plane.network.disconnect(name)
      await plane.clock.advance(150)
    }
    await plane.clock.advance(50_000)
    const suspects = () => observer.peers().filter(({ verdict }) => verdict.liveliness === 'suspect')
    t.equal(suspects().length, old.length)
    t.match(observer.health, { reason: 'most-peers-late' })
    const [first, second] = suspects().sort((one, other) => one.lastReceivedMs - other.lastReceivedMs)
    const before = events.length

    const early = await plane.join('early')
    early.writer(topic)
    await plane.clock.advance(5_000)
    t.ok(observer.counters.get('peer.refused.too-many') > 0)
    t.strictSame(events.slice(before), [], 'silence of less than a minute keeps its place')
    await early.close()

    await plane.clock.advance(10_000)
    for (const name of ['x', 'y']) {
      ;(await plane.join(name)).writer(topic)
      await plane.clock.advance(2_000)
    }
    t.strictSame(events.slice(before), [
      `liveliness-changed ${first?.name} unreachable`,
      `left ${first?.name} unreachable`,
      'joined x alive',
      `liveliness-changed ${second?.name} unreachable`,
      `left ${second?.name} unreachable`,
      'joined y alive',
    ])
    t.equal(observer.counters.get('peer.evicted'), 2)
    t.notOk(events.some((event) => event.endsWith(' dead')))

    plane.network.heal()
    for (const name of old) plane.network.reconnect(name)
    await plane.clock.advance(5_000)
    t.strictSame(suspects(), [], 'the others are received again')
    t.equal(observer.peers().length, old.length, 'the registry stays at its bound')
  },
)

t.test('maxPeers that is no positive integer is refused', async (t) => {
  for (const maxPeers of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => resolveParticipantOptions({ maxPeers }), { code: 'NUMACAST_INVALID_ARGUMENT', message: /maxPeers/ })
  }
})
