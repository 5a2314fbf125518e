import t from 'tap'
import { absentNode } from '../../../src/plane/node/absent-node.js'
import { planePartition } from '../../../src/plane/vocabulary/partitions.js'
import { joinDomain } from '../../../src/pubsub/participant.js'
import { eventually } from '../../../src/testing/eventually.js'
import { addonStatus } from '../../../src/topology/addon/addon.js'
import type { WorkerStatus } from '../../../src/views/status/status-document.js'
import { claimDomain } from '../../support/domain-lock.js'
import { startPlane } from '../../support/plane.js'
import { type CliResult, runCli, startCli } from '../../support/run-cli.js'

t.setTimeout(600_000)

t.test('status without a plane exits with code 3 and names the remedy', async (t) => {
  const domain = String(await claimDomain(t))
  for (const args of [
    ['status', '--wait', '300ms'],
    ['status', '--json', '--wait', '300ms'],
    ['intent', 'drain', 'w1', '--wait', '300ms'],
    ['intent', 'resume', 'w1', '--wait', '300ms'],
  ]) {
    const { code, stdout, stderr } = await runCli([...args, '--domain', domain])
    t.equal(code, 3, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.equal(
      stderr,
      `numacast: no plane answers in domain ${domain}: start one with \`numacast up --domain ${domain}\`, name another with --domain, or give a busy machine more time with --wait\n`,
    )
  }
})

t.test('status shows killed workers with their cause, and new workers', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  const first = await plane.worker('w1')
  await plane.worker('w2')
  process.kill(first.pid, 'SIGKILL')
  const dead = await plane.worker('w1', ({ liveliness }) => liveliness === 'dead')
  const causes = addonStatus().available ? /^(killed|exited)$/ : /^(exited|lease-expired)$/
  t.match(dead.cause, causes, 'the cause is kernel evidence where it is available')
  t.equal(dead.pid, first.pid)

  await eventually('a table in which w1 is dead and w2 alive', async () => {
    const { code, stdout } = await runCli(['status', '--domain', String(plane.domain)])
    return code === 0 && /^w1 .* dead \((killed|exited|lease-expired)/m.test(stdout) && /^w2 .* alive /m.test(stdout)
  })

  const newcomer = startCli(['worker', '--id', 'w9', '--domain', String(plane.domain)])
  const works = ({ jobsCompleted, liveliness }: WorkerStatus): boolean => jobsCompleted > 0 && liveliness === 'alive'
  t.match(await plane.worker('w9', works), { pid: newcomer.pid })
  const successor = startCli(['worker', '--id', 'w1', '--domain', String(plane.domain)])
  t.match(await plane.worker('w1', ({ liveliness }) => liveliness === 'alive'), { pid: successor.pid })

  newcomer.child.kill('SIGTERM')
  successor.child.kill('SIGINT')
  t.match(await newcomer.finished(), { code: 0 })
  t.match(await successor.finished(), { code: 0 })
  t.match(await plane.worker('w9', ({ liveliness }) => liveliness === 'dead'), { cause: 'goodbye' })
})

t.test('status exits with code 1 while something that is known to exist is not shown', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const domain = ['--domain', String(plane.domain)]
  const status = (): Promise<CliResult> => runCli(['status', ...domain])
  await eventually('a healthy status', async () => (await status()).code === 0)

  const witness = await joinDomain({ domain: plane.domain, name: 'witness' })
  t.teardown(() => witness.close())
  const absences = witness.writer(absentNode, { partition: planePartition })
  const node = { bootId: 'boot-beta', host: 'beta', numaNode: 0, collectorPid: 7, liveliness: 'unreachable' as const }
  absences.write({ ...node, workers: 2, silentForMs: 60_000, reporter: 'witness' })
  const unhealthy = await eventually('an unhealthy status', async () => {
    const result = await status()
    return /beta/.test(result.stderr) ? result : undefined
  })
  t.equal(unhealthy.code, 1)
  t.match(unhealthy.stdout, /^domain \d+: view-only, .*listening for /)
  t.match(unhealthy.stdout, /^node beta\/0 has been silent for 1 min, as witness reports: it had 2 live workers$/m)
  t.match(unhealthy.stdout, /^w1 /m)
  t.match(unhealthy.stderr, /^numacast: the plane is not healthy: node beta\/0 is absent.*\n$/)
  const json = await runCli(['status', '--json', ...domain])
  t.match(json, { code: 1, stderr: /node beta\/0 is absent/ })
  t.match(JSON.parse(json.stdout).witness.reportedElsewhere, [{ host: 'beta' }])

  await witness.close()
  await eventually('a healthy status again', async () => (await status()).code === 0)
})

t.test('a closed output pipe is not a failure', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const status = startCli(['status', '--wait', '60s', '--domain', String(plane.domain)])
  status.child.stdout?.destroy()
  t.match(await status.finished(), { code: 0, stderr: '' })
})
