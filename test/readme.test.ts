import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import * as barrel from '../src/index.js'

const root = path.resolve(import.meta.dirname, '..', '..')
const readme = readFileSync(path.join(root, 'README.md'), 'utf8')

t.test('what the README imports is what the package exports', async (t) => {
  const imports = [...readme.matchAll(/^import \{ ([^}]+) \} from 'numacast'$/gm)].flatMap(
    ([, names]) => names?.split(', ') ?? [],
  )
  t.ok(imports.includes('Worker') && imports.includes('joinDomain'), imports.join(', '))
  for (const name of imports) t.ok(name in barrel, name)
})

t.test('its links lead somewhere', async (t) => {
  const pages = [
    'README.md',
    'SECURITY.md',
    'docs/architecture.md',
    'docs/contributing.md',
    'docs/benchmarks.md',
    'docs/network.md',
  ]
  for (const page of pages) {
    const text = readFileSync(path.join(root, page), 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      const file = path.resolve(root, path.dirname(page), target ?? '')
      t.doesNotThrow(() => readFileSync(file), `${page} → ${target}`)
    }
  }
})
