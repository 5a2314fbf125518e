import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import * as main from '../src/index.js'
import * as placement from '../src/placement.js'
import * as pubsub from '../src/pubsub.js'
import * as testing from '../src/testing.js'
import * as topology from '../src/topology.js'
import * as views from '../src/views.js'

const root = path.resolve(import.meta.dirname, '..', '..')
const read = (page: string): string => readFileSync(path.join(root, page), 'utf8')
const pages = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'examples/first-fleet/README.md',
  'examples/hot-standby/README.md',
  'examples/placement/README.md',
]

const entryPoints: Readonly<Record<string, object>> = {
  numacast: main,
  'numacast/placement': placement,
  'numacast/pubsub': pubsub,
  'numacast/testing': testing,
  'numacast/topology': topology,
  'numacast/views': views,
}

t.test('each name that a page imports is exported by that entry point of the package', async (t) => {
  const imports = pages.flatMap((page) =>
    [...read(page).matchAll(/^import \{ ([^}]+) \} from '(numacast[^']*)'$/gm)].flatMap(([, names, entry = '']) =>
      (names?.split(', ') ?? []).map((name) => ({ page, name, entry })),
    ),
  )
  for (const expected of ['Worker', 'joinDomain']) {
    t.ok(
      imports.some(({ name }) => name === expected),
      `${expected} is shown`,
    )
  }
  for (const { page, name, entry } of imports) t.ok(name in (entryPoints[entry] ?? {}), `${page}: ${name} of ${entry}`)
})

t.test('the README has at most 150 lines', async (t) => {
  const lines = read('README.md').trimEnd().split('\n').length
  t.ok(lines <= 150, `${lines} lines`)
})

t.test('each link of a page leads to a file, and to a heading of it', async (t) => {
  for (const page of pages) {
    for (const [, target = '', anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const file = target === '' ? page : path.posix.join(path.posix.dirname(page), target)
      t.doesNotThrow(() => read(file), `${page} → ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(read(file)).has(anchor), `${page} → ${target}#${anchor}`)
    }
  }
})

t.test('each source file that a page names exists', async (t) => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:src|test|native|bench|examples|\.ci)\/[\w./-]+)`/g)].map(([, file = '']) => ({
      page,
      file,
    })),
  )
  t.ok(named.length > 40, `${named.length} files are named`)
  for (const { page, file } of named) t.ok(existsSync(path.join(root, file)), `${page} names ${file}`)
})

/** Returns the anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
