// The tree is the architecture: this table is the one in docs/architecture.md, and the test fails if an
// import points sideways or up.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { breaches, circleBreaches, type ImportRules, type SourceTree } from './support/import-rules.js'

const root = path.resolve(import.meta.dirname, '..', '..')
/** Of a file of src that needs no reason. */
const maxLines = 300
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))

const rules: ImportRules = {
  ranks: {
    core: 0,
    wire: 1,
    qos: 1,
    topology: 1,
    cache: 2,
    transport: 2,
    discovery: 3,
    liveliness: 3,
    pubsub: 4,
    plane: 5,
    views: 6,
    placement: 7,
    roles: 8,
    observe: 9,
    testing: 9,
    cli: 11,
  },
  subRanks: {
    cli: { options: 0, client: 1, daemon: 1, policies: 2, supervisor: 2, commands: 3, '': 4 },
    core: { '': 0, reporting: 1, time: 1 },
    placement: { '': 0, request: 0, fit: 0, filter: 1, score: 1, rank: 2, policies: 2, reservations: 3, queue: 4 },
    plane: { vocabulary: 0, intents: 1, worker: 1, node: 2, placement: 2, scheduler: 2 },
    pubsub: { model: 0, writer: 1, reader: 1, endpoints: 2, peer: 2, catchup: 3, membership: 4, protocol: 5, '': 6 },
    roles: { shared: 0, intents: 1, placement: 1, worker: 1, node: 1, collector: 2, fleet: 2, scheduler: 3 },
    testing: { '': 0, processes: 1 },
    topology: { model: 0, addon: 1, cgroup: 2, host: 2, numa: 2, socket: 2, process: 3 },
    transport: { lane: 0, zmtp: 0, interfaces: 1, datagram: 1, stream: 1, memory: 1, '': 2 },
    views: { rows: 0, token: 0, freshness: 1, jobs: 1, snapshot: 1, status: 2, '': 3 },
    wire: { encoding: 0, '': 1 },
  },
  owners: { msgpackr: 'wire', zeromq: 'transport', 'node:dgram': 'transport' },
  addonFolder: 'topology',
  lazyLoaders: new Set(['src/core/lazy-schema.ts']),
  computedImporter: 'src/cli/policies/load-policies.ts',
  dependencies: new Set(Object.keys(manifest.dependencies)),
}

t.test('every import of src points to its own folder or to a lower rank', async (t) => {
  const tree = readTree()
  t.ok(tree.size > 10, `${tree.size} files were read`)
  t.same(breaches(tree, rules), [])
})

t.test('bench, test and examples have no import cycle', async (t) => {
  for (const folder of ['bench', 'test', 'examples']) {
    const tree = readTree(folder)
    t.ok(tree.size > 0, `${tree.size} files of ${folder} were read`)
    t.same(circleBreaches(tree), [])
  }
})

t.test('docs/architecture.md contains the same table', async (t) => {
  const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8')
  const documented: Record<string, number> = {}
  for (const [, rank, folders] of page.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)) {
    for (const [, folder] of (folders ?? '').matchAll(/`src\/(\w+)\/`/g)) documented[folder ?? ''] = Number(rank)
  }
  t.same(documented, rules.ranks)
})

