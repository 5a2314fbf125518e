import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import type { Topology } from '../../../src/topology/model/numa-topology.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import { hostFiles, numaFiles, plantTree, type TreeFiles } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

const ids = (topology: Topology) => topology.nodes.map(({ id }) => id)
const codes = (topology: Topology) => topology.warnings.map(({ code }) => code)
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.test('a machine of four nodes is read completely', async (t) => {
    const root = plantTree(
      t,
      numaFiles({
        online: '0-3',
        cpuOnline: '0-7',
        nodes: {
          0: { cpulist: '0-2', totalKb: 4096, freeKb: 1024, distance: '10 16 32 32' },
          1: { cpulist: '3-5', totalKb: 8192, freeKb: 2048, distance: '16 10 32 32' },
          2: { cpulist: '6-7', totalKb: 0, freeKb: 0, distance: '32 32 10 16' },
          3: { cpulist: '', totalKb: 2048, freeKb: 2000, distance: '32 32 16 10' },
        },
      }),
      {
        '/proc/self/status': 'Cpus_allowed_list:\t0-7\nMems_allowed_list:\t0-1,3\n',
        '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages': '7\n',
        '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages': '5\n',
        '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/surplus_hugepages': '1\n',
        // Lists node 3 without memory. The has_* files are unreliable.
        '/sys/devices/system/node/has_memory': '0-1\n',
      },
    )
    const topology = readTopology({ root })
    t.equal(topology.source, 'sysfs')
    t.same(topology.warnings, [])
    t.same(topology.distances, {
      nodeIds: [0, 1, 2, 3],
      matrix: [
        [10, 16, 32, 32],
        [16, 10, 32, 32],
        [32, 32, 10, 16],
        [32, 32, 16, 10],
      ],
    })
    t.same(
      topology.nodes.map(({ cpus }) => cpus),
      [[0, 1, 2], [3, 4, 5], [6, 7], []],
    )
    t.same(topology.nodes[3]?.localCpus, [6, 7], 'the memory-only node belongs to its nearest CPUs')
    t.same(
      topology.nodes.map(({ allowed }) => allowed),
      [true, true, false, true],
    )
    t.match(topology.nodes[0], {
      memoryTotalBytes: 4096 * 1024,
      memoryFreeBytes: 1024 * 1024,
      activeFileBytes: 8192,
      inactiveFileBytes: 16384,
      slabReclaimableBytes: 4096,
      memoryAvailableBytes: (1024 + 8 + 16 + 4) * 1024,
      hugepages: [{ pageBytes: 2 * 1024 * 1024, total: 7, free: 5, surplus: 1 }],
    })
  })

  t.test('sparse ids: the k-th distance belongs to the k-th online node, and may be asymmetric', async (t) => {
    const nodes = {
      2: { cpulist: '0-1', distance: '10 20 40' },
      5: { cpulist: '2-3', distance: '21 10 41' },
      11: { cpulist: '4-5', distance: '40 40 10' },
    }
    const topology = readTopology({ root: plantTree(t, numaFiles({ online: '2,5,11', nodes })) })
    t.same(ids(topology), [2, 5, 11])
    t.same(topology.distances, {
      nodeIds: [2, 5, 11],
      matrix: [
        [10, 20, 40],
        [21, 10, 41],
        [40, 40, 10],
      ],
    })
  })

  t.test('the nodes are found by the first usable source', async (t) => {
    const nodes = { 1: { cpulist: '0-1' }, 10: { cpulist: '2' }, 2: { cpulist: '3' } }
    t.test('node/online excludes offline directories', async (t) => {
      t.same(ids(readTopology({ root: plantTree(t, numaFiles({ online: '1-2', nodes })) })), [1, 2])
    })
    t.test('without node/online the directories are used, in numeric order', async (t) => {
      const noise: TreeFiles = {
        '/sys/devices/system/node/nodeX/meminfo': '',
        '/sys/devices/system/node/node/meminfo': '',
        '/sys/devices/system/node/node12suffix/meminfo': '',
      }
      t.same(ids(readTopology({ root: plantTree(t, numaFiles({ nodes }), noise) })), [1, 2, 10])
    })
    t.test('without directories the bus is used', async (t) => {
      const root = plantTree(t, numaFiles({ nodes, base: '/sys/bus/node/devices' }))
      const topology = readTopology({ root })
      t.same(ids(topology), [1, 2, 10])
      t.same(topology.nodes[0]?.cpus, [0, 1])
    })
    t.test('links of the bus stay inside the tree, even absolute ones', async (t) => {
      const root = plantTree(t, numaFiles({ nodes, base: '/sys/elsewhere' }), {
        '/sys/bus/node/devices/node1': { link: '/sys/elsewhere/node1' },
        '/sys/bus/node/devices/node2': { link: '../../../../../../../../../../sys/elsewhere/node2' },
      })
      t.same(
        readTopology({ root }).nodes.map(({ id, cpus }) => [id, cpus]),
        [
          [1, [0, 1]],
          [2, [3]],
        ],
      )
    })
    t.test('a malformed node/online is a warning, and the directories are used', async (t) => {
      for (const online of ['junk', '0-99999999999', '3-1', '1,,2', '-', '4294967296', '0-5000']) {
        const topology = readTopology({ root: plantTree(t, numaFiles({ online, nodes })) })
        t.same(ids(topology), [1, 2, 10], online)
        t.ok(codes(topology).includes('malformed'), online)
      }
    })
    t.test('a node listed as online without a directory is a warning', async (t) => {
      const topology = readTopology({ root: plantTree(t, numaFiles({ online: '1,10-11', nodes })) })
      t.same(ids(topology), [1, 10, 11])
      t.match(topology.nodes[2], { cpus: [], memoryTotalBytes: null })
      t.ok(codes(topology).includes('nodes-missing'))
    })
    t.test('without any node one is synthesised, and source shows that', async (t) => {
      const root = plantTree(t, hostFiles(8192, 2048), { '/sys/devices/system/cpu/online': '0-2,5\n' })
      const topology = readTopology({ root })
      t.equal(topology.source, 'synthesised')
      t.ok(codes(topology).includes('nodes-synthesised'))
      t.match(topology.nodes, [{ id: 0, cpus: [0, 1, 2, 5], localCpus: [0, 1, 2, 5], memoryTotalBytes: 8192 * 1024 }])
      t.equal(topology.distances, null)
    })
    t.test('an empty tree yields only unknown values', async (t) => {
      const topology = readTopology({ root: plantTree(t) })
      t.match(topology, {
        source: 'synthesised',
        nodes: [{ id: 0, cpus: [], memoryTotalBytes: null, memoryFreeBytes: null }],
      })
      t.ok(topology.warnings.length > 1)
    })
  })

  t.test('the CPUs of a node are read', async (t) => {
    const cpusOf = (t: Parameters<typeof plantTree>[0], ...files: TreeFiles[]) =>
      readTopology({ root: plantTree(t, ...files) }).nodes[0]?.cpus
    t.test('cpumap is used without a cpulist, highest word first', async (t) => {
      const nodes = { 0: { cpumap: '00000001,00000000,80000003' } }
      t.same(cpusOf(t, numaFiles({ online: '0', nodes })), [0, 1, 31, 64])
    })
    t.test('cpumap is used if cpulist is malformed', async (t) => {
      const root = plantTree(t, numaFiles({ online: '0', nodes: { 0: { cpulist: '0-x', cpumap: 'f0' } } }))
      const topology = readTopology({ root })
      t.same(topology.nodes[0]?.cpus, [4, 5, 6, 7])
      t.ok(codes(topology).includes('malformed'))
    })
    t.test('an empty cpulist is valid', async (t) => {
      const topology = readTopology({ root: plantTree(t, numaFiles({ online: '0', nodes: { 0: { cpulist: '' } } })) })
      t.same(topology.nodes[0]?.cpus, [])
      t.notOk(codes(topology).includes('malformed'))
    })
    t.test('offline CPUs are omitted', async (t) => {
      const nodes = { 0: { cpulist: '0-7' } }
      t.same(cpusOf(t, numaFiles({ online: '0', cpuOnline: '0-2,6', nodes })), [0, 1, 2, 6])
    })
    t.test('offline CPUs are omitted by cpuN/online, which cpu0 lacks', async (t) => {
      const files: TreeFiles = {
        '/sys/devices/system/cpu/cpu0/topology/core_id': '0\n',
        '/sys/devices/system/cpu/cpu1/online': '0\n',
        '/sys/devices/system/cpu/cpu2/online': '1\n',
        '/sys/devices/system/cpu/cpuidle/online': '1\n',
      }
      t.same(cpusOf(t, numaFiles({ online: '0', nodes: { 0: { cpulist: '0-7' } } }), files), [0, 2])
    })
    t.test('a list of 4,096 CPUs, longer than a page, is read', async (t) => {
      const even = range(0, 2047).map((index) => index * 2)
      const odd = even.map((id) => id + 1)
      t.ok(even.join(',').length > 8192)
      const nodes = { 0: { cpulist: even.join(',') }, 1: { cpulist: odd.join(',') } }
      const topology = readTopology({ root: plantTree(t, numaFiles({ online: '0-1', cpuOnline: '0-4095', nodes })) })
      t.same(topology.nodes[0]?.cpus, even)
      t.same(topology.nodes[1]?.cpus, odd)
    })
    t.test('a mask of 4,096 CPUs is read', async (t) => {
      const cpumap = Array(128).fill('ffffffff').join(',')
      t.same(cpusOf(t, numaFiles({ online: '0', nodes: { 0: { cpumap } } })), range(0, 4095))
    })
    t.test('a list with a stride is read', async (t) => {
      t.same(cpusOf(t, numaFiles({ online: '0', nodes: { 0: { cpulist: '0-9:2/5,20' } } })), [0, 1, 5, 6, 20])
    })
    t.test('NUL padding in a capture is ignored', async (t) => {
      t.same(
        cpusOf(t, numaFiles({ online: '0\n\0\0\0', nodes: { 0: { cpulist: `0-3\n${'\0'.repeat(4000)}` } } })),
        [0, 1, 2, 3],
      )
    })
    t.test('overlapping nodes are a warning', async (t) => {
      const nodes = { 0: { cpulist: '0-3' }, 1: { cpulist: '3-5' } }
      t.ok(codes(readTopology({ root: plantTree(t, numaFiles({ online: '0-1', nodes })) })).includes('nodes-overlap'))
    })
    t.test('a renumbered cpu/online (lxcfs) is a warning and is not used', async (t) => {
      const files = numaFiles({ online: '0', cpuOnline: '0-3', nodes: { 0: { cpulist: '0-15' } } })
      const status = { '/proc/self/status': 'Cpus_allowed_list:\t8-11\n' }
      const topology = readTopology({ root: plantTree(t, files, status) })
      t.ok(codes(topology).includes('cpu-online-renumbered'))
      t.same(topology.nodes[0]?.cpus, range(0, 15))
    })
    t.test('a cpu/online that the CPUs’ own files contradict is a container’s view', async (t) => {
      const files = numaFiles({
        online: '0-1',
        cpuOnline: '0-1',
        nodes: { 0: { cpulist: '0-3' }, 1: { cpulist: '4-7' } },
      })
      const own = Object.fromEntries(
        range(1, 7).map((id) => [`/sys/devices/system/cpu/cpu${id}/online`, id === 6 ? '0\n' : '1\n']),
      )
      const cpu0 = { '/sys/devices/system/cpu/cpu0/topology/core_id': '0\n' }
      const topology = readTopology({ root: plantTree(t, files, own, cpu0) })
      t.ok(codes(topology).includes('cpu-online-renumbered'))
      t.same(
        topology.nodes.map((node) => node.cpus),
        [
          [0, 1, 2, 3],
          [4, 5, 7],
        ],
      )
    })
    t.test('a pinned process does not indicate renumbering', async (t) => {
      const nodes = { 0: { cpulist: '0-3', distance: '10' } }
      const files = numaFiles({ online: '0', cpuOnline: '0-3', nodes })
      for (const allowed of ['0-127', '2', '1-3']) {
        const root = plantTree(t, files, { '/proc/self/status': `Cpus_allowed_list:\t${allowed}\n` })
        t.same(readTopology({ root }).warnings, [], allowed)
      }
    })
  })

  t.test('impossible distances are a warning and are not used', async (t) => {
    for (const [name, first, second] of [
      ['too few', '10', '20 10'],
      ['too many', '10 20 30', '20 10'],
      ['no number', '10 x', '20 10'],
      ['zero', '0 20', '20 10'],
      ['negative', '-10 20', '20 10'],
      ['empty', '', '20 10'],
      ['missing', undefined, '20 10'],
    ] as const) {
      const nodes = {
        0: { cpulist: '0', ...(first === undefined ? {} : { distance: first }) },
        1: { cpulist: '1', distance: second },
      }
      const topology = readTopology({ root: plantTree(t, numaFiles({ online: '0-1', nodes })) })
      t.equal(topology.distances, null, name)
      t.ok(
        codes(topology).some((code) => code.startsWith('distances-')),
        name,
      )
      t.same(ids(topology), [0, 1], name)
    }
  })

  t.test('the local CPUs of a node without CPUs are those of its nearest nodes', async (t) => {
    const cpuNodes = { 0: { cpulist: '0-1', distance: '10 20 30' }, 1: { cpulist: '2-3', distance: '20 10 30' } }
    const local = (t: Parameters<typeof plantTree>[0], spec: object) => {
      const nodes = { ...cpuNodes, 2: { cpulist: '', distance: '30 30 10', ...spec } }
      return readTopology({ root: plantTree(t, numaFiles({ online: '0-2', nodes })) }).nodes[2]?.localCpus
    }
    t.test('access1 takes precedence over access0', async (t) => {
      t.same(local(t, { initiators: { 0: [0, 1], 1: [1] } }), [2, 3])
    })
    t.test('access0 is used if access1 is missing or leads to no CPUs', async (t) => {
      t.same(local(t, { initiators: { 0: [0], 1: [2] } }), [0, 1])
      t.same(local(t, { initiators: { 0: [0, 1], 1: undefined } }), [0, 1, 2, 3])
    })
    t.test('unknown if all nodes are equally far', async (t) => t.same(local(t, {}), []))
    t.test('the CPUs of a single nearest node', async (t) => {
      const nodes = {
        0: { cpulist: '0', distance: '10 20 17' },
        1: { cpulist: '1', distance: '20 10 28' },
        2: { cpulist: '', distance: '17 28 10' },
      }
      t.same(readTopology({ root: plantTree(t, numaFiles({ online: '0-2', nodes })) }).nodes[2]?.localCpus, [0])
    })
    t.test('the CPUs of two equally near nodes of three', async (t) => {
      const nodes = {
        0: { cpulist: '0', distance: '10 20 20 17' },
        1: { cpulist: '1', distance: '20 10 20 17' },
        2: { cpulist: '2', distance: '20 20 10 28' },
        3: { cpulist: '', distance: '17 17 28 10' },
      }
      t.same(readTopology({ root: plantTree(t, numaFiles({ online: '0-3', nodes })) }).nodes[3]?.localCpus, [0, 1])
    })
  })

  t.test('inconsistent memory sizes are a warning', async (t) => {
    const nodes = {
      0: { cpulist: '0', totalKb: 4096, distance: '10 20' },
      1: { cpulist: '1', totalKb: 4096, distance: '20 10' },
    }
    for (const [totalKb, expected] of [
      [8192, []],
      [9000, []],
      [16384, ['nodes-memory-differs']],
      [4096, ['nodes-memory-differs']],
    ] as const) {
      t.same(
        codes(readTopology({ root: plantTree(t, numaFiles({ online: '0-1', nodes }), hostFiles(totalKb)) })),
        expected,
      )
    }
  })

  t.test('broken files are warnings, never exceptions', async (t) => {
    const files = numaFiles({ online: '0-1', nodes: { 0: { cpulist: '0', distance: '10 20' }, 1: { cpulist: '1' } } })
    const root = plantTree(t, files, {
      '/sys/devices/system/node/node0/meminfo': '\0\0\u{1}junk\nNode 0 MemTotal: x kB\nNode\nNode 0\n',
      '/sys/devices/system/node/node1/distance': { directory: true },
      '/sys/devices/system/node/node1/hugepages/hugepages-kB/nr_hugepages': '1',
      '/sys/devices/system/node/node1/hugepages/hugepages-99999999999999999999kB/nr_hugepages': '1',
    })
    const topology = readTopology({ root })
    t.same(ids(topology), [0, 1])
    t.equal(topology.nodes[0]?.memoryTotalBytes, null)
    t.same(topology.nodes[1]?.hugepages, [])
    t.ok(codes(topology).includes('distances-unreadable'))
  })

  t.test('a root that is not a directory is refused', async (t) => {
    t.throws(() => readTopology({ root: '/nowhere/at/all' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => readTopology({ root: '/proc/self/stat' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => readTopology({ root: '' }), { code: 'NUMACAST_INVALID_ARGUMENT' }, 'not the current directory')
    t.throws(() => readTopology({ root: null as unknown as string }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    const loop = `${plantTree(t, { '/loop': { link: 'loop' } })}/loop`
    t.throws(() => readTopology({ root: loop }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  })

  t.test('the topology of this machine is read', async (t) => {
    const topology = readTopology()
    t.ok(topology.nodes.length >= 1)
    t.ok(topology.nodes.some(({ cpus }) => cpus.length > 0))
  })
}
