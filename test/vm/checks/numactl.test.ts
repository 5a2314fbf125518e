import t from 'tap'
import { parseIdList } from './id-list.js'
import { parseNumactl } from './numactl.js'

const printed = `available: 3 nodes (0,2-3)
node 0 cpus: 0 1 10
node 0 size: 974 MB
node 0 free: 947 MB
node 2 cpus: 4
node 2 size: 0 MB
node 2 free: 0 MB
node 3 cpus:
node 3 size: 502 MB
node 3 free: 484 MB
node distances:
node   0   2   3 
  0:  10  16  32 
  2:  32  10  32 
  3:  32  32  10 
`

t.test('the output of numactl -H is parsed', async (t) => {
  t.same(parseNumactl(printed), {
    nodes: [
      { id: 0, cpus: [0, 1, 10], sizeMiB: 974, freeMiB: 947 },
      { id: 2, cpus: [4], sizeMiB: 0, freeMiB: 0 },
      { id: 3, cpus: [], sizeMiB: 502, freeMiB: 484 },
    ],
    distances: [
      [10, 16, 32],
      [32, 10, 32],
      [32, 32, 10],
    ],
  })
  t.same(parseNumactl('No NUMA support available on this system.\n'), { nodes: [], distances: [] })
})

t.test('the id lists of the kernel are parsed', async (t) => {
  t.same(parseIdList('0-2,5\n'), [0, 1, 2, 5])
  t.same(parseIdList('\n'), [])
})
