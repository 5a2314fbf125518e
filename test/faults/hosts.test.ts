import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type HostNetwork, networkOf } from '../support/namespaces.js'
import { type Fleet, withFleet } from './fleet.js'
import type { MemberProcess, MemberSurroundings } from './member-process.js'

/** Between hosts the kernel cannot be asked, and a network loses frames: silence is no death. */

t.setTimeout(0)

/** How long a lossy network is endured. The promise is for five minutes: `NUMACAST_SOAK_MINUTES=5`. */
const soakMinutes = Number(process.env.NUMACAST_SOAK_MINUTES ?? 0.5)
/** A host that is cut off stays so for several leases. */
const cutMs = 10_000
const hosts = ['a', 'b', 'c'] as const

interface Site {
  readonly place: MemberSurroundings
  readonly collector: MemberProcess
  readonly view: MemberProcess
  readonly workers: MemberProcess
}

function placeOn(network: HostNetwork, host: string): MemberSurroundings {
  const { prefix } = network.host(host).namespace
  return { prefix, forks: true, environment: { NUMACAST_RANGE: 'subnet', NUMACAST_INSECURE: '1' } }
}

/** On every host a collector, two workers, and a view of the whole. */
async function settle(network: HostNetwork, fleet: Fleet): Promise<readonly Site[]> {
  return Promise.all(
    hosts.map(async (host) => {
      const place = placeOn(network, host)
      const collector = await fleet.collector({ name: `collector on ${host}` }, place)
      const view = await fleet.view({ name: `view on ${host}` }, place)
      const workers = await fleet.workers([`${host}1`, `${host}2`], {}, place)
      return { place, collector, view, workers }
    }),
  )
}

async function allSeeAllAlive(fleet: Fleet, sites: readonly Site[]): Promise<void> {
  for (const { view } of sites) await fleet.seesAlive(view, ...sites.map(({ workers }) => workers))
}

void withFleet(t, `a third of all packets between hosts is lost for ${soakMinutes} min`, async (t, fleet) => {
  const network = await networkOf(t, hosts)
  if (network === undefined) return
  const sites = await settle(network, fleet)
  await allSeeAllAlive(fleet, sites)
  network.lose(30)
  await delay(soakMinutes * 60_000)
  network.lose(0)
  await allSeeAllAlive(fleet, sites)
  for (const { view } of sites) {
    const seen = hosts.flatMap((host) => view.history(`${host}1`))
    t.comment(`${view.spec.name}: ${seen.filter((one) => one.startsWith('unreachable')).length} times unreachable`)
  }
})

void withFleet(t, 'a host that is cut off is unreachable, and heals', async (t, fleet) => {
  const network = await networkOf(t, hosts)
  if (network === undefined) return
  const sites = await settle(network, fleet)
  await allSeeAllAlive(fleet, sites)
  const [lost, near, other] = sites
  if (lost === undefined || near === undefined || other === undefined) throw new Error('too few hosts')
  const doomed = await fleet.workers(['doomed'], {}, lost.place)
  for (const { view } of sites) await fleet.seesAlive(view, doomed)

  network.partition(['a'], ['b', 'c'])
  for (const { view } of [near, other]) {
    await fleet.seen(view, lost.workers, /^unreachable/)
    await fleet.seen(view, doomed, /^unreachable/)
  }
  await fleet.seesAlive(near.view, near.workers, other.workers)
  await fleet.seesAlive(lost.view, lost.workers)
  // One dies out there, which only its own host can know.
  await doomed.end()
  await fleet.seen(lost.view, doomed, /^dead/)
  await delay(cutMs)
  for (const { view } of [near, other]) {
    t.notMatch(view.history('a1').join(), /dead/, 'nobody made a death of it')
    t.notMatch(view.history('doomed').join(), /dead/, 'nor of what nobody could know')
  }

  network.heal()
  await allSeeAllAlive(fleet, sites)
  for (const { view } of [near, other]) await fleet.seen(view, doomed, /^dead/)
  t.comment(`a1: ${near.view.history('a1').join(', ')}`)
  t.comment(`doomed: ${near.view.history('doomed').join(', ')}`)
})
