import t, { type Test } from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import type { StatusDocument } from '../../src/views/status/status-document.js'
import { claimDomain } from '../support/domain-lock.js'
import { ExampleRole } from '../support/example-role.js'
import { runCli } from '../support/run-cli.js'

t.setTimeout(300_000)

const start = (t: Test, domain: number, name: string, ...args: string[]): ExampleRole =>
  new ExampleRole(t, 'first-fleet', domain, name, ...args)

t.test('the first-fleet example prints what its README shows', async (t) => {
  const domain = await claimDomain(t)
  const collector = start(t, domain, 'collector')
  await collector.printed(/collector of node 0, domain/)
  const scheduler = start(t, domain, 'scheduler')
  const first = start(t, domain, 'worker', 'w1')
  const second = start(t, domain, 'worker', 'w2')
  await scheduler.printed(/w1: available, alive\n/)
  await scheduler.printed(/w2: available, alive\n/)

  const operator = start(t, domain, 'operator', 'w1')
  await scheduler.printed(/w1: draining, alive\n/)
  await operator.printed(/drain w1: completed\ndo what/)
  scheduler.clear()
  operator.enter()
  await operator.ended
  t.equal(operator.process.exitCode, 0)
  t.match(operator.lines.slice(0, 2), [
    /^w1: (available|busy), \d+ jobs done$/,
    /^w2: (available|busy), \d+ jobs done$/,
  ])
  t.strictSame(operator.lines.slice(2), [
    'drain w1: planned',
    'drain w1: admitted',
    'drain w1: completed',
    'do what is to be done; Enter lets it go on',
    'resume w1: planned',
    'resume w1: admitted',
    'resume w1: completed',
  ])
  // On a machine that is short of CPU a policy of the scheduler may lower its limit meanwhile.
  await first.printed(/^not taking jobs: draining: to show how\n(not taking.*\n)*taking jobs\n/m)
  await scheduler.printed(/w1: available, alive\n/)

  const rival = start(t, domain, 'worker', 'w3')
  await scheduler.printed(/w3: available, alive\n/)
  rival.process.kill('SIGKILL')
  await scheduler.printed(/w3: \w+, dead \((killed|exited|lease-expired)\)\n/)

  t.equal(await second.stop(), 0)
  await scheduler.printed(/w2: \w+, dead \(goodbye\)\n/)

  collector.process.kill('SIGKILL')
  await collector.ended
  const successor = start(t, domain, 'collector')
  await successor.printed(/collector of node 0/)
  // A view that joins from now on finds w1 at the successor. Before, there may be no w1 to drain.
  await eventually('the successor has w1', async () => {
    const { stdout } = await runCli(['status', '--json', '--domain', String(domain)])
    if (stdout === '') return false
    const { nodes, workers }: StatusDocument = JSON.parse(stdout)
    return (
      nodes.some(({ collector: { pid } }) => pid === successor.process.pid) &&
      workers.some(({ workerId, liveliness }) => workerId === 'w1' && liveliness === 'alive')
    )
  })
  const again = start(t, domain, 'operator', 'w1')
  await again.printed(/drain w1: completed\ndo what/)
  again.enter()
  await again.printed(/resume w1: planned\nresume w1: admitted\nresume w1: completed\n/)
  await again.ended
  t.equal(again.process.exitCode, 0)

  for (const role of [first, successor, scheduler]) t.equal(await role.stop(), 0)
})
