import fc from 'fast-check'
import t from 'tap'
import { type SlotSet, SlotSetBuilder, slotsPerChunk } from '../../../src/views/snapshot/slot-set.js'

const slot = fc.integer({ min: 0, max: slotsPerChunk * 4 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), slot }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
)

t.test('each version equals a plain set at that time and never changes', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const builder = new SlotSetBuilder()
      const plain = new Set<number>()
      const versions: [SlotSet, number[]][] = []
      const ascending = (): number[] => [...plain].sort((a, b) => a - b)
      for (const one of steps) {
        if (one.do === 'snapshot') versions.push([builder.snapshot(), ascending()])
        else if (one.do === 'add') {
          builder.add(one.slot)
          plain.add(one.slot)
        } else {
          builder.delete(one.slot)
          plain.delete(one.slot)
        }
        if (builder.size !== plain.size) t.fail(`${builder.size} members, and ${plain.size} should be`)
      }
      versions.push([builder.snapshot(), ascending()])
      for (const [version, expected] of versions) {
        t.strictSame([...version], expected)
        t.equal(version.size, expected.length)
        t.equal(
          expected.every((member) => version.has(member)),
          true,
        )
        t.equal(version.has(slotsPerChunk * 9), false)
      }
    }),
    { numRuns: 25 },
  )
  t.end()
})

t.test('a chunk without members takes no memory', (t) => {
  const builder = new SlotSetBuilder()
  builder.add(slotsPerChunk * 3 + 1)
  t.equal(builder.snapshot().words(0), undefined)
  t.not(builder.snapshot().words(3), undefined)
  builder.delete(slotsPerChunk * 3 + 1)
  t.equal(builder.snapshot().words(3), undefined)
  t.end()
})
