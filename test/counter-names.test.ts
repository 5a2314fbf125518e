import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.resolve(import.meta.dirname, '..', '..')
const isApi = new Set(['participant.counters'])
/** A name of two parts or more, each part of words or a placeholder: `datagram.failed.bind.<reason>`. */
const name = /`([a-z]+(?:-[a-z]+)*(?:\.(?:[a-z]+(?:-[a-z]+)*|<[a-z ]+>|…))+)`/g

/** Returns the counters that a page names: beside the word, or in a table that has a column of counters. */
function countersOf(page: string): string[] {
  const found: string[] = []
  let isTable = false
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) isTable = false
    else if (/counter/i.test(line) && !line.includes('`')) isTable = true
    if (!isTable && !/counter/i.test(line)) continue
    found.push(...[...line.matchAll(name)].map(([, counter = '']) => counter))
  }
  return found.filter((counter) => !isApi.has(counter))
}

t.test('each counter that the documentation names is counted by src', async (t) => {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(path.join(root, 'src', file), 'utf8'))
    .join('\n')
  const pages = readdirSync(path.join(root, 'docs')).filter((file) => file.endsWith('.md'))
  let checked = 0
  for (const page of pages) {
    for (const counter of countersOf(readFileSync(path.join(root, 'docs', page), 'utf8'))) {
      const [fixed = ''] = counter.split(/[<…]/)
      const counted = [`'${fixed}`, `\`${fixed}`].some((text) => sources.includes(text))
      t.ok(counted, `docs/${page}: ${counter}`)
      checked += 1
    }
  }
  t.ok(checked > 20, 'the scan finds them')
})
