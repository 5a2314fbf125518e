import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { runCli } from '../support/run-cli.js'

t.test('wrong usage is exit code 2, one line of why, and where to read on', async (t) => {
  const cases: [string[], RegExp, NodeJS.ProcessEnv?][] = [
    [['--nonsense'], /unknown option '--nonsense'/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['up', '--workers', 'many'], /--workers <n>.*'many' is invalid.*whole number from 0 to 512/],
    [['up', '--workers', '-1'], /--workers/],
    [['up', '--duration', 'soon'], /--duration <seconds>.*'soon' is invalid/],
    [['up', 'extra'], /too many arguments/],
    [['status', '--domain', '232'], /--domain <n>.*whole number from 0 to 231/],
    [['status', '--domain'], /argument missing/],
    [['status'], /'x' from env 'NUMACAST_DOMAIN' is invalid/, { NUMACAST_DOMAIN: 'x' }],
    [['status', '--wait', '3'], /--wait.*has no unit: write 3s/],
    [['collector', '--numa-node', '0', '--all'], /cannot be used with/],
    [['worker', '--concurrency', '0'], /--concurrency/],
    [['intent', 'drain'], /missing required argument 'workerId'/],
    [['intent', 'drain', 'w1', '--deadline', '30'], /--deadline.*has no unit: write 30s for seconds/],
    [['intent', 'drink', 'w1'], /unknown command 'drink'/],
    [['topology', '--root'], /argument missing/],
    [['interfaces', '--interface'], /argument missing/],
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

t.test('no command at all: help on stderr', async (t) => {
  const { code, stdout, stderr } = await runCli([])
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /Usage: numacast/)
})

t.test('help and version are no errors', async (t) => {
  const commands = ['up', 'status', 'intent', 'discover', 'topology', 'interfaces', 'collector', 'scheduler', 'worker']
  const calls = [['--help'], ...commands.map((name) => [name, '--help']), ['help', 'up'], ['intent', 'drain', '--help']]
  await inTurn(calls, async (args) => {
    const { code, stdout, stderr } = await runCli(args)
    t.equal(code, 0, args.join(' '))
    t.match(stdout, /^Usage: numacast/, args.join(' '))
    t.equal(stderr, '', args.join(' '))
  })
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8'))
  t.match(await runCli(['--version']), { code: 0, stdout: `${manifest.version}\n` })
})

async function inTurn<T>(items: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await use(item)
}
