import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import { hostFleetOf } from '../support/host-fleet.js'

/** Several hosts on one subnet, range `subnet`. */

t.setTimeout(600_000)

t.test('multicast reaches the other hosts, and values converge', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b', 'c'])
  if (site === undefined) return
  const { fleet, peer } = site
  const members = await Promise.all([peer('a'), peer('b'), peer('c')])
  members.push(await peer('a', { name: 'a2' }))
  await Promise.all(members.map((member) => member.write(100)))
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.equal(Object.keys(state.peers).length, 3)
    t.notOk(state.counters['frame.rejected.foreign-source'])
    t.notOk(state.counters['beacon.copies'], 'a peer on the same host is received from once')
  }
})

t.test('values converge under 30 % loss each way, in order and each once', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  const members = await Promise.all([peer('a'), peer('b')])
  await fleet.converged(...members)
  network.lose(30)
  await Promise.all(members.map((member) => member.write(400)))
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
    t.ok(state.counters['catch-up.replies'])
  }
})

t.test('a partition makes peers unreachable, never dead, and healing makes them alive again', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b', 'c'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  const members = await Promise.all([peer('a'), peer('b'), peer('c')])
  await fleet.converged(...members)
  network.partition(['a'], ['b', 'c'])
  await Promise.all(members.map((member) => member.write(50)))
  const [a, b, c] = members as [MemberProcess, MemberProcess, MemberProcess]
  await fleet.holds(a, { b: 'unreachable', c: 'unreachable' })
  await fleet.holds(b, { a: 'unreachable', c: 'alive' })
  await fleet.holds(c, { a: 'unreachable', b: 'alive' })
  network.heal()
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
  }
  await fleet.holds(a, { b: 'alive', c: 'alive' })
})

t.test('a participant of range `localhost` is received by wider ranges on its host and never beyond', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { peer } = site
  const local = await peer('a', { name: 'local', range: 'localhost' })
  const wide = await peer('a', { name: 'wide' })
  const remote = await peer('b', { name: 'remote' })
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
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, peer } = site
  // b sends from an address for which a has no interface, on the same network.
  await network.host('b').namespace.exec('ip addr del 10.77.1.2/24 dev eth0; ip addr add 10.88.1.2/24 dev eth0')
  // Otherwise the kernel of a would drop it as a martian first.
  await network
    .host('a')
    .namespace.exec(
      'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter; ip route add 10.88.1.0/24 dev eth0',
    )
  const [a] = await Promise.all([peer('a'), peer('b')])
  await eventually(
    'the frame is refused',
    async () => ((await a?.state())?.counters['datagram.rejected.out-of-range'] ?? 0) > 0,
  )
  t.same((await a?.state())?.peers, {})
})

/** Waits until `member` holds all that the others wrote. */
async function untilHolds(member: MemberProcess, others: readonly MemberProcess[]): Promise<void> {
  await eventually(
    `${member.spec.name} holds what ${others.map(({ spec }) => spec.name).join(' and ')} wrote`,
    async () => {
      const { held } = await member.state()
      const owned = await Promise.all(others.map((other) => other.state()))
      return owned.every(({ own }) => Object.entries(own).every(([key, n]) => held[key] === n))
    },
  )
}
