import { spawn } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { eventually } from '../../../src/testing/eventually.js'
import { claimDomain } from '../../support/domain-lock.js'
import { askPlane, startPlane } from '../../support/plane.js'
import { runCli, startCli } from '../../support/run-cli.js'

t.setTimeout(600_000)

t.test('intent drain and intent resume apply to one worker and print each transition', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  const domain = ['--domain', String(plane.domain)]
  await plane.worker('w2', ({ jobsCompleted }) => jobsCompleted > 0)

  const drained = await askPlane(['intent', 'drain', 'w2', '--reason', 'kernel update', '--json', ...domain])
  t.equal(drained.code, 0, drained.stderr)
  const outcome = JSON.parse(drained.stdout)
  t.match(outcome, { kind: 'drain', action: 'apply', workerId: 'w2', transition: 'completed' })
  t.same(
    outcome.steps.map(({ transition }: { transition: string }) => transition),
    ['planned', 'admitted', 'completed'],
  )
  const worker = await plane.worker('w2', ({ state, inFlight }) => state === 'draining' && inFlight === 0)
  t.equal(worker.admissionOpen, false)
  t.match((await plane.found()).intents, [{ target: 'w2', reason: 'kernel update', holds: true }], 'at once')
  await plane.worker('w1', ({ state }) => state !== 'draining')

  const resumed = await askPlane(['intent', 'resume', 'w2', ...domain])
  t.equal(resumed.code, 0, resumed.stderr)
  t.notMatch(resumed.stderr, /not being drained/)
  t.match(resumed.stdout, /^lift drain of w2: planned\n.*\n?lift drain of w2: completed/)
  const inVain = await askPlane(['intent', 'resume', 'w1', '--json', ...domain])
  t.equal(inVain.code, 0)
  t.match(inVain.stderr, /^numacast: w1 is not being drained as far as is known here; the lift is sent nevertheless\n/)
  t.match(JSON.parse(inVain.stdout), { action: 'lift', transition: 'completed' })
  const before = worker.jobsCompleted
  await plane.worker('w2', ({ state, jobsCompleted }) => state !== 'draining' && jobsCompleted > before)
})

t.test('a drain outlives the command that issued it, and its collector', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  const domain = ['--domain', String(plane.domain)]
  await plane.worker('w1')
  t.match(await askPlane(['intent', 'drain', 'w1', ...domain]), { code: 0 })
  const collectorPid = await plane.collectorPid()
  process.kill(collectorPid, 'SIGKILL')
  await eventually('another collector', async () => (await plane.collectorPid()) !== collectorPid)
  await plane.worker('w1', ({ state, liveliness }) => state === 'draining' && liveliness === 'alive')
  t.match(await askPlane(['intent', 'resume', 'w1', ...domain]), { code: 0 })
  await plane.worker('w1', ({ state }) => state !== 'draining')
})

t.test('without a scheduler a drain works and a warning names what is missing', async (t) => {
  const domain = ['--domain', String(await claimDomain(t))]
  const daemons = [startCli(['collector', '--all', ...domain]), startCli(['worker', '--id', 'w1', ...domain])]
  t.teardown(async () => {
    for (const { child } of daemons) child.kill('SIGTERM')
    await Promise.all(daemons.map(({ ended }) => ended))
  })
  await eventually('the worker is there', async () => {
    const { stdout } = await runCli(['status', '--json', ...domain])
    return stdout !== '' && JSON.parse(stdout).workers.length === 1 ? true : undefined
  })
  const drained = await askPlane(['intent', 'drain', 'w1', ...domain])
  t.equal(drained.code, 0, drained.stderr)
  t.match(drained.stderr, /^numacast: no scheduler keeps the intent/)
})

