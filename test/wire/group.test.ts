import t from 'tap'
import { partitionAddress } from '../../src/wire/group.js'
import { isGroupName } from '../../src/wire/radio.js'

t.test('group addresses equal those of docs/wire.md', (t) => {
  t.same(partitionAddress('default'), { groupName: 'penbd52q321hfu', offset: 32 })
  t.same(partitionAddress('default?'), { groupName: 'p9hla68nkr01nj', offset: 187 })
  t.end()
})

t.test('any name maps to a valid group, and names spread over the addresses', (t) => {
  const groups = new Set<string>()
  const offsets = new Set<number>()
  for (let n = 0; n < 5000; n++) {
    const { groupName, offset } = partitionAddress(`partition ${n} ключ`)
    if (!isGroupName(groupName) || groupName.length !== 14 || offset < 0 || offset > 249) t.fail(groupName)
    groups.add(groupName)
    offsets.add(offset)
  }
  t.equal(groups.size, 5000)
  t.equal(offsets.size, 250)
  t.end()
})
