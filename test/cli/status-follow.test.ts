import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { claimDomain } from '../support/domain-lock.js'
import { eventually } from '../support/eventually.js'
import { startPlane } from '../support/plane.js'
import { cliProgram, runCli, startCli } from '../support/run-cli.js'

t.setTimeout(300_000)

t.test('follow: every change of liveliness, old and new, with its cause', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  const first = await plane.worker('w1')
  await plane.worker('w2')
  const domain = ['--domain', String(plane.domain)]
  const lines = startCli(['status', '--follow', ...domain])
  const json = startCli(['status', '--follow', '--json', ...domain])
  t.teardown(() => {
    for (const { child } of [lines, json]) child.kill('SIGKILL')
  })
  await eventually('both have printed what there is', () => {
    return (lines.stdout().includes('w2 ') && json.stdout().includes('"witness"')) || undefined
  })
  process.kill(first.pid, 'SIGKILL')
  const line = new RegExp(
    `worker w1 \\(\\S+/0, pid ${first.pid}\\): alive → dead \\(.+\\); its work may be given to others`,
  )
  await eventually('the death is printed', () => line.test(lines.stdout()) || undefined)
  await eventually('the death is told', () => json.stdout().includes('"kind":"liveliness"') || undefined)
  for (const { child } of [lines, json]) child.kill('SIGTERM')
  t.equal((await lines.ended).code, 0)
  const { code, stdout } = await json.ended
  t.equal(code, 0)
  const [document, change] = stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text))
  t.equal(document.workers.length, 2)
  t.ok(
    document.workers.every(({ ageMs }: { ageMs: number }) => Number.isInteger(ageMs)),
    'ages are whole',
  )
  t.match(change, {
    kind: 'liveliness',
    workerId: 'w1',
    pid: first.pid,
    before: { liveliness: 'alive', cause: null },
    after: { liveliness: 'dead' },
    mayReassign: true,
  })
})

t.test('a plane without a collector names whom it hears', async (t) => {
  const domain = String(await claimDomain(t))
  const scheduler = startCli(['scheduler', '--domain', domain])
  t.teardown(async () => {
    scheduler.child.kill('SIGTERM')
    await scheduler.ended
  })
  await eventually('the scheduler runs', () => scheduler.stderr().includes('runs as pid') || undefined)
  const { code, stderr } = await runCli(['status', '--domain', domain])
  t.equal(code, 3)
  t.match(
    stderr,
    /^numacast: no collector answers in domain \d+, though scheduler \(pid \d+ on \S+\) can be heard: start/,
  )
})

t.test('a disk that is full is one line and exit code 1; an empty NUMACAST_DOMAIN is none', async (t) => {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [cliProgram, 'topology', '--json'], { stdio: ['ignore', full, 'pipe'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await once(child, 'close')
  closeSync(full)
  t.equal(code, 1)
  t.match(stderr, /^numacast: cannot write to stdout: ENOSPC[^\n]*\n$/)
  t.match(await runCli(['status', '--help'], { NUMACAST_DOMAIN: '' }), { code: 0, stderr: '' })
  t.match(await runCli(['status', '--wait', '100ms', '--domain', ''], {}), { code: 2 })
  const unset = await runCli(['status', '--wait', '100ms'], { NUMACAST_DOMAIN: '' })
  t.match(unset.stderr, /domain 0|^$/)
})
