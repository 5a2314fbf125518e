import { readFileSync } from 'node:fs'
import t from 'tap'
import { defaultQos } from '../../src/qos/qos.js'

const page = readFileSync(new URL('../../../docs/qos.md', import.meta.url), 'utf8')

/** Policies by the names of the page, `resourceLimits.maxSamples` for a nested one. */
function flat(qos: object, prefix = ''): [string, unknown][] {
  return Object.entries(qos).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null ? flat(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value]],
  )
}

t.test('docs/qos.md lists the default of each policy, and of no other', (t) => {
  const rows = [...page.matchAll(/^\| (`[^|]*`) +\| ([^|]*?) +\|/gm)]
  const told = new Map(
    rows.flatMap(([, names = '', defaults = '']) => {
      const values = defaults.split(', ').length === names.split(', ').length ? defaults.split(', ') : [defaults]
      return names.split(', ').map((name, index) => [name.replaceAll('`', ''), values[index]?.replaceAll('`', '')])
    }) as [string, string][],
  )
  const expected = flat(defaultQos).map(([name, value]): [string, string] => [
    name,
    typeof value === 'number' ? value.toLocaleString('en') : String(value),
  ])
  t.same([...told].sort(), expected.sort())
  t.end()
})