t.test('the files of src over 300 lines are those that docs/architecture.md names', async (t) => {
  const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8')
  const [, section = ''] = page.split('## Files over 300 lines\n')
  const [table = ''] = section.split('\n## ')
  const documented = [...table.matchAll(/^\| `(src\/[^`]+)` \| [^|]+ \|$/gm)].map(([, file]) => file)
  const long = [...readTree()].filter(([, text]) => text.split('\n').length - 1 > maxLines).map(([file]) => file)
  t.same(
    documented.toSorted(),
    long.toSorted(),
    'split a longer file, or name it and why it is one; remove a shorter one',
  )
})

t.test('the checker reports each kind of breach', async (t) => {
  const core = { 'src/core/clock.ts': 'export const clock = 1' }
  const cases: readonly {
    name: string
    files: Record<string, string>
    subRanks?: ImportRules['subRanks']
    expected: readonly RegExp[]
  }[] = [
    {
      name: 'down and within are allowed',
      files: {
        ...core,
        'src/wire/frame.ts': "import { clock } from '../core/clock.js'\nimport { a } from './deep/part.js'",
        'src/wire/deep/part.ts': "import { z } from 'zod'\nexport const a = 1",
      },
      expected: [],
    },
    {
      name: 'up',
      files: { ...core, 'src/core/up.ts': "import { f } from '../wire/f.js'", 'src/wire/f.ts': 'export const f = 1' },
      expected: [/^src\/core\/up\.ts:1: core \(rank 0\) imports wire \(rank 1\)/],
    },
    {
      name: 'sideways, by type only',
      files: { 'src/wire/f.ts': "\nimport type { Q } from '../qos/q.js'", 'src/qos/q.ts': 'export type Q = 1' },
      expected: [/^src\/wire\/f\.ts:2: wire .* imports qos/],
    },
    {
      name: 'up, by a dynamic import, an import type and a re-export',
      files: {
        'src/core/a.ts': "export const load = () => import('../cli/m.js')",
        'src/core/b.ts': "export type M = import('../cli/m.js').M",
        'src/core/c.ts': "export { M } from '../cli/m.js'",
        'src/cli/m.ts': 'export type M = 1',
      },
      expected: [/core\/a\.ts:1: core/, /core\/b\.ts:1: core/, /core\/c\.ts:1: core/, /core\/c\.ts:1: re-exports/],
    },
    {
      name: 'a computed import hides its target',
      files: { 'src/cli/m.ts': "const name = './x.js'\nawait import(name)" },
      expected: [/^src\/cli\/m\.ts:2: imports \(computed\) name/],
    },
    {
      name: 'packages have one importer',
      files: {
        'src/pubsub/a.ts': "import zmq from 'zeromq'\nimport { Radio } from 'zeromq/draft'",
        'src/cli/b.ts': "import dgram from 'node:dgram'",
        'src/transport/c.ts': "import dgram from 'node:dgram'\nimport 'zeromq'",
      },
      expected: [/a\.ts:1: .*zeromq.*src\/transport/, /a\.ts:2: .*zeromq\/draft.*src\/transport/, /b\.ts:1: .*dgram/],
    },
    {
      name: 'a package that users would not have',
      files: { 'src/core/a.ts': "import ts from 'typescript'\nimport { z } from 'zod'\nimport fs from 'fs'" },
      expected: [/a\.ts:1: imports typescript/, /a\.ts:3: imports fs/],
    },
    {
      name: 'the addon has one importer',
      files: {
        'src/roles/a.ts': "import { createRequire } from 'node:module'",
        'src/roles/b.ts': "process.dlopen(m, 'x.node')",
        'src/core/lazy-schema.ts': "import { createRequire } from 'node:module'\nprocess.dlopen(m, 'addon')",
        'src/topology/c.ts': "import { createRequire } from 'node:module'\nexport const p = '../build/Release/x.node'",
      },
      expected: [/a\.ts:1: only src\/topology/, /b\.ts:1: only/, /b\.ts:1: only/, /lazy-schema\.ts:2: only/],
    },
    {
      name: 'a folder without a rank, and a file beside the barrel',
      files: { 'src/utils/a.ts': 'export const a = 1', 'src/helpers.ts': 'export const b = 1' },
      expected: [/utils has no rank/, /only the entry points live directly in src/],
    },
    {
      name: 'leaving src, a missing file, and importing the barrel',
      files: {
        'src/cli/a.ts': "import pkg from '../../package.json'\nimport './gone.js'\nimport { a } from '../index.js'",
        'src/index.ts': "export { a } from './cli/b.js'",
        'src/cli/b.ts': 'export const a = 1',
      },
      expected: [/a\.ts:1: .*outside src/, /a\.ts:2: .*does not exist/, /a\.ts:3: imports the barrel/],
    },
    {
      name: 'a sub-folder: down and within are allowed; sideways, up and without a rank are not',
      files: {
        'src/roles/shared/a.ts': "import { b } from '../worker/b.js'\nexport const a = 1",
        'src/roles/worker/b.ts': "import { c } from './c.js'\nimport { d } from '../node/d.js'\nexport const b = 1",
        'src/roles/worker/c.ts': "import { e } from '../shared/e.js'\nexport const c = 1",
        'src/roles/node/d.ts': 'export const d = 1',
        'src/roles/shared/e.ts': 'export const e = 1',
        'src/roles/f.ts': 'export const f = 1',
      },
      subRanks: { roles: { shared: 0, worker: 1, node: 1 } },
      expected: [
        /shared\/a\.ts:1: roles\/shared \(rank 0\) imports roles\/worker \(rank 1\)/,
        /worker\/b\.ts:2: roles\/worker .* imports roles\/node/,
        /roles\/f\.ts:1: the folder roles\/ has no rank/,
      ],
    },
    {
      name: 'a circle inside a folder, by type only',
      files: {
        'src/core/a.ts': "import type { B } from './b.js'\nexport type A = B",
        'src/core/b.ts': "import type { C } from './c.js'\nexport type B = C",
        'src/core/c.ts': "import type { B } from './b.js'\nexport type C = B",
      },
      expected: [/b\.ts:1: is in a circle of imports: src\/core\/b\.ts → src\/core\/c\.ts → src\/core\/b\.ts$/],
    },
    {
      name: 'a barrel that is alphabetical and named',
      files: {
        ...core,
        'src/index.ts': "export { clock } from './core/clock.js'\nexport type { F } from './wire/frame.js'",
        'src/wire/frame.ts': 'export type F = 1',
      },
      expected: [],
    },
    {
      name: 'a barrel that is neither',
      files: {
        ...core,
        'src/index.ts': "export { F } from './wire/frame.js'\nexport * from './core/clock.js'\nexport const x = 1",
        'src/wire/frame.ts': 'export const F = 1',
      },
      expected: [/index\.ts:2: .*export \*/, /index\.ts:2: .*alphabetical/, /index\.ts:3: .*only/],
    },
  ]
  for (const { name, files, subRanks = {}, expected } of cases) {
    const found = breaches(new Map(Object.entries(files)), { ...rules, subRanks })
    t.equal(found.length, expected.length, `${name}: ${JSON.stringify(found)}`)
    for (const pattern of expected)
      t.ok(
        found.some((breach) => pattern.test(breach)),
        `${name}: ${pattern}`,
      )
  }
})

function readTree(folder = 'src'): SourceTree {
  const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file.split(path.sep).join('/')))
    .sort()
  return new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]))
}
