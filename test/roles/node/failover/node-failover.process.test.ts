import { spawn } from 'node:child_process'
import t, { type Test } from 'tap'
import { openPlaneClient } from '../../../../src/cli/client/plane-client.js'
import type { Liveliness, Verdict } from '../../../../src/liveliness/verdict.js'
import { upPartition } from '../../../../src/plane/vocabulary/partitions.js'
import { workerState } from '../../../../src/plane/worker/worker-state.js'
import { joinDomain } from '../../../../src/pubsub/participant.js'
import { eventually } from '../../../../src/testing/eventually.js'
import { childrenOf } from '../../../../src/testing/processes/child-processes.js'
import { addonStatus } from '../../../../src/topology/addon/addon.js'
import type { LivelinessChange } from '../../../../src/views/status/liveliness-history.js'
import type { WorkerStatus } from '../../../../src/views/status/status-document.js'
import { claimDomain } from '../../../support/domain-lock.js'
import { requirement } from '../../../support/requirement.js'
import { type CliProcess, cliProgram, startCli } from '../../../support/run-cli.js'

t.setTimeout(300_000)

interface Fleet {
  readonly domain: number
  start(...args: string[]): CliProcess
  /** Every change of liveliness that a view has reported. */
  readonly changes: LivelinessChange[]
  worker(workerId: string, holds: (worker: WorkerStatus) => boolean): Promise<WorkerStatus>
  /** Resolves once the scheduler runs and the collector has published since. */
  joined(scheduler: CliProcess): Promise<void>
  /** Resolves once a participant serves the node as given: adopted or not, by this pid. */
  served(adopted: boolean, pid?: number): Promise<void>
}

async function openFleet(t: Test): Promise<Fleet> {
  const domain = await claimDomain(t)
  const processes: CliProcess[] = []
  const { view, close } = await openPlaneClient(domain, 'test')
  t.teardown(async () => {
    await close()
    for (const { child } of processes) child.kill('SIGKILL')
    await Promise.all(processes.map(({ ended }) => ended))
  })
  const changes: LivelinessChange[] = []
  let words = 0
  view.onChange((change) => {
    if (change.kind === 'node') words++
    if (change.kind === 'liveliness') changes.push(change)
  })
  return {
    domain,
    changes,
    start(...args) {
      const started = startCli([...args, '--domain', String(domain)])
      processes.push(started)
      return started
    },
    worker: (workerId, holds) =>
      eventually(`${workerId} ${holds}`, () => {
        const worker = view.status().workers.find((candidate) => candidate.workerId === workerId)
        return worker !== undefined && holds(worker) ? worker : undefined
      }),
    async joined(scheduler) {
      await eventually('the scheduler runs', () => scheduler.stderr().includes('runs as pid') || undefined)
      const before = words
      await eventually('the collector publishes again', () => words > before + 2 || undefined)
    },
    async served(adopted, pid) {
      await eventually(`node 0 served, adopted: ${adopted}`, () => {
        const collector = view.status().nodes.find(({ numaNode }) => numaNode === 0)?.collector
        const isIt = pid === undefined || collector?.pid === pid
        return collector?.adopted === adopted && collector.liveliness === 'alive' && isIt ? true : undefined
      })
    },
  }
}

const lives = ({ liveliness }: WorkerStatus): boolean => liveliness === 'alive'
const isDead = ({ liveliness }: WorkerStatus): boolean => liveliness === 'dead'
const collector = ['collector', '--numa-node', '0']
const deathsIn = (changes: readonly LivelinessChange[]): string[] =>
  changes.filter(({ after }) => after.liveliness === 'dead').map(({ workerId }) => workerId)

t.test('after the collector is killed, the scheduler serves its workers until another collector starts', async (t) => {
  const fleet = await openFleet(t)
  const first = fleet.start(...collector)
  const scheduler = fleet.start('scheduler')
  const workers = ['w1', 'w2', 'w3'].map((id) => fleet.start('worker', '--id', id))
  for (const id of ['w1', 'w2', 'w3']) await fleet.worker(id, lives)
  await fleet.joined(scheduler)

  process.kill(first.pid, 'SIGKILL')
  process.kill(workers[1]?.pid ?? 0, 'SIGKILL')
  await fleet.served(true, scheduler.pid)
  for (const id of ['w1', 'w3']) await fleet.worker(id, lives)
  t.match(
    await fleet.worker('w2', isDead),
    { cause: /^(exited|killed|lease-expired)$/ },
    'it died while no participant served the node',
  )
  process.kill(workers[2]?.pid ?? 0, 'SIGKILL')
  const killed = await fleet.worker('w3', isDead)
  if (addonStatus().available) t.match(killed, { cause: /^(killed|exited)$/, evidence: 'kernel' })

  const second = fleet.start(...collector)
  await fleet.served(false, second.pid)
  t.match(await fleet.worker('w1', lives), { pid: workers[0]?.pid })
  await fleet.worker('w2', isDead)
  await fleet.worker('w3', isDead)
  t.strictSame([...new Set(deathsIn(fleet.changes))].sort(), ['w2', 'w3'], 'no other worker was declared dead')
})

