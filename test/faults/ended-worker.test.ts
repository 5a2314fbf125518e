import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { isRunning } from '../../src/testing/processes/child-processes.js'
import type { MemberProcess } from '../../src/testing/processes/member-process.js'
import type { MemberSpec } from '../../src/testing/processes/member-spec.js'
import type { ProcessFleet } from '../../src/testing/processes/process-fleet.js'
import { createGroup, write } from '../support/real-cgroup.js'
import { requirement } from '../support/requirement.js'
import { withFleet } from './fleet.js'

/** A worker that ends is `dead` with the cause of its end. */

t.setTimeout(0)

interface Ending {
  readonly name: string
  readonly end: (worker: MemberProcess, t: Test) => void
  readonly seen: RegExp
  readonly detail: RegExp
}

/** Linux 6.15 reports how a process ended that is not our child (PIDFD_GET_INFO). Before, only a zombie shows it. */
const [major = 0, minor = 0] = os.release().split('.').map(Number)
const isTold = major > 6 || (major === 6 && minor >= 15)
const killed = isTold ? /^dead \(killed\)$/ : /^dead \((killed|exited)\)$/
const exited = /^dead \(exited\)$/
const detailed = (detail: string) =>
  new RegExp(isTold ? `^${detail}` : `^(${detail}|gone; the kernel does not report how)`)

const endings: readonly Ending[] = [
  ...(['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGSEGV', 'SIGABRT'] as const).map((signal) => ({
    name: signal,
    end: (worker: MemberProcess) => worker.signal(signal),
    seen: killed,
    detail: detailed(`${signal}(, core dumped)?$`),
  })),
  ...[0, 3, 255].map((code) => ({
    name: `exit-${code}`,
    end: (worker: MemberProcess) => worker.send({ do: 'exit', code }),
    seen: exited,
    detail: detailed(`exit code ${code}$`),
  })),
  {
    name: 'uncaught-exception',
    end: (worker) => worker.send({ do: 'throw' }),
    seen: exited,
    detail: detailed('exit code 1$'),
  },
  { name: 'leave', end: (worker) => worker.send({ do: 'leave' }), seen: /^dead \(goodbye\)$/, detail: /^$/ },
]

void withFleet(t, 'a worker that ends in any way is dead with the right cause', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const workers = await Promise.all(endings.map(({ name }) => fleet.workers([name])))
  const survivor = await fleet.workers(['survivor'])
  await fleet.seesAlive(view, ...workers, survivor)
  for (const [index, { name, end, seen, detail }] of endings.entries()) {
    const worker = workers[index]
    if (worker === undefined) continue
    end(worker, t)
    t.match((await fleet.seen(view, worker, seen)) ?? '', detail, `${name}: ${seen}, ${detail}`)
  }
  await fleet.seesAlive(view, survivor)
})

void withFleet(
  t,
  'a worker killed by the OOM killer is reported so, and its neighbour killed by hand is not',
  async (t, fleet) => {
    const group = createGroup(t, 'memory', 'oom')
    if (!requirement(t, 'a memory cgroup (v1)', typeof group === 'string', String(group))) return
    if (typeof group !== 'string') return
    write(group, 'memory.limit_in_bytes', 512 * 1024 * 1024)
    // Its memory is charged to the cgroup from the beginning, and the collector finds it there.
    const inside = { prefix: ['sh', '-c', 'echo $$ >"$0" && exec "$@"', `${group}/cgroup.procs`] }
    await fleet.collector()
    const view = await fleet.view()
    const hoarder = await fleet.workers(['hoarder'], {}, inside)
    const neighbour = await fleet.workers(['neighbour'], {}, inside)
    await fleet.seesAlive(view, hoarder, neighbour)
    hoarder.send({ do: 'hoard' })
    t.match(
      await fleet.seen(view, hoarder, killed),
      isTold ? /^SIGKILL, out of memory$/ : /^(SIGKILL, out of memory|gone; an OOM kill in its cgroup)$/,
      'names the OOM killer',
    )
    await fleet.seesAlive(view, neighbour)
    neighbour.signal('SIGKILL')
    t.match(
      await fleet.seen(view, neighbour, killed),
      detailed('SIGKILL$'),
      'a worker killed by hand is not reported as OOM-killed',
    )
  },
)

void withFleet(t, 'when its parent is killed, a worker ends only if it arranged for that', async (t, fleet) => {
  await fleet.collector()
  const view = await fleet.view()
  const bound = await startBelowParent(fleet, 'bound', {}, ['setpriv', '--pdeathsig', 'KILL'])
  const polite = await startBelowParent(fleet, 'polite', { orphaned: 'leave' })
  const free = await startBelowParent(fleet, 'free', { orphaned: 'stay' })
  t.teardown(() => void (isRunning(free.pid) && process.kill(free.pid, 'SIGKILL')))
  await fleet.seesAlive(view, bound, polite, free)
  for (const parent of [bound, polite, free]) parent.signal('SIGKILL')
  const detail = await fleet.seen(view, bound, killed)
  t.match(detail, detailed('SIGKILL$'), 'a parent death signal (PR_SET_PDEATHSIG) ends it')
  t.equal(
    await fleet.seen(view, polite, /^dead \(goodbye\)$/),
    null,
    'a worker that ends with its channel sends goodbye',
  )
  // Longer than a lease.
  await delay(4_000)
  await fleet.seesAlive(view, free)
  t.notMatch(view.history('free').join(), /dead/, 'a worker that keeps running is alive')
})

function startBelowParent(
  fleet: ProcessFleet,
  name: string,
  extra: Partial<MemberSpec>,
  command: readonly string[] = [],
): Promise<MemberProcess> {
  const parent = fileURLToPath(new URL('./parent.js', import.meta.url))
  return fleet.workers([name], extra, { prefix: [process.execPath, parent, ...command] })
}
