import fc from 'fast-check'
import t from 'tap'
import { type PersistentMap, PersistentMapBuilder } from '../../../src/views/snapshot/persistent-map.js'

const key = fc.integer({ min: 0, max: 400 }).map((number) => `key-${number}`)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('set' as const), key, value: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
)

t.test('each version equals a plain map at that time and never changes', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const builder = new PersistentMapBuilder<number>()
      const plain = new Map<string, number>()
      const versions: [PersistentMap<number>, Map<string, number>][] = []
      for (const one of steps) {
        if (one.do === 'snapshot') versions.push([builder.snapshot(), new Map(plain)])
        else if (one.do === 'set') {
          builder.set(one.key, one.value)
          plain.set(one.key, one.value)
        } else if (builder.delete(one.key) !== plain.delete(one.key)) t.fail(`${one.key} was deleted by one only`)
      }
      versions.push([builder.snapshot(), plain])
      for (const [version, expected] of versions) {
        t.equal(version.size, expected.size)
        t.strictSame(new Map(version), expected)
        t.strictSame(
          [...version.keys()],
          [...version].map(([name]) => name),
        )
        t.strictSame(
          [...version.values()],
          [...version].map(([, value]) => value),
        )
        t.ok([...expected].every(([name, value]) => version.get(name) === value))
        t.equal(version.has('absent'), false)
      }
    }),
    { numRuns: 12 },
  )
  t.end()
})

t.test('a snapshot without changes is the same object', (t) => {
  const builder = new PersistentMapBuilder<number>()
  builder.set('a', 1)
  const first = builder.snapshot()
  builder.delete('b')
  t.equal(builder.snapshot(), first)
  builder.set('a', 1)
  t.not(builder.snapshot(), first)
  t.end()
})
