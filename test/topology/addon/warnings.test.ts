import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..')

t.test('docs/topology.md lists exactly the existing warnings', async (t) => {
  const folder = path.join(root, 'native', 'src')
  const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => readFileSync(path.join(folder, name), 'utf8'))
    .join('\n')
  const used = new Set<string>(['addon-unavailable', 'more-warnings'])
  // warnings.add("code", … — or one of two: warnings.add(ok ? "one" : "other", …
  for (const [, condition, first, second] of code.matchAll(
    /warnings_?\.add\(\s*([^",]*)"([a-z-]+)"(?:\s*:\s*"([a-z-]+)")?/g,
  )) {
    if (first !== undefined) used.add(first)
    if (condition !== '' && second !== undefined) used.add(second)
  }
  const table =
    readFileSync(path.join(root, 'docs', 'topology.md'), 'utf8')
      .split('## Warnings')[1]
      ?.split('\n## ')[0] ?? ''
  const listed = new Set(
    [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) =>
      [...(cell ?? '').matchAll(/`([a-z-]+)`/g)].map(([, name]) => name),
    ),
  )
  t.same([...listed].sort(), [...used].sort())
})
