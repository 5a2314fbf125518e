import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import { hostFleetOf } from '../support/host-fleet.js'

/** Interfaces that appear, disappear and change, and hosts with several; range `subnet`. */

t.setTimeout(600_000)

t.test(
  'participants of a host exchange values without a network, and reach other hosts once one appears',
  async (t) => {
    const site = await hostFleetOf(t, ['a', 'b'])
    if (site === undefined) return
    const { network, fleet, peer } = site
    await network.cable('a', 'eth0', 'out')
    const here = [await peer('a'), await peer('a', { name: 'a2' })]
    const there = await peer('b')
    await here[0]?.write(20)
    for (const state of await fleet.converged(...here)) {
      t.same(state.violations, [])
      t.notOk(state.endpoints.some((endpoint) => endpoint.includes(network.host('a').address)))
    }
    await network.cable('a', 'eth0', 'in')
    for (const state of await fleet.converged(...here, there)) t.same(state.violations, [])
    const state = await here[0]?.state()
    t.equal(state?.counters['interface.came'], 1)
    t.ok(state?.endpoints.some((endpoint) => endpoint.includes(network.host('a').address)))
  },
)

t.test('hosts converge after a cable is unplugged and plugged in again', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  const members = await Promise.all([peer('a'), peer('b')])
  const neighbour = await peer('a', { name: 'a2' })
  await fleet.converged(...members, neighbour)
  const [a, b] = members as [MemberProcess, MemberProcess]
  await network.cable('a', 'eth0', 'out')
  await Promise.all([a.write(30), b.write(30)])
  await eventually('the neighbour has all that a wrote', async () => {
    const [own, theirs] = await Promise.all([a.state(), neighbour.state()])
    return Object.entries(own.own).every(([key, n]) => theirs.held[key] === n)
  })
  await fleet.holds(b, { a: 'unreachable', a2: 'unreachable' })
  await fleet.holds(a, { b: 'unreachable', a2: 'alive' })
  await network.cable('a', 'eth0', 'in')
  for (const state of await fleet.converged(...members, neighbour)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
  }
  const { counters } = await a.state()
  t.equal(counters['interface.went'], 1)
  t.equal(counters['interface.came'], 1)
})

t.test('hosts discover each other by the second address of an interface, whatever its first address is', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  await network.host('a').namespace.exec('ip addr add 192.168.99.1/24 dev eth0')
  await network.host('b').namespace.exec('ip addr flush dev eth0 && ip addr add 192.168.99.2/24 dev eth0')
  const members = await Promise.all([peer('a'), peer('b')])
  await Promise.all(members.map((member) => member.write(50)))
  const [a, b] = await fleet.converged(...members)
  t.same([a?.violations, b?.violations], [[], []])
  t.ok(a?.endpoints.some((endpoint) => endpoint.includes('192.168.99.1')))
  t.notOk(a?.counters['frame.rejected.foreign-source'])
  // The address with which the group was joined is removed. The membership must stay.
  await network.host('a').namespace.exec('ip addr del 10.77.1.1/24 dev eth0')
  await eventually('the address has gone', async () => (await members[0]?.state())?.counters['interface.went'] === 1)
  await Promise.all(members.map((member) => member.write(50)))
  for (const state of await fleet.converged(...members)) t.same(state.violations, [])
})

t.test('hosts on two common networks deliver each value once, and one network is enough', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  await network.addLan(2)
  for (const host of ['a', 'b']) await network.connect(host, 2)
  const members = await Promise.all([peer('a'), peer('b')])
  await Promise.all(members.map((member) => member.write(100)))
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.ok(state.endpoints.some((endpoint) => endpoint.includes('10.77.2.')))
  }
  for (const member of members) {
    await eventually('every beacon comes by both', async () => {
      return ((await member.state()).counters['beacon.copies'] ?? 0) > 0
    })
  }
  await network.cable('a', 'eth0', 'out')
  await Promise.all(members.map((member) => member.write(100)))
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.notMatch(Object.values(state.seen).flat().join(), /dead|unreachable/, JSON.stringify(state.seen))
  }
})

t.test('a peer whose address changes is accepted at the new address', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  const members = await Promise.all([peer('a'), peer('b')])
  await fleet.converged(...members)
  await network.host('a').namespace.exec('ip addr del 10.77.1.1/24 dev eth0; ip addr add 10.77.1.200/24 dev eth0')
  await Promise.all(members.map((member) => member.write(50)))
  for (const state of await fleet.converged(...members)) {
    t.same(state.violations, [])
    t.notOk(Object.values(state.seen).flat().includes('dead'), JSON.stringify(state.seen))
  }
  await eventually('it listens at the new address', async () => {
    const { endpoints } = (await members[0]?.state()) ?? { endpoints: [] }
    return endpoints.some((endpoint) => endpoint.includes('10.77.1.200'))
  })
})
