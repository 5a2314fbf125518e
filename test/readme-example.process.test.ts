// Runs the programs of README.md, docs/installing.md and docs/contributing.md word for word, as a reader of those pages would.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../src/testing/eventually.js'
import { compile, programOf, programsOf, typeErrors } from './support/documented-programs.js'
import { claimDomain } from './support/domain-lock.js'
import { startPlane } from './support/plane.js'

t.setTimeout(600_000)

/** The programs that the tests below run, by page. */
const tested: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'README.md': ['worker.ts', 'operator.ts'],
  'docs/installing.md': ['hello.mjs'],
  // The one without a name is the beginning of test/faults/stopped-worker.test.ts.
  'docs/contributing.md': ['memory-fleet.mjs', 'process-fleet.mjs', undefined],
}

t.test('every program of these pages has a name and a test', async (t) => {
  for (const [page, names] of Object.entries(tested)) {
    t.same(
      programsOf(page).map(({ name }) => name),
      names,
      page,
    )
  }
})

t.test('hello.mjs: each process receives the greeting of the other, and its end', async (t) => {
  const { 'hello.mjs': file } = save(t, { 'hello.mjs': programOf('docs/installing.md', 'hello.mjs') })
  const domain = await claimDomain(t)
  const first = start(t, file, domain)
  await first.prints(`pid ${first.pid} hello alive`)
  const second = start(t, file, domain)
  await second.prints(`pid ${first.pid} hello alive`)
  await second.prints(`pid ${second.pid} hello alive`)
  await first.prints(`pid ${second.pid} hello alive`)

  second.kill('SIGKILL')
  await first.prints(`pid ${second.pid} hello no-writers`)
  const third = start(t, file, domain)
  await first.prints(`pid ${third.pid} hello alive`)
  third.kill('SIGINT')
  await first.prints(`pid ${third.pid} hello no-writers`)
  t.pass('as the page describes')
})

t.test('the test that docs/contributing.md shows is one of test/faults', async (t) => {
  const shown = programsOf('docs/contributing.md').find(({ name }) => name === undefined)
  const file = path.resolve(import.meta.dirname, '..', '..', 'test', 'faults', 'stopped-worker.test.ts')
  t.ok(shown !== undefined && readFileSync(file, 'utf8').startsWith(shown.code))
})

t.test('memory-fleet.mjs and process-fleet.mjs: the killed worker is dead', async (t) => {
  for (const [name, printed] of [
    ['memory-fleet.mjs', 'dead'],
    // Before Linux 6.15 the kernel does not report how a process of another parent has ended.
    ['process-fleet.mjs', /^w1 is dead: (SIGKILL|gone; .*)$/m],
  ] as const) {
    const { [name]: file } = save(t, { [name]: programOf('docs/contributing.md', name) })
    const program = start(t, file ?? '', await claimDomain(t))
    await program.prints(printed)
    t.equal(await program.exitCode, 0, name)
  }
})

t.test('the TypeScript programs of the README have no type error', async (t) => {
  const programs = {
    'worker.ts': programOf('README.md', 'worker.ts'),
    'operator.ts': programOf('README.md', 'operator.ts'),
  }
  for (const [name, file] of Object.entries(save(t, programs))) t.same(typeErrors(file), [], name)
})

t.test('worker.ts and operator.ts: the worker is drained, and its death frees its jobs', async (t) => {
  const plane = await startPlane(t, ['--workers', '0'])
  const { 'worker.mjs': workerFile, 'operator.mjs': operatorFile } = save(t, {
    'worker.mjs': compile(programOf('README.md', 'worker.ts')),
    'operator.mjs': compile(programOf('README.md', 'operator.ts')),
  })

  start(t, workerFile, plane.domain, 'w1')
  const doomed = start(t, workerFile, plane.domain, 'w2')
  await plane.worker('w1', ({ jobsCompleted }) => jobsCompleted > 3)
  const { incarnation } = await plane.worker('w2', ({ jobsCompleted }) => jobsCompleted > 3)
  const operator = start(t, operatorFile, plane.domain)
  await operator.prints(/^w1 (available|busy) [0-2]$/m)
  await operator.prints('drain of w1: completed')
  const drained = await plane.worker('w1', ({ state, inFlight }) => state === 'draining' && inFlight === 0)
  t.equal(drained.jobsFailed, 0)

  doomed.kill('SIGKILL')
  t.teardown(() => t.comment(operator.output()))
  await operator.prints(/^w2 \d+ died; offer again: \[/m)
  t.ok(operator.output().includes(`w2 ${incarnation} died`), 'it names the incarnation')
  operator.kill('SIGINT')
  t.equal(await operator.exitCode, 0, 'SIGINT ends the operator')

  const third = start(t, workerFile, plane.domain, 'w3')
  await plane.worker('w3', ({ jobsCompleted }) => jobsCompleted > 0)
  third.kill('SIGINT')
  t.equal(await third.exitCode, 0, 'SIGINT ends the worker')
})

/** Writes the programs below this package, so that `numacast` resolves to this build, and returns their paths. */
function save<Name extends string>(t: Test, programs: Readonly<Record<Name, string>>): Record<Name, string> {
  const folder = t.testdir(programs)
  const paths = Object.keys(programs).map((name) => [name, path.join(folder, name)])
  return Object.fromEntries(paths)
}

function start(t: Test, file: string, domain: number, ...args: string[]) {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, NUMACAST_DOMAIN: String(domain) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const holds = (wanted: string | RegExp): boolean =>
    typeof wanted === 'string' ? output.split('\n').includes(wanted) : wanted.test(output)
  return {
    pid: child.pid,
    output: () => output,
    exitCode: ended.then(([code]) => code),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    prints: (wanted: string | RegExp) =>
      eventually(`${wanted} from ${path.basename(file)}`, () => holds(wanted) || undefined),
  }
}
