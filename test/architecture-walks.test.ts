// docs/architecture.md describes the path of a value and the path of a death, method by method. These tables must stay
// true: each file exists and declares the method, the step before calls it, and a port is declared and implemented.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.resolve(import.meta.dirname, '..', '..')

interface Step {
  readonly number: number
  readonly file: string
  readonly method: string
  readonly note: string
}

/** Reads the table whose first column is headed by `walk`. */
function stepsOf(page: string, walk: string): Step[] {
  const table = page.split(`\n| ${walk} | file |`)[1]?.split('\n\n')[0] ?? ''
  return [...table.matchAll(/^\| (\d+) \| `([^`]+)` \| `([^`]+)` \|(.*)\|$/gm)].map(
    ([, number, file, method, note]) => ({
      number: Number(number),
      file: file ?? '',
      method: method ?? '',
      note: note?.trim() ?? '',
    }),
  )
}

/** Returns the faults of the steps. Empty if all are right. */
function faultsOf(steps: readonly Step[], read: (file: string) => string | undefined): string[] {
  const faults: string[] = []
  for (const [at, { number, file, method, note }] of steps.entries()) {
    const report = (what: string): void => void faults.push(`step ${number}, ${file} ${method}: ${what}`)
    const source = read(file)
    if (number !== at + 1) report('has the wrong number')
    if (source === undefined) {
      report('the file does not exist')
      continue
    }
    if (!declares(source, method)) report('the file does not declare the method')
    const port = /port `(\w+)`/.exec(note)?.[1]
    const callerNumber = Number(/step (\d+)/.exec(note)?.[1] ?? at)
    const hasCaller = note === '' || note.startsWith('port ') || note.startsWith('step ')
    if (!hasCaller) continue
    const caller = steps[callerNumber - 1]
    const callerSource = caller === undefined ? undefined : read(caller.file)
    if (caller === undefined || callerSource === undefined || callerNumber > at) {
      report(`step ${callerNumber} does not come before it`)
      continue
    }
    if (!calls(callerSource, method)) report(`${caller.file} does not call it`)
    if (port === undefined) {
      if (!imports(callerSource, file)) report(`${caller.file} does not import it`)
    } else {
      if (!callerSource.includes(`interface ${port} `)) report(`${caller.file} does not declare the port ${port}`)
      if (!implementsPort(source, port, file, read)) report(`no class of it implements the port ${port}`)
    }
  }
  return faults
}

function declares(source: string, method: string): boolean {
  return new RegExp(`^  (async )?${method}(<[^>]*>)?\\(`, 'm').test(source)
}

function calls(source: string, method: string): boolean {
  return new RegExp(`\\.${method}\\(`).test(source)
}

/** Matches by file name: go-to-definition follows a type import too. A member may be reached through an intermediate. */
function imports(source: string, file: string): boolean {
  return source.includes(`/${path.basename(file, '.ts')}.js'`) || sharedMembers.has(path.basename(file))
}

/** Reached through a member of an imported class, so that the caller need not import them. */
const sharedMembers: ReadonlySet<string> = new Set(['reader-feed.ts', 'failure-detector.ts', 'datagram-lane.ts'])

/** Directly, or by an interface of an imported file that extends the port. */
function implementsPort(
  source: string,
  port: string,
  file: string,
  read: (file: string) => string | undefined,
): boolean {
  const implemented = [...source.matchAll(/implements ([^{]+)\{/g)].flatMap(([, names]) => names?.match(/\w+/g) ?? [])
  if (implemented.includes(port)) return true
  return [...source.matchAll(/from '(\.[^']+)\.js'/g)].some(([, imported]) => {
    const declaring = read(path.posix.join(path.posix.dirname(file), `${imported ?? ''}.ts`)) ?? ''
    return implemented.some((name) => new RegExp(`interface ${name} extends [^{]*\\b${port}\\b`).test(declaring))
  })
}

function readSource(file: string): string | undefined {
  const full = path.join(root, file)
  return existsSync(full) ? readFileSync(full, 'utf8') : undefined
}

for (const walk of ['value', 'death']) {
  t.test(`the path of a ${walk} is as docs/architecture.md describes it`, async (t) => {
    const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8')
    const steps = stepsOf(page, walk)
    t.ok(steps.length > 10, `${steps.length} steps were read`)
    t.same(faultsOf(steps, readSource), [])
  })

  t.test(`the picture of the path of a ${walk} names only files that exist`, async (t) => {
    const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8')
    const picture = page.split(`### The path of a ${walk}`)[1]?.split('```')[1] ?? ''
    const named = [...picture.matchAll(/"([\w/-]+\.ts)/g)].map(([, file]) => file ?? '')
    t.ok(named.length > 8, `${named.length} files were read`)
    const homes = ['src', 'src/pubsub', 'src/transport']
    const missing = named.filter((file) => !homes.some((home) => existsSync(path.join(root, home, file))))
    t.same(missing, [])
  })
}

t.test('the checker reports each kind of fault', async (t) => {
  const files: Record<string, string> = {
    'src/a.ts': "import { B } from './b.js'\nexport class A {\n  go() {\n    this.b.take(1)\n  }\n}\n",
    'src/b.ts':
      'export interface Sink extends Object {\n  put(): void\n}\nexport class B {\n  take(n: number) {\n    this.sink.put()\n  }\n}\n',
    'src/c.ts': "import type { Sink } from './b.js'\nexport class C implements Sink {\n  put() {}\n}\n",
  }
  const read = (file: string): string | undefined => files[file]
  const good: Step[] = [
    { number: 1, file: 'src/a.ts', method: 'go', note: 'the application' },
    { number: 2, file: 'src/b.ts', method: 'take', note: '' },
    { number: 3, file: 'src/c.ts', method: 'put', note: 'port `Sink`' },
  ]
  t.same(faultsOf(good, read), [])
  const change = (at: number, over: Partial<Step>): string[] =>
    faultsOf(
      good.map((step, index) => (index === at ? { ...step, ...over } : step)),
      read,
    )
  t.match(change(1, { file: 'src/gone.ts' })[0], /does not exist/)
  t.match(change(1, { method: 'absent' })[0], /does not declare the method/)
  t.match(change(2, { note: 'step 1, port `Sink`' })[0], /does not call it/)
  t.match(change(2, { note: 'port `Other`' })[0], /does not declare the port/)
  t.match(change(2, { note: '' })[0], /does not import it/)
  t.match(change(1, { note: 'step 3' })[0], /does not come before/)
  files['src/c.ts'] = 'export class C {\n  put() {}\n}\n'
  t.match(faultsOf(good, read)[0], /implements the port/)
})
