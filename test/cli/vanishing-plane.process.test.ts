import t, { type Test } from 'tap'
import { upPartition } from '../../src/plane/vocabulary/partitions.js'
import { workerState } from '../../src/plane/worker/worker-state.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { eventually } from '../../src/testing/eventually.js'
import type { StatusDocument } from '../../src/views/status/status-document.js'
import { claimDomain } from '../support/domain-lock.js'
import { askPlane } from '../support/plane.js'
import { type CliProcess, runCli, startCli } from '../support/run-cli.js'

t.setTimeout(600_000)

t.test('workers keep running while the whole plane is gone, and it converges once it returns', async (t) => {
  const domain = String(await claimDomain(t))
  const workers = [
    startDaemon(t, 'worker', '--id', 'w1', '--numa-node', '0', '--domain', domain),
    startDaemon(t, 'worker', '--id', 'w2', '--numa-node', '0', '--domain', domain),
  ]
  const plane = startDaemons(t, domain)
  const before = await statusOnce(
    domain,
    ({ workers }) => workers.filter(({ jobsCompleted }) => jobsCompleted > 0).length === 2,
  )

  for (const daemon of plane) daemon.child.kill('SIGKILL')
  for (const daemon of plane) await daemon.ended
  // A worker that waits for the disk at that moment may be reported as a stopped plane: exit code 1.
  await eventually('a status that finds no plane', async () => {
    const { code, stdout } = await runCli(['status', '--domain', domain, '--wait', '500ms'])
    t.equal(stdout, '', 'there is no plane')
    return code === 3
  })

  // Without a collector the test reads the topics of the workers themselves.
  const participant = await joinDomain({ domain: Number(domain), name: 'test' })
  t.teardown(() => participant.close())
  const states = participant.reader(workerState, { partition: upPartition(participant.identity.bootId, 0) })
  const completed = (workerId: string): number => {
    const [, sample] = [...states.entries()].find(([, { value }]) => value?.workerId === workerId) ?? []
    return sample?.value?.jobsCompleted ?? 0
  }
  for (const { workerId, jobsCompleted } of before.workers) {
    await eventually(`${workerId} goes on by itself`, () => completed(workerId) > jobsCompleted + 3 || undefined)
  }
  const meanwhile = new Map(before.workers.map(({ workerId }) => [workerId, completed(workerId)]))

  startDaemons(t, domain)
  const after = await statusOnce(
    domain,
    ({ workers, witness }) =>
      witness.degradedMode === 'healthy' &&
      workers.length === 2 &&
      workers.every(({ liveliness, workerId, jobsCompleted }) => {
        return liveliness === 'alive' && jobsCompleted > (meanwhile.get(workerId) ?? 0)
      }),
  )
  for (const [index, { pid }] of workers.entries()) {
    t.match(after.workers[index], { workerId: `w${index + 1}`, pid, cause: null }, 'the same process')
  }

  const drained = await askPlane(['intent', 'drain', 'w1', '--domain', domain])
  t.equal(drained.code, 0, `the workers obey the new plane: ${drained.stderr}`)
})

function startDaemons(t: Test, domain: string): CliProcess[] {
  return [
    startDaemon(t, 'collector', '--numa-node', '0', '--domain', domain),
    startDaemon(t, 'scheduler', '--domain', domain),
  ]
}

function startDaemon(t: Test, ...args: string[]): CliProcess {
  const daemon = startCli(args)
  t.teardown(async () => {
    daemon.child.kill('SIGTERM')
    await daemon.ended
  })
  return daemon
}

function statusOnce(domain: string, holds: (status: StatusDocument) => boolean): Promise<StatusDocument> {
  return eventually(`a status of domain ${domain} for which ${holds}`, async () => {
    const { stdout } = await runCli(['status', '--json', '--domain', domain])
    const status: StatusDocument | undefined = stdout === '' ? undefined : JSON.parse(stdout)
    return status !== undefined && holds(status) ? status : undefined
  })
}
