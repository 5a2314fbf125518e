import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runCli } from '../support/run-cli.js'

t.setTimeout(600_000)

t.test('wrong usage exits with code 2, one line with the reason, and a pointer to help', async (t) => {
  const cases: [string[], RegExp, NodeJS.ProcessEnv?][] = [
    [['--nonsense'], /unknown option '--nonsense'/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['up', '--workers', 'many'], /--workers <n>.*'many' is invalid.*whole number from 0 to 512/],
    [['up', '--workers', '-1'], /--workers/],
    [
      ['up', '--duration', 'soon'],
      /--duration <duration>.*'soon' is invalid.*30s, 1m30s, 2h; a number alone is seconds/,
    ],
    [['up', 'extra'], /too many arguments/],
    [['status', '--domain', '232'], /--domain <n>.*whole number from 0 to 231/],
    [['status', '--domain'], /argument missing/],
    [['status'], /'x' from env 'NUMACAST_DOMAIN' is invalid/, { NUMACAST_DOMAIN: 'x' }],
    [['status', '--wait', '3d'], /--wait.*'3d' is invalid. It must be a duration such as 500ms/],
    [['collector', '--numa-node', '0', '--all'], /cannot be used with/],
    [['worker', '--concurrency', '0'], /--concurrency/],
    [['intent', 'drain'], /missing required argument 'workerId'/],
    [['worker', '--id', ''], /--id <workerId>.*'' is invalid. Expected a name of 1 to 256 characters/],
    [['worker', '--id', 'w'.repeat(257)], /Expected a name of 1 to 256 characters, and it has 257/],
    [['intent', 'drain', ''], /workerId.*Expected a name of 1 to 256 characters/],
    [['intent', 'drain', 'w1', '--deadline', '30x'], /--deadline.*must be a duration such as/],
    [['intent', 'drain', 'w1', '--hold', '1ms'], /--hold.*must be 1s to 24h/],
    [['intent', 'drink', 'w1'], /unknown command 'drink'/],
    [['topology', '--root'], /argument missing/],
    [['record'], /missing required argument 'file'/],
    [['record', 'x', '--max-bytes', 'much'], /--max-bytes <size>.*'much' is invalid. Expected a size such as 64MiB/],
    [['scheduler', '--json'], /--json needs --dry-run or --replay/],
    [['scheduler', '--dry-run', '--replay', 'x'], /cannot be used with/],
    [['interfaces', '--interface'], /argument missing/],
    [['jobs', '--state', 'gone'], /--state <state>.*'gone' is invalid/],
    [['job'], /missing required argument 'jobId'/],
  ]
  await inTurn(cases, async ([args, why, environment]) => {
    const { code, stdout, stderr } = await runCli(args, environment)
    const name = `numacast ${args.join(' ')}`
    t.equal(code, 2, name)
    t.equal(stdout, '', `${name}: nothing on stdout`)
    t.match(stderr, /^numacast: /, name)
    t.match(stderr, why, name)
    t.match(stderr, /--help explains\)\n$/, name)
    t.ok(stderr.split('\n').length <= 4, `${name}: ${stderr}`)
  })
})

t.test('without a command the help goes to stderr', async (t) => {
  const { code, stdout, stderr } = await runCli([])
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /Usage: numacast/)
})

t.test('help and version exit with code 0', async (t) => {
  const commands = [
    'up',
    'status',
    'intent',
    'jobs',
    'job',
    'rank',
    'discover',
    'topology',
    'interfaces',
    'collector',
    'scheduler',
    'record',
    'worker',
  ]
  const calls = [
    ['--help'],
    ...commands.map((name) => [name, '--help']),
    ['help', 'up'],
    ['intent', 'drain', '--help'],
    ['intent', 'resume', '--help'],
  ]
  await inTurn(calls, async (args) => {
    const { code, stdout, stderr } = await runCli(args)
    t.equal(code, 0, args.join(' '))
    t.match(stdout, /^Usage: numacast/, args.join(' '))
    t.equal(stderr, '', args.join(' '))
    t.same(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
      `${args.join(' ')}: no line over 80`,
    )
    t.same(earlyBreaks(stdout), [], `${args.join(' ')}: no line breaks in mid-sentence`)
    if (/<duration>/.test(stdout)) t.match(stdout, /^Durations: .*1m30s/m, args.join(' '))
  })
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8'))
  t.match(await runCli(['--version']), { code: 0, stdout: `${manifest.version}\n` })
})

/** Returns lines of running text that had room for the first word of the next line. */
function earlyBreaks(help: string): string[] {
  const lines = help.split('\n')
  return lines.filter((line, index) => {
    const [next = ''] = (lines[index + 1] ?? '').split(' ')
    return /^\w.*[^:]$/.test(line) && next !== '' && line.length + 1 + next.length <= 80
  })
}

async function inTurn<T>(items: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await use(item)
}
