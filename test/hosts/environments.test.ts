import t from 'tap'
import { openPlaneClient, type PlaneClient } from '../../src/cli/client/plane-client.js'
import { eventually, until } from '../../src/testing/eventually.js'
import type { MemberEnvironment } from '../../src/testing/processes/member-process.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'
import type { WorkerStatus } from '../../src/views/status/status-document.js'
import { withFleet } from '../faults/fleet.js'
import { type Confinement, confinement } from '../support/confinement.js'
import { createGroup, write } from '../support/real-cgroup.js'
import { requirement } from '../support/requirement.js'

/** Rows of docs/support.md, on the real kernel: a collector, a worker, and a view of them in this process. */

t.setTimeout(600_000)

/** A process as the first of a container: PID, mount and UTS namespaces of its own. */
const container = (hostname: string): Confinement => ({
  name: 'PID and UTS namespaces',
  namespaces: ['--pid', '--mount', '--uts'],
  setup: [`hostname ${hostname}`, 'mount -t proc proc /proc'],
  forks: true,
})
const ownMounts = ['--mount']
const withoutAddon: MemberEnvironment = { environment: { NUMACAST_ADDON: 'none' } }
/** Where the kernel cannot be asked the lease decides. This one is longer than a busy machine delays a process. */
const onLease = { options: { leaseMs: 6_000 } }

async function openView(fleet: ProcessFleet): Promise<PlaneClient & AsyncDisposable> {
  const client = await openPlaneClient(fleet.domain, 'test')
  return { ...client, [Symbol.asyncDispose]: () => client.close() }
}

/** Resolves with the row of worker `w` once it `holds`. */
function row({ view }: PlaneClient, what: string, holds: (row: WorkerStatus) => boolean): Promise<WorkerStatus> {
  return eventually(`the row of w is ${what}`, () => view.status().workers.find((one) => holds(one)))
}

function isStalled({ liveliness, cause }: WorkerStatus): boolean {
  return liveliness === 'stalled' && cause !== 'loop-busy'
}

function isUnwatched({ view }: PlaneClient): boolean {
  return view.status().nodes[0]?.collector.unwatchedWorkers === 1
}

const isAlive = ({ liveliness }: WorkerStatus): boolean => liveliness === 'alive'
const isDead = ({ liveliness }: WorkerStatus): boolean => liveliness === 'dead'

void withFleet(t, 'without the addon a killed worker is dead by its lease', async (t, fleet) => {
  await fleet.collector(onLease, withoutAddon)
  const worker = await fleet.workers(['w'], {}, withoutAddon)
  await using client = await openView(fleet)
  await row(client, 'alive', isAlive)
  await until('the status counts the worker as not watched', () => isUnwatched(client))
  worker.signal('SIGKILL')
  t.match(await row(client, 'dead', isDead), { cause: 'lease-expired', evidence: 'lease' })
})

void withFleet(
  t,
  'a worker in a container with a host name of its own is served by the host’s collector',
  async (t, fleet) => {
    const inside = confinement(t, container('box'))
    if (inside === undefined) return
    await fleet.collector()
    const worker = await fleet.workers(['w'], {}, inside)
    await using client = await openView(fleet)
    const { bootId } = client.participant.identity
    t.match(await row(client, 'alive', isAlive), { bootId, host: 'box', pid: 1, numaNode: 0 })
    await until('the view is healthy', () => client.view.witness().degradedMode === 'healthy')
    t.strictSame(client.view.witness().unplaced, [])
    worker.signal('SIGSTOP')
    t.match(await row(client, 'stopped', isStalled), { cause: 'stopped', evidence: 'kernel' })
    worker.signal('SIGCONT')
    await row(client, 'alive', isAlive)
    worker.signal('SIGKILL')
    t.match(await row(client, 'dead', isDead), { cause: 'killed', evidence: 'kernel' })
  },
)

void withFleet(t, 'a collector in a container knows its siblings by their leases', async (t, fleet) => {
  const inside = confinement(t, container('box'))
  if (inside === undefined) return
  await fleet.collector(onLease, inside)
  const worker = await fleet.workers(['w'])
  await using client = await openView(fleet)
  await row(client, 'alive', isAlive)
  await until('the status counts the worker as not watched', () => isUnwatched(client))
  worker.signal('SIGKILL')
  t.match(await row(client, 'dead', isDead), { cause: 'lease-expired', evidence: 'lease' })
})