t.test('a drain of an unknown or dead worker is refused', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  const domain = ['--domain', String(plane.domain)]
  const { pid } = await plane.worker('w1')
  const unknown = await askPlane(['intent', 'drain', 'w7', ...domain])
  t.equal(unknown.code, 3)
  t.equal(
    unknown.stderr,
    `numacast: the plane in domain ${plane.domain} has no worker w7: it has w1; give a worker that has just started more time with --wait\n`,
  )

  process.kill(pid, 'SIGKILL')
  await plane.worker('w1', ({ liveliness }) => liveliness === 'dead')
  const dead = await askPlane(['intent', 'drain', 'w1', ...domain])
  t.equal(dead.code, 1)
  t.match(dead.stderr, /^numacast: worker w1 is dead \([a-z-]+\): no intent reaches it\n$/)
})

t.test('a job that outlasts the deadline aborts the drain', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const domain = ['--domain', String(plane.domain)]
  const folder = path.join(t.testdir({}), 'endless')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'sparse'), '')
  truncateSync(path.join(folder, 'sparse'), 2 ** 40) // no blocks on disk, and an hour of zeros to hash
  const slow = startCli(['worker', '--id', 'slow', '--path', path.dirname(folder), ...domain])
  t.teardown(async () => {
    slow.child.kill('SIGKILL')
    await slow.ended
  })
  await plane.worker('slow', ({ inFlight }) => inFlight === 1)
  const drained = await askPlane(['intent', 'drain', 'slow', '--deadline', '200ms', '--json', ...domain])
  t.equal(drained.code, 1, drained.stdout + drained.stderr)
  t.match(JSON.parse(drained.stdout), { transition: 'aborted' })
  t.match(drained.stderr, /^numacast: the drain of slow was aborted.*numacast intent resume slow`\n$/)
  t.match(await plane.worker('slow', ({ state }) => state === 'draining'), { admissionOpen: false })

  // Long enough for the worker to receive it on a busy machine.
  const held = await askPlane(['intent', 'drain', 'slow', '--hold', '5s', '--json', ...domain])
  t.equal(held.code, 1, held.stdout + held.stderr)
  t.match(JSON.parse(held.stdout), { transition: 'aborted' })
  t.match(
    held.stderr,
    /^numacast: the drain of slow ended with its --hold of 5s, before the jobs did: it takes work again/,
  )

  const waiting = startCli(['intent', 'drain', 'slow', '--deadline', '1h', ...domain])
  await plane.worker('slow', ({ appliedIntents }) => appliedIntents.some(({ transition }) => transition === 'admitted'))
  slow.child.kill('SIGKILL')
  const ended = await waiting.finished()
  t.equal(ended.code, 1, 'the death of the worker ends the wait')
  t.match(ended.stderr, /worker slow is dead/)
})

/** A worker whose main loop blocks forever once it reads a line. */
const blockable = `
import { Worker } from ${JSON.stringify(new URL('../../../src/index.js', import.meta.url).href)}
await Worker.start({ workerId: 'w1', numaNode: 0, domain: Number(process.argv[1]) })
process.stdin.once('data', () => { for (;;); })
`

t.test('a drain of a worker whose loop is blocked ends at its deadline and names the cause', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const { domain } = plane
  const child = spawn(process.execPath, ['--input-type=module', '-e', blockable, String(domain)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await plane.worker('w1')
  child.stdin.write('block\n')
  await plane.worker('w1', ({ cause }) => cause === 'loop-busy')
  const startedMs = performance.now()
  const drained = await runCli(['intent', 'drain', 'w1', '--deadline', '5s', '--json', '--domain', String(domain)])
  t.equal(drained.code, 1, drained.stderr)
  t.ok(performance.now() - startedMs >= 5_000)
  t.match(JSON.parse(drained.stdout), { transition: null, steps: [] })
  t.match(drained.stderr, /^numacast: w1 is stalled \(loop-busy\): it cannot report now\n/)
  t.match(
    drained.stderr,
    /drain of w1: the worker is stalled \(loop-busy\) and has not answered after 5s; the intent stands/,
  )
})
