import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { MemberEnvironment, MemberProcess } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { placeOn } from '../support/host-fleet.js'
import { type HostNetwork, networkOf } from '../support/namespaces.js'
import { withFleet } from './fleet.js'

/** Between hosts the kernel cannot be queried, and a network loses frames: silence does not imply death. */

t.setTimeout(0)
// Each case has its own network, and mostly waits.
t.jobs = 3

/** Duration of the packet loss. The guarantee covers five minutes: `NUMACAST_SOAK_MINUTES=5`. */
const soakMinutes = Number(process.env.NUMACAST_SOAK_MINUTES ?? 0.5)
/** A host is cut off for several leases. */
const cutMs = 10_000
/** The most losses that an observer may report, over all its peers. With this packet loss they are rare. */
const lossesPerMinute = 5
/** Losing a third of all packets never makes a peer silent for this long. */
const longMs = 20_000
/** A cut shorter than the lease, in which many beacons may be lost. */
const shortCutMs = 5_000
const hosts = ['a', 'b', 'c'] as const

interface Site {
  readonly place: MemberEnvironment
  readonly collector: MemberProcess
  readonly view: MemberProcess
  readonly workers: MemberProcess
}

/** Starts a collector, two workers and a view of the whole fleet on every host. */
async function settle(network: HostNetwork, fleet: ProcessFleet): Promise<readonly Site[]> {
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

async function allSeeAllAlive(fleet: ProcessFleet, sites: readonly Site[]): Promise<void> {
  for (const { view } of sites) await fleet.seesAlive(view, ...sites.map(({ workers }) => workers))
}

void withFleet(t, `a third of all packets between hosts is lost for ${soakMinutes} min`, async (t, fleet) => {
  const network = await networkOf(t, hosts)
  if (network === undefined) return
  const sites = await settle(network, fleet)
  // Its policy declares a long absence a death. No peer is absent for that long.
  const strict = await fleet.view(
    { name: 'strict view', options: { unreachableDeadAfterMs: longMs } },
    placeOn(network, 'a'),
  )
  const observers = [strict, ...sites.flatMap(({ collector, view }) => [collector, view])]
  await allSeeAllAlive(fleet, sites)
  await fleet.seesAlive(strict, ...sites.map(({ workers }) => workers))
  network.lose(30)
  await delay(soakMinutes * 60_000)
  network.lose(0)
  await allSeeAllAlive(fleet, sites)
  await fleet.seesAlive(strict, ...sites.map(({ workers }) => workers))
  for (const observer of observers) {
    const losses = observer.verdicts('unreachable').length
    t.ok(losses <= lossesPerMinute * Math.max(1, soakMinutes), `${observer.spec.name}: ${losses} times unreachable`)
  }
})

void withFleet(
  t,
  'in a lossy network within one machine no worker is reported dead before its lease ends',
  async (t, fleet) => {
    const network = await networkOf(t, ['x', 'y'])
    if (network === undefined) return
    // Two containers of one machine, in PID namespaces that cannot see each other. Only the lease decides, and
    // a worker whose lease expires is dead.
    const { bootId } = network.host('x')
    await network.host('y').namespace.exec(`echo ${bootId} > /proc/sys/kernel/random/boot_id`)
    const [here, there] = [placeOn(network, 'x'), placeOn(network, 'y')]
    const options = { leaseMs: longMs }
    const collector = await fleet.collector({ options }, here)
    const view = await fleet.view({ options }, there)
    const near = await fleet.workers(['near'], {}, here)
    const far = await Promise.all(['far1', 'far2', 'far3'].map((name) => fleet.workers([name], {}, there)))
    await fleet.seesAlive(view, near, ...far)

    network.lose(30)
    for (let cut = 0; cut < 2; cut++) {
      network.partition(['x'], ['y'])
      await delay(shortCutMs)
      network.heal()
      await fleet.seesAlive(view, near, ...far)
      await fleet.holdsAlive(collector, near, ...far)
    }
    network.lose(0)

    const [gone, ...others] = far
    if (gone === undefined) throw new Error('too few workers')
    await gone.end()
    await fleet.seen(view, gone, /^dead \(lease-expired\)$/)
    await fleet.seesAlive(view, near, ...others)
  },
)

void withFleet(t, 'a host that is cut off is unreachable, and is alive again when it heals', async (t, fleet) => {
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
    await fleet.judges(view, lost.collector, /^unreachable \(host-silent\)$/)
    await fleet.seen(view, lost.workers, /^unreachable \(host-silent\)$/)
    await fleet.seen(view, doomed, /^unreachable \(host-silent\)$/)
  }
  await fleet.seesAlive(near.view, near.workers, other.workers)
  await fleet.seesAlive(lost.view, lost.workers)
  // One worker ends on the cut-off host. Only that host can detect it.
  await doomed.end()
  await fleet.seen(lost.view, doomed, /^dead/)
  await delay(cutMs)
  for (const { view } of [near, other]) {
    t.notMatch(view.history('a1').join(), /dead/, 'no observer reported it dead')
    t.notMatch(view.history('doomed').join(), /dead/, 'nor the worker whose end no observer could detect')
  }

  network.heal()
  await allSeeAllAlive(fleet, sites)
  for (const { view } of [near, other]) await fleet.seen(view, doomed, /^dead/)
  t.comment(`a1: ${near.view.history('a1').join(', ')}`)
  t.comment(`doomed: ${near.view.history('doomed').join(', ')}`)
})
