import t, { type Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { childrenOf, isRunning } from '../../src/testing/processes/child-processes.js'
import { claimDomain } from '../support/domain-lock.js'
import { type LivePlane, startPlane } from '../support/plane.js'
import { explainFailure, runCli, startCli } from '../support/run-cli.js'

t.setTimeout(600_000)

t.test('each daemon alone stops cleanly on SIGTERM', async (t) => {
  const domain = String(await claimDomain(t))
  for (const [args, signal] of [
    [['collector', '--all'], 'SIGTERM'],
    [['collector', '--numa-node', '0'], 'SIGINT'],
    [['scheduler'], 'SIGTERM'],
    [['scheduler'], 'SIGINT'],
    [['worker', '--id', 'w'], 'SIGTERM'],
    [['worker', '--concurrency', '3'], 'SIGINT'],
  ] as const) {
    const daemon = startCli([...args, '--domain', domain])
    explainFailure(t, daemon)
    const name = args.join(' ')
    await eventually(`${name} is ready`, () => (/runs as pid/.test(daemon.stderr()) ? true : undefined))
    t.match(daemon.stderr(), new RegExp(`^numacast: ${args[0]}.*, domain ${domain}, runs as pid ${daemon.pid}$`, 'm'))
    daemon.child.kill(signal)
    const { code, stdout, stderr } = await daemon.finished()
    t.equal(code, 0, `${name}: ${stderr}`)
    t.equal(stdout, '', name)
  }
})

t.test('a worker that no collector serves prints the reason on stderr', async (t) => {
  const worker = startCli(['worker', '--id', 'lonely', '--domain', String(await claimDomain(t))])
  explainFailure(t, worker)
  await eventually('the worker prints that it is not served', () => /unserved/.test(worker.stderr()) || undefined)
  t.match(
    worker.stderr(),
    /^numacast: no collector serves worker lonely on .*numacast collector.* \(worker\.unserved\)$/m,
  )
  worker.child.kill('SIGTERM')
  t.equal((await worker.finished()).code, 0)
})

t.test('a second collector of a node is refused', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const pid = await plane.collectorPid()
  const { code, stderr } = await runCli(['collector', '--numa-node', '0', '--domain', String(plane.domain)])
  t.equal(code, 1)
  t.match(stderr, new RegExp(`^numacast: .*\\b${pid}\\b`, 'm'))

  const another = await runCli(['up', '--workers', '0', '--domain', String(plane.domain)])
  t.equal(another.code, 1)
  t.match(
    another.stderr,
    new RegExp(
      `^numacast: collector of node 0 (ended before it was ready|has ended): a collector \\(pid ${pid}\\) serves .*\\n$`,
    ),
  )
})

t.test('a second collector that starts while the first is stopped yields later', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const pid = await plane.collectorPid()
  const resumeProcesses = stopProcesses(t, plane)
  const domain = ['--domain', String(plane.domain)]
  const collector = startCli(['collector', '--numa-node', '0', ...domain])
  explainFailure(t, collector)
  await eventually('a second collector runs', () => collector.stderr().includes('runs as pid') || undefined)
  const up = startCli(['up', '--workers', '0', ...domain])
  explainFailure(t, up)
  t.teardown(() => void up.child.kill('SIGKILL'))
  t.equal((await up.finished()).code, 1)
  t.match(up.stderr(), new RegExp(`: a collector \\(pid ${collector.pid}\\) serves `))

  resumeProcesses()
  const { code, stderr } = await collector.finished()
  t.equal(code, 1)
  t.match(stderr, new RegExp(`^numacast: a collector \\(pid ${pid}\\) serves .* already; stop it first, .*$`, 'm'))
})

t.test('a plane whose collector yields ends and names the other collector', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const pid = await plane.collectorPid()
  const resumeProcesses = stopProcesses(t, plane)
  const second = startCli(['up', '--workers', '1', '--domain', String(plane.domain)])
  explainFailure(t, second)
  t.teardown(() => void second.child.kill('SIGKILL'))
  await eventually('the second plane serves', () => /worker w1 joined/.test(second.stdout()) || undefined)
  resumeProcesses()
  const { code, stderr } = await second.finished()
  t.equal(code, 1)
  t.match(stderr, new RegExp(`^numacast: collector of node 0 has ended: a collector \\(pid ${pid}\\) serves .*\\n$`))
})

t.test('a worker reports when it loses its name and when it regains it', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const args = ['worker', '--id', 'twin', '--domain', String(plane.domain)]
  const first = startCli(args)
  await plane.worker('twin', ({ pid }) => pid === first.pid)
  const second = startCli(args)
  const prints = (text: string): Promise<true> =>
    eventually(text, () => (first.stderr().includes(text) ? true : undefined))
  await prints(`numacast: pid ${second.pid} on `)
  t.match(first.stderr(), /^numacast: pid \d+ on .*\/0 is twin now: this process stands by until that one is gone$/m)
  second.child.kill('SIGTERM')
  t.equal((await second.ended).code, 0)
  await prints('numacast: this process is twin again\n')
  first.child.kill('SIGTERM')
  const { code, stdout } = await first.ended
  t.equal(code, 0)
  t.equal(stdout, '')
})

t.test('a node that the machine lacks is refused', async (t) => {
  const { code, stderr } = await runCli(['collector', '--numa-node', '4242', '--domain', String(await claimDomain(t))])
  t.equal(code, 3)
  t.match(stderr, /^numacast: there is no NUMA node 4242; this machine has 0/)
})

t.test('a worker without files to hash is refused', async (t) => {
  const { code, stderr } = await runCli(['worker', '--path', t.testdir({}), '--domain', String(await claimDomain(t))])
  t.equal(code, 3)
  t.match(stderr, /^numacast: there is no file to hash under/)
})

/** Stops every process of the plane. The returned function, or the end of the test, resumes them. */
function stopProcesses(t: Test, plane: LivePlane): () => void {
  const pids = childrenOf(plane.up.pid)
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, name)
  }
  signal('SIGSTOP')
  const resumeProcesses = (): void => signal('SIGCONT')
  t.teardown(resumeProcesses)
  return resumeProcesses
}
