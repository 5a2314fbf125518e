import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { eventually } from '../../../src/testing/eventually.js'
import { claimDomain } from '../../support/domain-lock.js'
import { startPlane } from '../../support/plane.js'
import { explainFailure, runCli, startCli } from '../../support/run-cli.js'

t.setTimeout(600_000)

const folder = t.testdir({
  // Keeps every zone paused.
  'pausing.mjs': `
    export default {
      name: 'pausing',
      initial: 0,
      decide(snapshot, count) {
        const common = { kind: 'pause-node', terms: {}, reason: 'as the test wants', ttlMs: 30_000 }
        const zones = snapshot.zones.filter((zone) => zone?.row)
        return { wanted: zones.map(({ target }) => ({ ...common, target })), undecided: [], state: count + 1 }
      },
    }`,
  'failing.mjs': `
    export default { name: 'failing', initial: 0, decide() { throw new Error('policy bug') } }`,
  'nothing.mjs': 'export const other = 1',
})
const file = (name: string): string => path.join(folder, name)
const own = (name: string): string[] => ['--no-default-policies', '--policy', file(name)]

t.test('a plane is recorded, replayed, decided on without effect, and with effect', async (t) => {
  const plane = await startPlane(t, ['--workers', '1'])
  await plane.worker('w1')
  const domain = ['--domain', String(plane.domain)]
  const recording = file('recording')

  const recorded = await runCli(['record', recording, '--interval', '200ms', '--duration', '2s', ...domain])
  t.match(recorded, { code: 0, stdout: '' })
  t.match(recorded.stderr, /^numacast: recorded \d+ snapshots, .*, in .*recording\n$/)
  const lines = readFileSync(recording, 'utf8').trimEnd().split('\n')
  t.ok(lines.length >= 2, `${lines.length} snapshots`)
  for (const line of lines) t.match(JSON.parse(line), { format: 'numacast-snapshot-1' })

  const again = await runCli(['record', recording, ...domain])
  t.match(again, { code: 1, stderr: `numacast: ${recording} exists already: remove it, or name another file\n` })
  const small = await runCli(['record', file('small'), '--max-bytes', '10', ...domain])
  t.match(small, {
    code: 1,
    stderr: /--max-bytes leaves room for 10 bytes .*, and one snapshot of this fleet takes \d+/,
  })
  const bounded = await runCli(['record', file('bounded'), '--interval', '10ms', '--max-bytes', '20kB', ...domain])
  t.match(bounded, { code: 0, stderr: /^numacast: the recording stops at --max-bytes \(19\.5 KiB\): \d+ snapshots, / })
  t.ok(readFileSync(file('bounded')).length <= 20_000)

  const replayed = await runCli(['scheduler', '--replay', recording, ...own('pausing.mjs')])
  t.match(replayed, { code: 0, stderr: '' })
  t.match(replayed.stdout, /^\+0\.0s apply pause-node \S+\/\d, for 30s \(pausing\): as the test wants$/m)
  t.match(
    replayed.stdout,
    new RegExp(`^${lines.length} snapshots of .* replayed: \\d+ applied, 0 lifted, 0 of 1 policies failed$`, 'm'),
  )
  const json = await runCli(['scheduler', '--replay', recording, '--json', ...own('pausing.mjs')])
  const [change] = json.stdout.split('\n')
  t.match(JSON.parse(change ?? ''), {
    atMs: 0,
    action: 'apply',
    kind: 'pause-node',
    policies: ['pausing'],
    ttlMs: 30_000,
  })
  const twice = await runCli(['scheduler', '--replay', recording, '--json', ...own('pausing.mjs')])
  t.equal(twice.stdout, json.stdout, 'a replay is deterministic')

  const failed = await runCli(['scheduler', '--replay', recording, '--policy', file('failing.mjs')])
  t.match(failed, { code: 1, stdout: /^\+0\.0s failed failing: policy bug$/m, stderr: '' })
  t.equal(failed.stdout.match(/failed failing/g)?.length, 1, 'a failure that repeats is reported once')
  appendFileSync(recording, 'nonsense\n')
  const malformed = await runCli(['scheduler', '--replay', recording])
  t.match(malformed, {
    code: 1,
    stderr: `numacast: ${recording}, line ${lines.length + 1}: this line is no recorded snapshot: nonsense\n`,
  })

  const dry = startCli(['scheduler', '--dry-run', '--json', ...own('pausing.mjs'), ...domain])
  explainFailure(t, dry)
  await eventually('a change that would be issued', () => dry.stdout().includes('\n'))
  t.match(JSON.parse(dry.stdout().split('\n')[0] ?? ''), { at: /^20/, action: 'apply', kind: 'pause-node' })
  const { intents } = await plane.found()
  t.notOk(
    intents.some(({ reason }) => reason === 'as the test wants'),
    'nothing was issued',
  )
  dry.child.kill('SIGTERM')
  t.match(await dry.finished(), { code: 0 })

  const live = startCli(['scheduler', ...own('pausing.mjs'), ...domain])
  explainFailure(t, live)
  await plane.worker('w1', ({ admissionReason }) => admissionReason === 'paused: as the test wants')
  live.child.kill('SIGTERM')
  t.match(await live.finished(), { code: 0 })
})

t.test('what cannot be recorded or replayed is refused with the exit code of its kind', async (t) => {
  const domain = String(await claimDomain(t))
  writeFileSync(file('empty'), '')
  const cases: [string[], number, RegExp][] = [
    [['record', file('none'), '--wait', '100ms', '--domain', domain], 3, /no plane answers/],
    [['scheduler', '--replay', file('nowhere')], 3, /there is no recording .*nowhere/],
    [['scheduler', '--replay', file('empty')], 3, /is empty: it holds no snapshot/],
    [['scheduler', '--policy', file('nowhere.mjs')], 3, /there is no policy file .*nowhere\.mjs/],
    [['scheduler', '--policy', file('nothing.mjs')], 2, /nothing\.mjs: it has no default export/],
    [['scheduler', '--disable', 'nothing'], 2, /there is no policy nothing to disable; there are memory-pressure, /],
  ]
  for (const [args, code, message] of cases) {
    const result = await runCli(args)
    t.match(result, { code, stdout: '', stderr: message }, args.join(' '))
  }
  t.notOk(existsSync(file('none')), 'without a plane there is no file')
})
