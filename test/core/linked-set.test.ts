import fc from 'fast-check'
import t from 'tap'
import { LinkedSet } from '../../src/core/linked-set.js'

t.test('items are iterated in insertion order', (t) => {
  const set = new LinkedSet<string>()
  t.same([set.size, set.first, set.last, [...set]], [0, undefined, undefined, []])
  for (const item of ['a', 'b', 'c', 'b']) set.add(item)
  t.same([set.size, set.first, set.last, [...set]], [3, 'a', 'c', ['a', 'b', 'c']])
  t.equal(set.delete('a'), true)
  t.equal(set.delete('a'), false)
  t.equal(set.has('a'), false)
  set.add('a')
  t.same([...set], ['b', 'c', 'a'])
  t.end()
})

t.test('items may be deleted during iteration', (t) => {
  const set = new LinkedSet<number>()
  for (let item = 0; item < 10; item++) set.add(item)
  const seen: number[] = []
  for (const item of set) {
    seen.push(item)
    set.delete(item)
    if (item === 9) set.add(100)
  }
  t.same(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.same([...set], [100])
  t.end()
})

t.test('a LinkedSet behaves like a Set', (t) => {
  const step = fc.record({ add: fc.boolean(), item: fc.nat(8) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const linked = new LinkedSet<number>()
      const plain = new Set<number>()
      for (const { add, item } of steps) {
        if (add) {
          linked.add(item)
          plain.add(item)
        } else if (linked.delete(item) !== plain.delete(item)) throw new Error('delete')
        const items = [...plain]
        if (`${[...linked]}` !== `${items}`) throw new Error(`${[...linked]} is not ${items}`)
        if (linked.first !== items[0] || linked.last !== items.at(-1)) throw new Error('ends')
      }
    }),
    { seed: 1, numRuns: 300 },
  )
  t.end()
})