t.test('a collector that is stopped and continued declares no worker dead', async (t) => {
  const fleet = await openFleet(t)
  const first = fleet.start(...collector)
  const scheduler = fleet.start('scheduler')
  const worker = fleet.start('worker', '--id', 'w1')
  await fleet.worker('w1', lives)
  await fleet.joined(scheduler)
  process.kill(first.pid, 'SIGSTOP')
  await fleet.served(true, scheduler.pid)
  t.match(await fleet.worker('w1', ({ liveliness, ageMs }) => liveliness === 'alive' && ageMs < 5_000), {
    pid: worker.pid,
  })
  process.kill(first.pid, 'SIGCONT')
  await fleet.served(false, first.pid)
  await fleet.worker('w1', lives)
  t.strictSame(deathsIn(fleet.changes), [])
})

const isPossible = process.getuid?.() === 0 && addonStatus().available
if (requirement(t, 'root and the addon', isPossible, 'a PID namespace is made by root; pidfd needs the addon')) {
  /** Starts a worker in a PID namespace. Returns its row and its pid outside. */
  const startContained = async (t: Test, fleet: Fleet): Promise<{ seen: WorkerStatus; outside: number }> => {
    const worker = ['worker', '--id', 'w1', '--numa-node', '0', '--domain', String(fleet.domain)]
    const inside = [process.execPath, cliProgram, ...worker]
    const child = spawn('unshare', ['--pid', '--fork', '--mount-proc', ...inside], { stdio: 'ignore' })
    t.teardown(() => void child.kill('SIGKILL'))
    const seen = await fleet.worker('w1', lives)
    t.equal(seen.pid, 1, 'its pid inside')
    const [outside = 0] = childrenOf(child.pid ?? 0)
    t.teardown(() => {
      try {
        process.kill(outside, 'SIGKILL')
      } catch {
        // The test has killed it.
      }
    })
    return { seen, outside }
  }

  t.test(
    'the end of a worker in its own PID namespace is reported by the kernel to the collector outside',
    async (t) => {
      const fleet = await openFleet(t)
      fleet.start(...collector)
      const { outside } = await startContained(t, fleet)
      process.kill(outside, 'SIGKILL')
      t.match(await fleet.worker('w1', isDead), { cause: /^(killed|exited)$/, evidence: 'kernel' })
    },
  )

  t.test('a stopped worker is stalled for its collector and for any participant of its host', async (t) => {
    const fleet = await openFleet(t)
    fleet.start(...collector)
    const bystander = await joinDomain({ domain: fleet.domain, name: 'bystander' })
    t.teardown(() => bystander.close())
    bystander.reader(workerState, { partition: upPartition(bystander.identity.bootId, 0) })
    const verdicts: Verdict[] = []
    bystander.onPeer(({ peer }) => {
      if (peer.properties.workerId === 'w1') verdicts.push(peer.verdict)
    })
    const { outside } = await startContained(t, fleet)
    const judged = (liveliness: Liveliness): Promise<Verdict> =>
      eventually(`${liveliness} to the bystander`, () => {
        const last = verdicts.at(-1)
        return last?.liveliness === liveliness ? last : undefined
      })
    await judged('alive')

    const stalled = { cause: 'stopped', evidence: 'kernel' }
    process.kill(outside, 'SIGSTOP')
    t.match(await fleet.worker('w1', ({ liveliness }) => liveliness === 'stalled'), stalled)
    t.match(await judged('stalled'), stalled)
    // Longer than any lease, and than the extra wait of a late detector.
    await fleet.worker('w1', ({ livelinessForMs }) => livelinessForMs > 8_000)
    process.kill(outside, 'SIGCONT')
    await judged('alive')
    await fleet.worker('w1', lives)
    t.notOk(verdicts.some(({ liveliness }) => liveliness === 'dead'))
    t.strictSame(deathsIn(fleet.changes), [])

    process.kill(outside, 'SIGKILL')
    t.match(await fleet.worker('w1', isDead), { cause: /^(killed|exited)$/, evidence: 'kernel' })
    // A participant without a pidfd of the process cannot find it any more.
    t.match(await judged('dead'), { cause: 'lease-expired', evidence: 'lease' })
  })
}
