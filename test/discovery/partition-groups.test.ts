import t from 'tap'
import { dataGroup, resolvePartitions, solicitGroup } from '../../src/discovery/partition-groups.js'

t.test('the groups equal those of docs/wire.md', (t) => {
  t.same(dataGroup(0, 'default'), { name: 'penbd52q321hfu', port: 7432 })
  t.same(solicitGroup(2, 'default'), { name: 'p9hla68nkr01nj', port: 7400 + 500 + 187 })
  t.throws(() => dataGroup(232, 'default'), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})

t.test('partition names are validated', (t) => {
  t.same(resolvePartitions(undefined), ['default'])
  t.same(resolvePartitions('a'), ['a'])
  t.same(resolvePartitions(['a', 'b', 'a']), ['a', 'b'])
  const many = Array.from({ length: 65 }, (_, n) => `p${n}`)
  for (const names of [[], '', 'x'.repeat(201), 'a?', ['a', ''], many]) {
    t.throws(() => resolvePartitions(names), { code: 'NUMACAST_INVALID_ARGUMENT' }, String(names).slice(0, 20))
  }
  t.end()
})
