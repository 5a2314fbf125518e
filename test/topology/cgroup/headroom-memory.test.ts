import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import { hostFiles, plantTree, type TreeFiles, v1Files, v2Files } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

const MiB = 1024 * 1024
const GiB = 1024 * MiB
type Groups = Parameters<typeof v2Files>[1]

/** A cgroup v2 that uses 300 MiB: 100 of anonymous memory, 120 inactive and 60 active file pages, 20 of slab. */
const used = (limits: Record<string, string> = {}): Record<string, string> => ({
  'memory.max': 'max',
  'memory.high': 'max',
  'memory.current': String(300 * MiB),
  'memory.stat': `anon ${100 * MiB}\ninactive_file ${120 * MiB}\nactive_file ${60 * MiB}\nslab_reclaimable ${20 * MiB}\nslab 12345`,
  ...limits,
})

const usedV1 = (limits: Record<string, string> = {}): Record<string, string> => ({
  'memory.limit_in_bytes': '9223372036854771712',
  'memory.usage_in_bytes': String(300 * MiB),
  'memory.stat': `inactive_file 1\nactive_file 2\nhierarchical_memory_limit 9223372036854771712\ntotal_swap 4096\ntotal_inactive_file ${120 * MiB}\ntotal_active_file ${60 * MiB}`,
  'memory.use_hierarchy': '1',
  ...limits,
})

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  const memoryOf = (t: Parameters<typeof plantTree>[0], ...files: TreeFiles[]) =>
    readHeadroom({ root: plantTree(t, ...files) }).memory

  t.test('v2: the tightest level wins, wherever it is', async (t) => {
    const levels = ['/a/b/c', '/a/b', '/a']
    for (const tightest of levels) {
      const groups: Groups = Object.fromEntries(
        levels.map((level) => [level, used({ 'memory.max': String(level === tightest ? GiB : 4 * GiB) })]),
      )
      const memory = memoryOf(t, v2Files('/a/b/c', groups))
      t.same(memory.limit, { state: 'limited', value: GiB, levelPath: `/sys/fs/cgroup${tightest}` }, tightest)
      t.equal(memory.currentBytes, 300 * MiB)
      t.equal(memory.workingSetBytes, 180 * MiB)
      t.equal(memory.safeHeadroomBytes, GiB - 180 * MiB)
      t.equal(memory.maxHeadroomBytes, GiB - 100 * MiB)
      t.same(
        memory.levels.map(({ path }) => path),
        ['/sys/fs/cgroup/a/b/c', '/sys/fs/cgroup/a/b', '/sys/fs/cgroup/a', '/sys/fs/cgroup'],
      )
    }
  })

  t.test('v2: siblings count at the ancestor, so the looser limit may leave less', async (t) => {
    const memory = memoryOf(
      t,
      v2Files('/a/b', {
        '/a/b': used({ 'memory.max': String(GiB) }),
        '/a': used({ 'memory.max': String(4 * GiB), 'memory.current': String(4 * GiB - 10 * MiB) }),
      }),
    )
    t.equal(memory.limit.state === 'limited' && memory.limit.value, GiB)
    t.equal(memory.safeHeadroomBytes, 130 * MiB)
  })

  t.test('v2: the parent’s limit wins over max and over a looser child', async (t) => {
    for (const child of ['max', String(8 * GiB)]) {
      const groups = { '/a/b': used({ 'memory.max': child }), '/a': used({ 'memory.max': String(2 * GiB) }) }
      const { limit } = memoryOf(t, v2Files('/a/b', groups))
      t.same(limit, { state: 'limited', value: 2 * GiB, levelPath: '/sys/fs/cgroup/a' })
    }
  })

  t.test('v2: without any limit the headroom is the host’s', async (t) => {
    const memory = memoryOf(t, v2Files('/a', { '/a': used() }))
    t.same(memory.limit, { state: 'unlimited' })
    t.same(memory.high, { state: 'unlimited' })
    t.equal(memory.safeHeadroomBytes, 8 * GiB)
    t.equal(memory.maxHeadroomBytes, 4 * GiB + 7 * MiB, 'free + file pages + reclaimable slab')
    t.equal(memory.hostTotalBytes, 16 * GiB)
  })

  t.test('a limit above the machine’s memory counts as none, at every level', async (t) => {
    // 16 GiB of memory, 6 GiB of it available, 4 GiB of swap.
    const host: TreeFiles = {
      '/proc/meminfo':
        'MemTotal: 16777216 kB\nMemFree: 2097152 kB\nMemAvailable: 6291456 kB\nActive(file): 4096 kB\nInactive(file): 2048 kB\nSReclaimable: 1024 kB\nSwapTotal: 4194304 kB\n',
    }
    const unlimited = { state: 'unlimited' }
    const above = {
      'memory.max': String(64 * GiB),
      'memory.high': String(16 * GiB),
      'memory.swap.max': String(4 * GiB),
    }
    const v2 = memoryOf(t, v2Files('/a/b', { '/a/b': used(above), '/a': used(above) }), host)
    t.match(v2, { limit: unlimited, high: unlimited, swap: { limit: unlimited }, safeHeadroomBytes: 6 * GiB })
    t.equal(v2.maxHeadroomBytes, 2 * GiB + 7 * MiB, 'the memory that the machine could free')
    for (const level of v2.levels) t.match(level, { limit: unlimited, high: unlimited }, level.path)

    const v1Above = { 'memory.limit_in_bytes': String(64 * GiB), 'memory.memsw.limit_in_bytes': String(20 * GiB) }
    const v1Groups = { memory: { '/a/b': usedV1(v1Above), '/a': usedV1(v1Above) } }
    const v1 = memoryOf(t, v1Files('/a/b', v1Groups), host)
    t.match(v1, { limit: unlimited, swap: { limit: unlimited }, safeHeadroomBytes: 6 * GiB })
    t.equal(v1.maxHeadroomBytes, 2 * GiB + 7 * MiB)
  })

  t.test('a limit within the machine’s memory applies beside one above it', async (t) => {
    const groups = { '/a/b': used({ 'memory.max': String(64 * GiB) }), '/a': used({ 'memory.max': String(2 * GiB) }) }
    const { limit, maxHeadroomBytes } = memoryOf(t, v2Files('/a/b', groups))
    t.same(limit, { state: 'limited', value: 2 * GiB, levelPath: '/sys/fs/cgroup/a' })
    t.equal(maxHeadroomBytes, 2 * GiB - 100 * MiB)
    const swap = { '/proc/meminfo': `${hostFiles()['/proc/meminfo']}SwapTotal: 4194304 kB\n` }
    const v1 = v1Files('/a', { memory: { '/a': usedV1({ 'memory.memsw.limit_in_bytes': String(18 * GiB) }) } })
    t.match(memoryOf(t, v1, swap).swap, { limit: { state: 'limited', value: 18 * GiB } }, 'memory and swap together')
    const none = v2Files('/a', { '/a': used({ 'memory.swap.max': '0' }) })
    t.match(memoryOf(t, none, swap).swap, { limit: { state: 'limited', value: 0 } }, 'no swap at all')
  })

  t.test('v2: under lxcfs a limit equal to MemTotal holds, a larger one counts as none', async (t) => {
    for (const [max, state] of [
      [16 * GiB, 'limited'],
      [17 * GiB, 'unlimited'],
    ] as const) {
      const files = v2Files('/a', { '/a': used({ 'memory.max': String(max) }) })
      const mounts = {
        '/proc/self/mountinfo': `${files['/proc/self/mountinfo']}50 20 0:60 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n`,
      }
      t.equal(memoryOf(t, files, mounts).limit.state, state, String(max))
    }
  })

  t.test('without /proc/meminfo and without a limit the headroom is unknown, with a warning', async (t) => {
    for (const [name, files, code] of [
      ['missing', { '/proc/meminfo': { directory: true } }, 'unreadable'],
      ['without MemTotal', { '/proc/meminfo': 'nothing\n' }, 'malformed'],
    ] as const) {
      const headroom = readHeadroom({ root: plantTree(t, v2Files('/a', { '/a': used() }), files) })
      t.match(headroom.memory, { limit: { state: 'unlimited' }, safeHeadroomBytes: null, maxHeadroomBytes: null }, name)
      t.match(headroom.warnings, [{ code, path: '/proc/meminfo', message: String }], name)
    }
  })

  t.test('v2: high below max bounds the safe headroom only', async (t) => {
    const memory = memoryOf(
      t,
      v2Files('/a', { '/a': used({ 'memory.max': String(GiB), 'memory.high': String(512 * MiB) }) }),
    )
    t.same(memory.high, { state: 'limited', value: 512 * MiB, levelPath: '/sys/fs/cgroup/a' })
    t.equal(memory.safeHeadroomBytes, (512 - 180) * MiB)
    t.equal(memory.maxHeadroomBytes, GiB - 100 * MiB)
  })

  t.test('v2: current above max leaves a headroom of 0, not a negative one', async (t) => {
    const memory = memoryOf(t, v2Files('/a', { '/a': used({ 'memory.max': String(50 * MiB) }) }))
    t.equal(memory.safeHeadroomBytes, 0)
    t.equal(memory.maxHeadroomBytes, 0)
  })

  t.test('v2: with inactive file pages above current the working set is not negative', async (t) => {
    const memory = memoryOf(
      t,
      v2Files('/a', { '/a': used({ 'memory.max': String(GiB), 'memory.current': String(MiB) }) }),
    )
    t.equal(memory.workingSetBytes, 0)
    t.equal(memory.safeHeadroomBytes, GiB)
    t.equal(memory.maxHeadroomBytes, GiB)
  })

  t.test('the host’s MemAvailable bounds the safe headroom', async (t) => {
    const files = v2Files('/a', { '/a': used({ 'memory.max': String(4 * GiB) }) })
    t.equal(memoryOf(t, files, hostFiles(16 * MiB, 1024)).safeHeadroomBytes, MiB)
  })

  t.test('v2: a leaf without the controller is accounted by its parent', async (t) => {
    const memory = memoryOf(t, v2Files('/a/b', { '/a/b': {}, '/a': used({ 'memory.max': String(GiB) }) }))
    t.same(memory.limit, { state: 'limited', value: GiB, levelPath: '/sys/fs/cgroup/a' })
    t.equal(memory.currentBytes, 300 * MiB)
    t.equal(memory.safeHeadroomBytes, GiB - 180 * MiB)
  })

  t.test(
    'v2: the hierarchy’s root has no limit, and the limit of a root without the controller is unknown',
    async (t) => {
      t.same(memoryOf(t, v2Files('/', {})).limit, { state: 'unlimited' })
      const other = { '/sys/fs/cgroup/cgroup.controllers': 'cpu io\n' }
      t.same(memoryOf(t, v2Files('/', {}), other).limit, { state: 'unknown', reason: 'not-mounted' })
    },
  )

  t.test('a missing limit file beside its counter means unknown, not unlimited', async (t) => {
    for (const files of [
      v2Files('/a/b', { '/a/b': { 'memory.current': '1' }, '/a': used({ 'memory.max': String(GiB) }) }),
      v1Files('/a', { memory: { '/a': { 'memory.usage_in_bytes': '1' } } }),
    ]) {
      const { memory, warnings } = readHeadroom({ root: plantTree(t, files) })
      t.same(memory.limit, { state: 'unknown', reason: 'unreadable' })
      t.equal(memory.safeHeadroomBytes, null)
      t.match(warnings, [{ code: 'unreadable' }])
    }
  })

  t.test('v2: a controller that is not delegated to a container does not limit it', async (t) => {
    for (const controllers of ['memory pids\n', { link: '/nowhere' }] as const) {
      const rootless = v2Files('/', { '/': { ...used({ 'memory.max': String(GiB) }), 'cgroup.type': 'domain' } })
      const headroom = readHeadroom({
        root: plantTree(t, rootless, { '/sys/fs/cgroup/cgroup.controllers': controllers }),
      })
      t.same(headroom.cpu.quotaCpus, { state: 'unlimited' })
      t.equal(headroom.ancestorsVisible, false)
    }
  })

  t.test('v2: a directory without any kernel file yields no values', async (t) => {
    const {
      '/sys/fs/cgroup/cgroup.controllers': _,
      '/sys/fs/cgroup/a/cgroup.procs': _procs,
      ...rest
    } = v2Files('/a', {
      '/a': {},
    })
    const root = plantTree(t, rest, { '/sys/fs/cgroup/a': { directory: true } })
    t.same(readHeadroom({ root }).memory.limit, { state: 'unknown', reason: 'unreadable' })
  })

  t.test('v2: an unreadable limit is unknown, not unlimited', async (t) => {
    for (const broken of ['junk', '', '-5', '12 34', '99999999999999999999999', '1.5']) {
      const headroom = readHeadroom({
        root: plantTree(
          t,
          v2Files('/a/b', { '/a/b': used({ 'memory.max': broken }), '/a': used({ 'memory.max': String(GiB) }) }),
        ),
      })
      t.same(headroom.memory.limit, { state: 'unknown', reason: 'unreadable' }, broken)
      t.equal(headroom.memory.safeHeadroomBytes, null, broken)
      t.match(headroom.warnings, [{ code: 'malformed', path: '/sys/fs/cgroup/a/b/memory.max' }], broken)
      t.match(headroom.memory.levels[1]?.limit, { state: 'limited', value: GiB }, 'the other level is kept')
    }
    const files = v2Files('/a', { '/a': used() })
    const { memory, warnings } = readHeadroom({
      root: plantTree(t, { ...files, '/sys/fs/cgroup/a/memory.max': { directory: true } }),
    })
    t.same(memory.limit, { state: 'unknown', reason: 'unreadable' })
    t.match(warnings, [{ code: 'unreadable', path: '/sys/fs/cgroup/a/memory.max' }])
  })

  t.test('a limit without a readable use yields an unknown headroom and a warning', async (t) => {
    const { 'memory.current': _, ...rest } = used({ 'memory.max': String(GiB) })
    for (const directory of [false, true]) {
      const files = v2Files('/a/b', { '/a/b': used(), '/a': rest })
      const current = '/sys/fs/cgroup/a/memory.current'
      const root = plantTree(t, files, directory ? { [current]: { directory } } : {})
      const { memory, warnings } = readHeadroom({ root })
      t.match(memory.limit, { state: 'limited', value: GiB })
      t.equal(memory.safeHeadroomBytes, null)
      t.match(warnings, [{ code: 'unreadable', path: current }])
    }
  })

  t.test('v2: without memory.stat the working set is unknown', async (t) => {
    const { 'memory.stat': _, ...rest } = used({ 'memory.max': String(GiB) })
    const memory = memoryOf(t, v2Files('/a', { '/a': rest }))
    t.equal(memory.limit.state, 'limited')
    t.equal(memory.workingSetBytes, null)
    t.equal(memory.safeHeadroomBytes, null)
  })

  t.test('v2: swap, events and use per node are read', async (t) => {
    const memory = memoryOf(
      t,
      v2Files('/a/b', {
        '/a/b': used({
          'memory.swap.max': 'max',
          'memory.swap.current': '8192',
          'memory.events': 'low 0\nhigh 3\nmax 5\noom 2\noom_kill 1\noom_group_kill 0',
          'memory.numa_stat': 'anon N0=1000 N2=2000\nfile N0=30 N2=40\nanon_thp N0=9 N2=9',
        }),
        '/a': used({ 'memory.swap.max': '65536' }),
      }),
    )
    t.same(memory.swap, {
      limit: { state: 'limited', value: 65536, levelPath: '/sys/fs/cgroup/a' },
      currentBytes: 8192,
      counts: 'swap',
    })
    t.same(memory.events, { high: 3, max: 5, oom: 2, oomKill: 1 })
    t.same(memory.byNode, [
      { nodeId: 0, anonBytes: 1000, fileBytes: 30 },
      { nodeId: 2, anonBytes: 2000, fileBytes: 40 },
    ])
  })

  t.test('v1: limits are read, and use includes all children', async (t) => {
    const memory = memoryOf(
      t,
      v1Files('/a/b', {
        memory: {
          '/a/b': usedV1({
            'memory.failcnt': '4',
            'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
            'memory.memsw.limit_in_bytes': String(2 * GiB),
          }),
          '/a': usedV1({ 'memory.limit_in_bytes': String(GiB) }),
          '/': usedV1(),
        },
      }),
    )
    t.same(memory.limit, { state: 'limited', value: GiB, levelPath: '/sys/fs/cgroup/memory/a' })
    t.same(memory.high, { state: 'unlimited' })
    t.equal(memory.workingSetBytes, 180 * MiB)
    t.equal(memory.safeHeadroomBytes, GiB - 180 * MiB)
    t.equal(memory.maxHeadroomBytes, GiB - 120 * MiB)
    t.same(memory.events, { high: null, max: 4, oom: null, oomKill: 2 })
    t.match(memory.swap, { limit: { state: 'limited', value: 2 * GiB }, currentBytes: 4096, counts: 'memory+swap' })
  })

  t.test('v1: every encoding of "no limit" is recognized', async (t) => {
    for (const text of [
      '9223372036854771712', // 4 KiB pages
      '9223372036854759424', // 16 KiB
      '9223372036854710272', // 64 KiB
      '9223372036854775807', // before page counters
      '18446744073709551615',
      String(16 * GiB), // as much as there is
      String(64 * GiB),
      '-1',
    ]) {
      const memory = memoryOf(
        t,
        v1Files('/a', { memory: { '/a': usedV1({ 'memory.limit_in_bytes': text }), '/': usedV1() } }),
      )
      t.same(memory.limit, { state: 'unlimited' }, text)
    }
    const just = String(16 * GiB - 4096)
    const memory = memoryOf(
      t,
      v1Files('/a', { memory: { '/a': usedV1({ 'memory.limit_in_bytes': just }), '/': usedV1() } }),
    )
    t.equal(memory.limit.state, 'limited')
  })

  t.test('v1: under lxcfs MemTotal is the limit itself and does not disprove a limit', async (t) => {
    const files = v1Files('/a', {
      memory: { '/a': usedV1({ 'memory.limit_in_bytes': String(16 * GiB) }), '/': usedV1() },
    })
    const mountinfo = `${files['/proc/self/mountinfo']}90 20 0:90 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n`
    t.match(memoryOf(t, files, { '/proc/self/mountinfo': mountinfo }).limit, { state: 'limited', value: 16 * GiB })
  })

  t.test('v1: a hidden ancestor’s limit shows in memory.stat', async (t) => {
    const stat = `hierarchical_memory_limit ${GiB}\ntotal_inactive_file ${120 * MiB}\ntotal_active_file 0\ntotal_swap 0`
    const files = v1Files('/', {
      memory: { '/': usedV1({ 'memory.stat': stat, 'memory.limit_in_bytes': String(2 * GiB) }) },
    })
    const space = { '/proc/self/ns/cgroup': { link: 'cgroup:[4026532999]' } }
    const { '/sys/fs/cgroup/memory/release_agent': _, ...inside } = files
    const headroom = readHeadroom({ root: plantTree(t, inside, space) })
    t.equal(headroom.ancestorsVisible, false)
    t.match(headroom.memory.limit, { state: 'limited', value: GiB })
    t.equal(headroom.memory.safeHeadroomBytes, GiB - 180 * MiB)
    t.match(headroom.warnings, [{ code: 'hidden-limit' }])
  })

  t.test('v1: a parent without use_hierarchy does not limit its children', async (t) => {
    const memory = memoryOf(
      t,
      v1Files('/a/b', {
        memory: {
          '/a/b': usedV1({ 'memory.limit_in_bytes': String(2 * GiB) }),
          '/a': usedV1({ 'memory.limit_in_bytes': String(GiB), 'memory.use_hierarchy': '0' }),
          '/': usedV1(),
        },
      }),
    )
    t.match(memory.limit, { state: 'limited', value: 2 * GiB })
  })

  t.test('v1: use per node counts pages of the captured machine’s page size', async (t) => {
    const numa =
      'total=7 N0=7\nfile=3 N0=3\nanon=4 N0=4\nhierarchical_total=30 N0=20 N1=10\nhierarchical_file=11 N0=6 N1=5\nhierarchical_anon=19 N0=14 N1=5'
    for (const [sentinel, page] of [
      ['9223372036854771712', 4096],
      ['9223372036854710272', 65536],
    ] as const) {
      const root = usedV1({ 'memory.limit_in_bytes': sentinel })
      const memory = memoryOf(t, v1Files('/a', { memory: { '/a': usedV1({ 'memory.numa_stat': numa }), '/': root } }))
      t.same(memory.byNode, [
        { nodeId: 0, anonBytes: 14 * page, fileBytes: 6 * page },
        { nodeId: 1, anonBytes: 5 * page, fileBytes: 5 * page },
      ])
    }
  })
}
