import t, { type Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { hostFleetOf } from '../support/host-fleet.js'

/** Hosts that multicast does not reach, or reaches in one direction only. */

t.setTimeout(600_000)

/** Each member writes. Then all hold the same values, in order, each once, and no peer was declared dead. */
async function agree(t: Test, fleet: ProcessFleet, members: readonly MemberProcess[]): Promise<void> {
  await fleet.converged(...members)
  await Promise.all(members.map((member) => member.write(100)))
  for (const { violations, seen, peers } of await fleet.converged(...members)) {
    t.same(violations, [])
    t.equal(Object.keys(peers).length, members.length - 1, 'each member knows all others')
    t.notOk(Object.values(seen).flat().includes('dead'), JSON.stringify(seen))
  }
}

t.test('a host without multicast joins by a listed peer that is given as host only', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b', 'far'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  network.restrict('far', 'no-multicast')
  // Two processes on the listed host, and a third that only they receive from.
  const members = [
    await peer('a'),
    await peer('a', { name: 'a2' }),
    await peer('b'),
    await peer('far', { peers: [network.host('a').address] }),
  ]
  await agree(t, fleet, members)
  // Others may be dialled for a moment, when a busy machine makes a beacon late.
  const dialled = async (): Promise<string> => {
    const states = await Promise.all(members.map((member) => member.state()))
    return states.map(({ liveConnections }) => liveConnections).join()
  }
  await eventually(
    'the remote member dials all others; they receive each other by multicast and dial only it',
    async () => (await dialled()) === '1,1,1,3',
  )
})

t.test('hosts between which only TCP passes converge', async (t) => {
  const site = await hostFleetOf(t, ['a', 'far'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  network.restrict('far', 'tcp-only')
  const members = [await peer('a'), await peer('far', { range: 'off', peers: [network.host('a').address] })]
  await agree(t, fleet, members)
})

t.test('c lists only b and learns of a from it', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b', 'c'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  for (const host of ['a', 'b', 'c']) network.restrict(host, 'no-multicast')
  const members = [
    await peer('b'),
    await peer('a', { peers: [network.host('b').address] }),
    await peer('c', { peers: [network.host('b').address] }),
  ]
  await agree(t, fleet, members)
})

t.test('after multicast fails in one direction both sides detect it and no value is lost', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  const members = [await peer('a'), await peer('b')]
  const [a, b] = members as [MemberProcess, MemberProcess]
  await agree(t, fleet, members)
  network.restrict('b', 'deaf')
  await eventually('b listens by stream', async () => (await b.state()).liveConnections === 1)
  await agree(t, fleet, members)
  await eventually('a still receives from b by multicast', async () => (await a.state()).liveConnections === 0)
  t.notOk((await b.state()).seen.a?.includes('unreachable'), 'b was never unreachable to a')
  network.restrict('b')
  await eventually('b receives multicast again', async () => (await b.state()).liveConnections === 0)
  await agree(t, fleet, members)
})

t.test('hosts converge if multicast never worked in one direction', async (t) => {
  const site = await hostFleetOf(t, ['a', 'b'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  network.restrict('b', 'deaf')
  await agree(t, fleet, [await peer('a'), await peer('b')])
})

t.test('another participant takes over the rendezvous when its holder leaves', async (t) => {
  const site = await hostFleetOf(t, ['a', 'far'])
  if (site === undefined) return
  const { network, fleet, peer } = site
  network.restrict('far', 'no-multicast')
  const first = await peer('a', { name: 'first' })
  const second = await peer('a', { name: 'second' })
  await fleet.converged(first, second)
  await first.end()
  const far = await peer('far', { peers: [network.host('a').address] })
  await eventually('the far one finds the second', async () => {
    const { held } = await far.state()
    return Object.keys(held).some((key) => key.startsWith('second-'))
  })
})
