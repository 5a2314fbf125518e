import t from 'tap'
import { addonStatus } from '../../src/topology/addon.js'
import { claimDomain } from '../support/domain-lock.js'
import { startPlane } from '../support/plane.js'
import { runCli, startCli } from '../support/run-cli.js'

t.test('no plane: exit code 3, and what to do', async (t) => {
  const domain = String(await claimDomain(t))
  for (const args of [
    ['status', '--wait', '300ms'],
    ['status', '--json', '--wait', '300ms'],
    ['intent', 'drain', 'w1'],
    ['intent', 'resume', 'w1'],
  ]) {
    const { code, stdout, stderr } = await runCli([...args, '--domain', domain])
    t.equal(code, 3, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.equal(
      stderr,
      `numacast: no plane answers in domain ${domain}: start one with \`numacast up --domain ${domain}\`, or name another with --domain\n`,
    )
  }
})

t.test('killed workers stay visible with their cause, new ones appear', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  const first = await plane.worker('w1')
  await plane.worker('w2')
  process.kill(first.pid, 'SIGKILL')
  const dead = await plane.worker('w1', ({ liveliness }) => liveliness === 'dead')
  const causes = addonStatus().available ? /^(killed|exited)$/ : /^(exited|lease-expired)$/
  t.match(dead.cause, causes, 'a fact of the kernel where it can be asked')
  t.equal(dead.pid, first.pid)

  const human = await runCli(['status', '--domain', String(plane.domain)])
  t.equal(human.code, 0)
  t.match(human.stdout, /^w1 .* dead \((killed|exited|lease-expired)/m)
  t.match(human.stdout, /^w2 .* alive /m)

  const newcomer = startCli(['worker', '--id', 'w9', '--domain', String(plane.domain)])
  t.match(await plane.worker('w9', ({ jobsCompleted }) => jobsCompleted > 0), {
    pid: newcomer.pid,
    liveliness: 'alive',
  })
  const successor = startCli(['worker', '--id', 'w1', '--domain', String(plane.domain)])
  t.match(await plane.worker('w1', ({ liveliness }) => liveliness === 'alive'), { pid: successor.pid })

  newcomer.child.kill('SIGTERM')
  successor.child.kill('SIGINT')
  t.equal((await newcomer.ended).code, 0)
  t.equal((await successor.ended).code, 0)
  t.match(await plane.worker('w9', ({ liveliness }) => liveliness === 'dead'), { cause: 'goodbye' })
})

t.test('a reader that leaves early is no failure', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const status = startCli(['status', '--domain', String(plane.domain)])
  status.child.stdout?.destroy()
  t.match(await status.ended, { code: 0, stderr: '' })
})