void withFleet(t, 'a stopped worker in another time namespace is not dead', async (t, fleet) => {
  const offset = ['--time', '--boottime', '1000']
  const inside = confinement(t, { name: 'time namespaces', namespaces: offset, forks: true })
  if (inside === undefined) return
  await fleet.collector()
  const worker = await fleet.workers(['w'], {}, inside)
  await using client = await openView(fleet)
  await row(client, 'alive', isAlive)
  worker.signal('SIGSTOP')
  t.match(await row(client, 'stopped', isStalled), { cause: 'stopped', evidence: 'kernel' })
  worker.signal('SIGCONT')
  await row(client, 'alive', isAlive)
  worker.signal('SIGKILL')
  t.match(await row(client, 'dead', isDead), { cause: 'killed', evidence: 'kernel' })
})

void withFleet(t, 'with hidepid=2 a stopped worker of another user exists, and its end is seen', async (t, fleet) => {
  const setup = ['mount -t proc -o hidepid=2 proc /proc']
  const inside = confinement(t, { name: 'hidepid=2', namespaces: ownMounts, setup, user: 65_534 })
  if (inside === undefined) return
  await fleet.collector({}, inside)
  const worker = await fleet.workers(['w'])
  await using client = await openView(fleet)
  await row(client, 'alive', isAlive)
  worker.signal('SIGSTOP')
  const stopped = await row(client, 'stalled for longer than its lease', ({ liveliness, livelinessForMs }) => {
    return liveliness === 'stalled' && livelinessForMs > 4_000
  })
  // A worker whose loop was late when it was stopped stays `loop-busy`: what follows cannot be seen.
  t.match(stopped.cause, /^(unknown|loop-busy)$/)
  worker.signal('SIGCONT')
  await row(client, 'alive', isAlive)
  worker.signal('SIGKILL')
  t.match(await row(client, 'dead', isDead), { evidence: 'kernel' })
})

void withFleet(
  t,
  'with ProcSubset=pid a worker is named as unserved with the reason, and is not dead',
  async (t, fleet) => {
    const setup = ['mount -t proc -o subset=pid proc /proc']
    const inside = confinement(t, { name: 'ProcSubset=pid', namespaces: ownMounts, setup })
    if (inside === undefined) return
    await fleet.collector()
    await fleet.workers(['w'], {}, inside)
    await using client = await openView(fleet)
    const { view, participant } = client
    await until('the worker is named', () => view.witness().unplaced.length > 0)
    t.match(view.witness(), { degradedMode: 'view-only', unplaced: [{ workerId: 'w', reason: 'other-host-identity' }] })
    t.not(view.witness().unplaced[0]?.bootId, participant.identity.bootId)
    t.strictSame(view.status().workers, [], 'it is no worker of the collector')
  },
)

void withFleet(t, 'without /proc/stat the idle CPUs of a node are unknown', async (t, fleet) => {
  const setup = ['mount -t tmpfs none /mnt && : >/mnt/stat && mount --bind /mnt/stat /proc/stat']
  const inside = confinement(t, { name: 'a mount over /proc/stat', namespaces: ownMounts, setup })
  if (inside === undefined) return
  await fleet.collector({}, inside)
  await using client = await openView(fleet)
  await until('the node is there', () => client.view.status().nodes.length === 1)
  t.match(client.view.status().nodes, [{ cpuHeadroomCores: null, memoryAvailableBytes: Number }])
})

void withFleet(t, 'without PSI the pressure of a node is unknown', async (t, fleet) => {
  const own = readHeadroom().pressure
  if (!requirement(t, 'PSI', own.memory !== null && own.cpu !== null, 'this kernel reports no pressure')) return
  const setup = [
    'mount -t tmpfs none /proc/pressure',
    'group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)',
    'for file in "$group"/*.pressure; do [ ! -e "$file" ] || mount --bind /dev/null "$file"; done',
  ]
  const inside = confinement(t, { name: 'a mount over /proc/pressure', namespaces: ownMounts, setup })
  if (inside === undefined) return
  await fleet.collector({}, inside)
  await using client = await openView(fleet)
  await until('the node is there', () => client.view.status().nodes.length === 1)
  t.match(client.view.status().nodes, [
    { memoryPressurePercent: null, cpuPressurePercent: null, cpuHeadroomCores: Number },
  ])
})

void withFleet(t, 'a worker in a frozen cgroup is stalled for that reason, and not dead', async (t, fleet) => {
  const group = createGroup(t, '', 'environments', 2)
  if (!requirement(t, 'a writable cgroup v2', typeof group === 'string', String(group))) return
  await fleet.collector()
  const worker = await fleet.workers(['w'])
  await using client = await openView(fleet)
  await row(client, 'alive', isAlive)
  write(String(group), 'cgroup.procs', worker.pid)
  write(String(group), 'cgroup.freeze', 1)
  t.match(await row(client, 'frozen', isStalled), { cause: 'frozen', evidence: 'kernel' })
  write(String(group), 'cgroup.freeze', 0)
  await row(client, 'alive', isAlive)
})
