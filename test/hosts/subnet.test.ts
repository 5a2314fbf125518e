import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { networkOf } from '../support/namespaces.js'
import { converged, Member, startMembers, untilPeers } from './members.js'

/** Several hosts on one subnet, range `subnet`. */

t.setTimeout(600_000)

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
    t.notOk(state.counters['beacon.copies'], 'a peer on the same host is received from once')
  }
})

t.test('values converge under 30 % loss each way, in order and each once', async (t) => {
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

t.test('a partition makes peers unreachable, never dead, and healing makes them alive again', async (t) => {
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

t.test('a participant of range `localhost` is received by wider ranges on its host and never beyond', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  const local = await new Member(network, 'a', 'local', { range: 'localhost' }).ready()
  const wide = await new Member(network, 'a', 'wide').ready()
  const remote = await new Member(network, 'b', 'remote').ready()
  await Promise.all([local, wide, remote].map((member) => member.write(50)))
  await untilHolds(wide, [local, remote])
  await untilHolds(local, [wide])
  await untilHolds(remote, [wide])
  const beyond = await remote.state()
  t.notOk(Object.keys(beyond.held).some((key) => key.startsWith('local-')))
  t.notOk('local' in beyond.peers)
  const { endpoints } = await local.state()
  t.ok(
    endpoints.every((endpoint) => /^tcp:\/\/127\.0\.0\.1:/.test(endpoint)),
    String(endpoints),
  )
})

t.test('a frame from outside the subnets in use is refused, whatever its content', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  // b sends from an address for which a has no interface, on the same network.
  await network.host('b').namespace.exec('ip addr del 10.77.1.2/24 dev eth0; ip addr add 10.88.1.2/24 dev eth0')
  // Otherwise the kernel of a would drop it as a martian first.
  await network
    .host('a')
    .namespace.exec(
      'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter; ip route add 10.88.1.0/24 dev eth0',
    )
  const [a] = await startMembers(network, ['a', 'b'])
  await eventually(
    'the frame is refused',
    async () => ((await a?.state())?.counters['datagram.rejected.out-of-range'] ?? 0) > 0,
  )
  t.same((await a?.state())?.peers, {})
})

/** Waits until `member` holds all that the others wrote. */
async function untilHolds(member: Member, others: readonly Member[]): Promise<void> {
  await eventually(`${member.name} holds what ${others.map(({ name }) => name).join(' and ')} wrote`, async () => {
    const { held } = await member.state()
    const owned = await Promise.all(others.map((other) => other.state()))
    return owned.every(({ own }) => Object.entries(own).every(([key, n]) => held[key] === n))
  })
}
