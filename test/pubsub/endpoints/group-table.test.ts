import t from 'tap'
import { GroupTable, maxKeptPartitions } from '../../../src/pubsub/endpoints/group-table.js'

t.test(
  'a partition keeps its group, and the partition that was made first is dropped when there are too many',
  async (t) => {
    const groups = new GroupTable(0)
    const first = groups.data('p0')
    for (let index = 1; index < maxKeptPartitions; index++) groups.data(`p${index}`)
    t.equal(groups.data('p0'), first)
    t.not(groups.solicit('p0'), first, 'solicits have groups of their own')
    groups.data('one more')
    const again = groups.data('p0')
    t.not(again, first)
    t.same(again, first, 'a group that is made again is the same on the wire')
  },
)
