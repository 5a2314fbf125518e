import t, { type Test } from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { ExampleRole } from '../support/example-role.js'

t.setTimeout(300_000)

/** Starts a worker and waits until it can be sent jobs. */
async function startWorker(t: Test, domain: number, name: string, ...args: string[]): Promise<ExampleRole> {
  const worker = new ExampleRole(t, 'placement', domain, 'worker', name, ...args)
  await worker.printed(/takes jobs on port/)
  return worker
}

const begunBy = (role: ExampleRole): number => role.lines.filter((line) => line.startsWith('begin ')).length

t.test(
  'the dispatcher of the placement example runs every job once, with a chosen worker killed in the middle',
  async (t) => {
    const domain = await claimDomain(t)
    const collector = new ExampleRole(t, 'first-fleet', domain, 'collector')
    await collector.printed(/collector of node 0/)
    const [w1, w2, w3] = [
      await startWorker(t, domain, 'w1'),
      await startWorker(t, domain, 'w2'),
      await startWorker(t, domain, 'w3', 'reactive'),
    ]
    const dispatcher = new ExampleRole(t, 'placement', domain, 'dispatcher', '12', '2500')
    await w1.printed(/^begin .*\n/m)
    w1.process.kill('SIGKILL')
    await dispatcher.printed(/^w1 is dead: (killed|exited|lease-expired)$/m)
    await dispatcher.printed(/^12 jobs done: .*\n/m)
    await dispatcher.ended
    t.equal(dispatcher.process.exitCode, 0)

    const { lines } = dispatcher
    const done = lines.flatMap((line) => /^(\S+) done by /.exec(line)?.[1] ?? [])
    t.equal(done.length, 12)
    t.equal(new Set(done).size, 12, 'each job is done once')
    const lost = lines.flatMap((line) => /^(\S+) is lost with w1$/.exec(line)?.[1] ?? [])
    t.ok(lost.length >= 1, 'the killed worker had a job')
    for (const jobId of lost) t.ok(done.includes(jobId), `${jobId} is done by another worker`)
    t.ok(begunBy(w2) > 0 && begunBy(w3) > 0, 'both living workers had jobs')
    t.notOk(lines.some((line) => line.endsWith('done by w1') && lost.some((jobId) => line.startsWith(`${jobId} `))))
    for (const role of [w2, w3, collector]) t.equal(await role.stop(), 0)
  },
)

t.test('two dispatchers share the workers of the placement example', async (t) => {
  const domain = await claimDomain(t)
  const collector = new ExampleRole(t, 'first-fleet', domain, 'collector')
  await collector.printed(/collector of node 0/)
  const workers = [await startWorker(t, domain, 'w1'), await startWorker(t, domain, 'w2', 'reactive')]
  const dispatchers = ['a', 'b'].map(() => new ExampleRole(t, 'placement', domain, 'dispatcher', '10', '100'))
  for (const dispatcher of dispatchers) {
    await dispatcher.printed(/^10 jobs done: .*\n/m)
    await dispatcher.ended
    t.equal(dispatcher.process.exitCode, 0)
  }
  t.equal(
    workers.reduce((sum, worker) => sum + begunBy(worker), 0),
    20,
    'each job began once',
  )
  for (const role of [...workers, collector]) t.equal(await role.stop(), 0)
})
