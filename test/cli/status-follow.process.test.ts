import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { eventually } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'
import { startPlane } from '../support/plane.js'
import { cliProgram, explainFailure, runCli, startCli } from '../support/run-cli.js'

t.setTimeout(300_000)

t.test('status --follow prints each change of liveliness with both states and the cause', async (t) => {
  const plane = await startPlane(t, ['--workers', '2'])
  const first = await plane.worker('w1')
  await plane.worker('w2')
  const domain = ['--domain', String(plane.domain)]
  // Waits until both workers are known.
  const patiently = ['--wait', '60s', ...domain]
  const lines = startCli(['status', '--follow', ...patiently])
  const json = startCli(['status', '--follow', '--json', ...patiently])
  t.teardown(() => {
    for (const { child } of [lines, json]) child.kill('SIGKILL')
  })
  explainFailure(t, lines, json)
  await eventually('both have printed what there is', () => {
    return (/^w2 /m.test(lines.stdout()) && json.stdout().includes('"witness"')) || undefined
  })
  process.kill(first.pid, 'SIGKILL')
  // The earlier state varies: on a busy machine its silence may be detected before the kernel reports its end.
  const line = new RegExp(
    `worker w1 \\(\\S+/0, pid ${first.pid}\\): \\S.* → dead \\(.+\\); its work may be given to others`,
  )
  await eventually('the death is printed', () => line.test(lines.stdout()) || undefined)
  const death = await eventually('the death is printed', () => {
    return jsonLines(json.stdout()).find(({ workerId, after }) => workerId === 'w1' && after?.liveliness === 'dead')
  })
  for (const { child } of [lines, json]) child.kill('SIGTERM')
  t.equal((await lines.finished()).code, 0)
  const { code, stdout } = await json.finished()
  t.equal(code, 0)
  const [document] = jsonLines(stdout)
  t.equal(document.workers.length, 2)
  t.ok(
    document.workers.every(({ ageMs }: { ageMs: number }) => Number.isInteger(ageMs)),
    'ages are integers',
  )
  t.match(death, { kind: 'liveliness', pid: first.pid, before: { liveliness: String }, mayReassign: true })
})

/** Returns the complete lines. */
function jsonLines(stdout: string) {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text))
}

t.test('status without a collector names the participants that it receives from', async (t) => {
  const domain = String(await claimDomain(t))
  const scheduler = startCli(['scheduler', '--domain', domain])
  t.teardown(async () => {
    scheduler.child.kill('SIGTERM')
    await scheduler.ended
  })
  await eventually('the scheduler runs', () => scheduler.stderr().includes('runs as pid') || undefined)
  const named =
    /^numacast: no collector answers in domain \d+, though scheduler \(pid \d+ on \S+\) can be received from: start/
  const { code } = await eventually('status receives from the scheduler', async () => {
    const result = await runCli(['status', '--domain', domain])
    return named.test(result.stderr) ? result : undefined
  })
  t.equal(code, 3)
})

t.test('a full disk gives one line and exit code 1; an empty NUMACAST_DOMAIN counts as unset', async (t) => {
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
