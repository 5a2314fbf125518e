import t from 'tap'
import { networkOf } from '../support/namespaces.js'
import { converged, Member, startMembers, untilPeers } from './members.js'

/** Several hosts on one subnet, range `subnet`. */

t.test('multicast reaches the other hosts, and values converge', async (t) => {
  const network = await networkOf(t, ['a', 'b', 'c'])
  if (network === undefined) return
  const members = await startMembers(network, ['a', 'b', 'c'])
  members.push(await new Member(network, 'a', 'a2').ready())
  await Promise.all(members.map((member) => member.write(100)))
  for (const state of await converged(members)) {
    t.same(state.violations, [])
    t.equal(Object.keys(state.peers).length, 3)
    t.notOk(state.counters['frame.rejected.foreign-source'])
    t.notOk(state.counters['beacon.copies'], 'a neighbour on the same host is heard once')
  }
})

t.test('30 % loss each way: it converges, in order, nothing twice', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  const members = await startMembers(network, ['a', 'b'])
  await converged(members)
  network.lose(30)
  await Promise.all(members.map((member) => member.write(400)))
  for (const state of await converged(members)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
    t.ok(state.counters['catch-up.replies'])
  }
})

t.test('a partition makes peers unreachable, never dead; healing brings them back', async (t) => {
  const network = await networkOf(t, ['a', 'b', 'c'])
  if (network === undefined) return
  const members = await startMembers(network, ['a', 'b', 'c'])
  await converged(members)
  network.partition(['a'], ['b', 'c'])
  await Promise.all(members.map((member) => member.write(50)))
  const [a, b, c] = members as [Member, Member, Member]
  await untilPeers(a, { b: 'unreachable', c: 'unreachable' })
  await untilPeers(b, { a: 'unreachable', c: 'alive' })
  await untilPeers(c, { a: 'unreachable', b: 'alive' })
  network.heal()
  for (const state of await converged(members)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
  }
  await untilPeers(a, { b: 'alive', c: 'alive' })
})
