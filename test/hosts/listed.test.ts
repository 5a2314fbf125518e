import t, { type Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { type HostNetwork, networkOf } from '../support/namespaces.js'
import { converged, Member, type MemberOptions } from './members.js'

/** Hosts that multicast does not reach, or reaches in one direction only. */

t.setTimeout(600_000)

function join(network: HostNetwork, host: string, options: MemberOptions = {}, name = host): Promise<Member> {
  return new Member(network, host, name, options).ready()
}

/** Each member writes. Then all hold the same values, in order, each once, and no peer was declared dead. */
async function agree(t: Test, members: readonly Member[]): Promise<void> {
  await converged(members)
  await Promise.all(members.map((member) => member.write(100)))
  for (const { violations, seen, peers } of await converged(members)) {
    t.same(violations, [])
    t.equal(Object.keys(peers).length, members.length - 1, 'each member knows all others')
    t.notOk(Object.values(seen).flat().includes('dead'), JSON.stringify(seen))
  }
}

t.test('a host without multicast joins by a listed peer that is given as host only', async (t) => {
  const network = await networkOf(t, ['a', 'b', 'far'])
  if (network === undefined) return
  network.restrict('far', 'no-multicast')
  // Two processes on the listed host, and a third that only they receive from.
  const members = [
    await join(network, 'a'),
    await join(network, 'a', {}, 'a2'),
    await join(network, 'b'),
    await join(network, 'far', { peers: [network.host('a').address] }),
  ]
  await agree(t, members)
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
  const network = await networkOf(t, ['a', 'far'])
  if (network === undefined) return
  network.restrict('far', 'tcp-only')
  const members = [
    await join(network, 'a'),
    await join(network, 'far', { range: 'off', peers: [network.host('a').address] }),
  ]
  await agree(t, members)
})

t.test('c lists only b and learns of a from it', async (t) => {
  const network = await networkOf(t, ['a', 'b', 'c'])
  if (network === undefined) return
  for (const host of ['a', 'b', 'c']) network.restrict(host, 'no-multicast')
  const members = [
    await join(network, 'b'),
    await join(network, 'a', { peers: [network.host('b').address] }),
    await join(network, 'c', { peers: [network.host('b').address] }),
  ]
  await agree(t, members)
})

t.test('after multicast fails in one direction both sides detect it and no value is lost', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  const members = [await join(network, 'a'), await join(network, 'b')]
  const [a, b] = members as [Member, Member]
  await agree(t, members)
  network.restrict('b', 'deaf')
  await eventually('b listens by stream', async () => (await b.state()).liveConnections === 1)
  await agree(t, members)
  await eventually('a still receives from b by multicast', async () => (await a.state()).liveConnections === 0)
  t.notOk((await b.state()).seen.a?.includes('unreachable'), 'b was never unreachable to a')
  network.restrict('b')
  await eventually('b receives multicast again', async () => (await b.state()).liveConnections === 0)
  await agree(t, members)
})

t.test('hosts converge if multicast never worked in one direction', async (t) => {
  const network = await networkOf(t, ['a', 'b'])
  if (network === undefined) return
  network.restrict('b', 'deaf')
  await agree(t, [await join(network, 'a'), await join(network, 'b')])
})

t.test('another participant takes over the rendezvous when its holder leaves', async (t) => {
  const network = await networkOf(t, ['a', 'far'])
  if (network === undefined) return
  network.restrict('far', 'no-multicast')
  const first = await join(network, 'a', {}, 'first')
  const second = await join(network, 'a', {}, 'second')
  await converged([first, second])
  await first.process.kill('SIGKILL')
  const far = await join(network, 'far', { peers: [network.host('a').address] })
  await eventually('the far one finds the second', async () => {
    const { held } = await far.state()
    return Object.keys(held).some((key) => key.startsWith('second-'))
  })
})
