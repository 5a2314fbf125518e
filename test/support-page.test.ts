import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.resolve(import.meta.dirname, '..', '..')
const [environments = '', tests = ''] = ['Environments', 'Tests of the environments'].map((heading) => {
  const page = readFileSync(path.join(root, 'docs', 'support.md'), 'utf8')
  return page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0]
})

/** Returns the cells of a table, without its head. */
function cellsOf(section: string): string[][] {
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  const cells = lines.map((line) => line.split('|').slice(1, -1))
  return cells.slice(2).map((row) => row.map((cell) => cell.trim()))
}

t.test('each environment that docs/support.md describes names its tests, or is not tested', async (t) => {
  const described = cellsOf(environments)
  const tested = new Set(cellsOf(tests).map(([environment = '']) => environment))
  t.ok(described.length > 20)
  for (const [environment = '', works] of described) {
    t.equal(tested.has(environment), works !== 'not tested', environment)
  }
  for (const environment of tested)
    t.ok(
      described.some(([known]) => known === environment),
      environment,
    )
})

t.test('each test that docs/support.md names exists', async (t) => {
  for (const [environment, file = '', name = ''] of cellsOf(tests)) {
    const source = path.join(root, file.replaceAll('`', ''))
    if (!existsSync(source)) t.fail(`${environment}: ${file} does not exist`)
    else t.ok(hasTest(readFileSync(source, 'utf8'), name), `${file}: ${name}`)
  }
})

/** Names are compared as they are written, without escapes. */
function hasTest(source: string, name: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`))
}
