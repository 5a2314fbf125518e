import t from 'tap'
import { topologyLines } from '../../src/observe/topology-table.js'
import { addonStatus } from '../../src/topology/addon/addon.js'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'
import type { Headroom } from '../../src/topology/model/cgroup-headroom.js'
import type { NumaNode } from '../../src/topology/model/numa-topology.js'
import { readTopology } from '../../src/topology/numa/topology.js'
import { plantTree } from '../support/machine-tree.js'
import { requirement } from '../support/requirement.js'

const gibi = 1024 ** 3

t.test('free and available are two columns, by the kernel’s names', async (t) => {
  const node: NumaNode = {
    ...(readTopology().nodes[0] as NumaNode),
    memoryTotalBytes: 24 * gibi,
    memoryFreeBytes: 2 * gibi,
    memoryAvailableBytes: 20 * gibi,
  }
  const [, heading, row] = topologyLines({ ...readTopology(), nodes: [node] }, readHeadroom())
  t.match(heading, / MEMORY +FREE +AVAILABLE +ALLOWED$/)
  t.match(row, / 24\.0 GiB +2\.0 GiB +20\.0 GiB +(yes|no|unknown)$/)
})

t.test('the process count is printed, or the reason why it is unknown', async (t) => {
  const place = { controller: 'pids', version: 1, directory: '/p', mountPoint: '/p', ancestorsVisible: true } as const
  const row = (pids: Headroom['pids'], cgroupPath: string): string | undefined =>
    topologyLines(readTopology(), { ...readHeadroom(), pids, places: [{ ...place, cgroupPath }] }).find((line) =>
      line.startsWith('pids '),
    )
  const unlimited = { state: 'unlimited' } as const
  const limited = { state: 'limited', value: 100, levelPath: '/a' } as const
  t.match(row({ limit: unlimited, current: null, headroom: null }, '/'), /none +not counted at the root +no limit$/)
  t.match(row({ limit: unlimited, current: null, headroom: null }, '/a'), /none +unknown +no limit$/)
  t.match(row({ limit: unlimited, current: 7, headroom: null }, '/a'), /none +7 +no limit$/)
  t.match(row({ limit: limited, current: 7, headroom: 93 }, '/a'), /100 \(\/a\) +7 +93$/)
})

t.test('without /proc/meminfo the sizes are unknown, and one warning names the file', async (t) => {
  if (!requirement(t, 'the native addon', addonStatus().available, 'it is not compiled')) return
  const root = plantTree(t, {
    '/sys/devices/system/cpu/online': '0-1\n',
    '/proc/self/mountinfo': '',
    '/proc/self/cgroup': '',
  })
  const lines = topologyLines(readTopology({ root }), readHeadroom({ root }))
  t.ok(
    lines.some((line) => / unknown safe, unknown at most$/.test(line)),
    lines.join('\n'),
  )
  t.equal(lines.filter((line) => line.includes('/proc/meminfo')).length, 1, lines.join('\n'))
  t.notMatch(lines.join('\n'), /\?/)
})
