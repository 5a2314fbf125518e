import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import {
  cgroupFiles,
  hostFiles,
  plantTree,
  selfFiles,
  type TreeFiles,
  v1Files,
  v2Files,
  writeTree,
} from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

type T = Parameters<typeof plantTree>[0]
const limit = (value: number) => ({
  'memory.max': String(value),
  'memory.current': '0',
  'memory.stat': 'inactive_file 0',
})

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  const read = (t: T, ...files: TreeFiles[]) => readHeadroom({ root: plantTree(t, ...files) })
  /** Reads the memory headroom of a process in `cgroup` (v2) with these mounts and cgroups. */
  const memoryAt = (t: T, cgroup: string, mounts: readonly string[], ...files: TreeFiles[]) =>
    read(t, hostFiles(), selfFiles([`0::${cgroup}`], mounts), ...files)

  t.test('the layout of the hierarchies is recognized', async (t) => {
    t.equal(read(t, v2Files('/a', { '/a': {} })).layout, 'v2')
    t.equal(read(t, v1Files('/a', { memory: { '/a': {} } })).layout, 'v1')
    t.equal(read(t, hostFiles()).layout, 'none')
    t.equal(read(t, selfFiles(['0::/'], [])).layout, 'none')
    t.equal(
      read(t, selfFiles(['1:name=systemd:/', '0::/'], ['/ /cg/systemd cgroup xattr,name=systemd', '/ /cg/u cgroup2']))
        .layout,
      'v2',
      'a named hierarchy has no controllers',
    )
  })

  t.test('hybrid: memory is read on v1, cpu on v2', async (t) => {
    const headroom = read(
      t,
      hostFiles(),
      selfFiles(
        ['4:memory:/m', '1:name=systemd:/s', '0::/u'],
        ['/ /sys/fs/cgroup/memory cgroup memory', '/ /sys/fs/cgroup/unified cgroup2'],
      ),
      cgroupFiles('/sys/fs/cgroup/memory', {
        '/m': { 'memory.limit_in_bytes': '1048576', 'memory.usage_in_bytes': '0' },
      }),
      cgroupFiles('/sys/fs/cgroup/unified', { '/u': { 'cpu.max': '150000 100000', ...limit(7) } }),
    )
    t.equal(headroom.layout, 'hybrid')
    t.match(headroom.memory.limit, { state: 'limited', value: 1048576 }, 'the v1 line beats 0::')
    t.match(headroom.cpu.quotaCpus, { state: 'limited', value: 1.5 })
    t.match(headroom.places, [
      { controller: 'memory', version: 1, cgroupPath: '/m', directory: '/sys/fs/cgroup/memory/m' },
      { controller: 'cpu', version: 2, cgroupPath: '/u', directory: '/sys/fs/cgroup/unified/u' },
    ])
  })

  t.test('an unmounted v1 controller is not searched for on v2', async (t) => {
    const files = selfFiles(['4:memory:/m', '0::/m'], ['/ /sys/fs/cgroup cgroup2'])
    const { memory } = read(t, files, cgroupFiles('/sys/fs/cgroup', { '/m': limit(7) }))
    t.same(memory.limit, { state: 'unknown', reason: 'not-mounted' })
  })

  t.test('comounted v1 controllers are found', async (t) => {
    const { cpu } = read(
      t,
      selfFiles(['3:cpu,cpuacct:/a'], ['/ /sys/fs/cgroup/cpu,cpuacct cgroup cpu,cpuacct']),
      cgroupFiles('/sys/fs/cgroup/cpu,cpuacct', {
        '/a': { 'cpu.cfs_quota_us': '50000', 'cpu.cfs_period_us': '100000', 'cpuacct.usage': '5000' },
      }),
    )
    t.match(cpu.quotaCpus, { value: 0.5 })
    t.equal(cpu.usageUs, 5)
  })

  t.test('names with spaces, colons, backslashes and octal escapes are decoded', async (t) => {
    const name = '/my group:1/back\\slash'
    const { memory } = memoryAt(
      t,
      name,
      ['/ /sys/fs/c\\040g\\134x cgroup2'],
      cgroupFiles('/sys/fs/c g\\x', { [name]: limit(4096) }),
    )
    t.same(memory.limit, { state: 'limited', value: 4096, levelPath: `/sys/fs/c g\\x${name}` })
  })

  t.test('a bind mount shows the container’s own part', async (t) => {
    const headroom = memoryAt(
      t,
      '/docker/abc/inner',
      ['/docker/abc /sys/fs/cgroup cgroup2'],
      cgroupFiles('/sys/fs/cgroup', { '/inner': limit(8192), '/': limit(4096) }),
    )
    t.same(headroom.memory.limit, { state: 'limited', value: 4096, levelPath: '/sys/fs/cgroup' })
    t.equal(headroom.ancestorsVisible, false)
  })

  t.test('the mount with the most visible ancestors is read if there are several', async (t) => {
    const headroom = memoryAt(
      t,
      '/docker/abc',
      ['/docker/abc /sys/fs/cgroup cgroup2', '/ /host/cgroup cgroup2', '/other /elsewhere cgroup2'],
      cgroupFiles('/sys/fs/cgroup', { '/': limit(8192) }),
      { '/host/cgroup/cgroup.procs': '' },
      cgroupFiles('/host/cgroup', { '/docker/abc': limit(8192), '/docker': limit(4096) }),
    )
    t.same(headroom.memory.limit, { state: 'limited', value: 4096, levelPath: '/host/cgroup/docker' })
    t.equal(headroom.ancestorsVisible, true)
  })

  t.test('a cgroup outside every mount is not visible', async (t) => {
    for (const [cgroup, root] of [
      ['/', '/docker/abc'],
      ['/docker/abcd', '/docker/abc'],
      ['/../sibling', '/'],
      ['/', '/../..'],
      ['/x', '/..'],
    ] as const) {
      const headroom = memoryAt(
        t,
        cgroup,
        [`${root} /sys/fs/cgroup cgroup2`],
        cgroupFiles('/sys/fs/cgroup', { '/': limit(1) }),
      )
      t.same(headroom.memory.limit, { state: 'unknown', reason: 'outside-mount' }, `${cgroup} in ${root}`)
      t.equal(headroom.memory.safeHeadroomBytes, null)
      t.equal(headroom.ancestorsVisible, 'unknown')
    }
  })

  t.test('for a mount and a cgroup above the namespace root the path between them is known', async (t) => {
    const { memory } = memoryAt(
      t,
      '/../sibling/leaf',
      ['/.. /sys/fs/cgroup cgroup2'],
      cgroupFiles('/sys/fs/cgroup', { '/sibling/leaf': limit(8192), '/sibling': limit(4096) }),
    )
    t.same(memory.limit, { state: 'limited', value: 4096, levelPath: '/sys/fs/cgroup/sibling' })
  })

  t.test('a mount hidden by a later one is not read', async (t) => {
    const { memory } = memoryAt(
      t,
      '/a',
      ['/ /sys/fs/cgroup cgroup2', '/ /sys/fs tmpfs', '/ /mnt cgroup2'],
      cgroupFiles('/sys/fs/cgroup', { '/a': limit(1) }),
      cgroupFiles('/mnt', { '/a': limit(2) }),
    )
    t.same(memory.limit, { state: 'limited', value: 2, levelPath: '/mnt/a' })
    const stacked = memoryAt(
      t,
      '/a',
      ['/ /sys/fs/cgroup cgroup2', '/x /sys/fs/cgroup cgroup2'],
      cgroupFiles('/sys/fs/cgroup', { '/': limit(1), '/a': limit(1) }),
    )
    t.same(stacked.memory.limit, { state: 'unknown', reason: 'outside-mount' })
  })

  t.test('a root listed after the mounts on it hides none of them', async (t) => {
    const mountinfo = [
      '22 27 0:21 / /proc rw - proc proc rw',
      '23 27 0:22 / /sys rw - sysfs sysfs rw',
      '31 23 0:29 / /sys/fs/cgroup rw shared:9 master:1 - cgroup2 cgroup2 rw',
      '27 1 254:0 / / rw - ext4 /dev/vda rw',
    ].join('\n')
    const { memory } = memoryAt(t, '/a', [], cgroupFiles('/sys/fs/cgroup', { '/a': limit(3) }), {
      '/proc/self/mountinfo': mountinfo,
    })
    t.match(memory.limit, { state: 'limited', value: 3 })
  })

  t.test('for a removed cgroup the nearest ancestor is read, with a warning', async (t) => {
    for (const path of ['/a/gone (deleted)', '/a/gone']) {
      const headroom = memoryAt(
        t,
        path,
        ['/ /sys/fs/cgroup cgroup2'],
        cgroupFiles('/sys/fs/cgroup', { '/a': limit(5) }),
      )
      t.match(headroom.memory.limit, { state: 'limited', value: 5 }, path)
      t.match(headroom.warnings, [{ code: 'cgroup-missing', path: '/sys/fs/cgroup/a/gone' }], path)
    }
  })

  t.test('a cgroup named like a removed one is read', async (t) => {
    const group = '/a/x (deleted)'
    const { memory, warnings } = read(t, v2Files(group, { [group]: limit(5), '/a': limit(9) }))
    t.same(memory.limit, { state: 'limited', value: 5, levelPath: `/sys/fs/cgroup${group}` })
    t.same(warnings, [])
    const hostile = read(t, v2Files('/a/.. (deleted)', { '/a': limit(9) }))
    t.match(hostile.memory.limit, { state: 'limited', value: 9 })
  })

  t.test('a membership with CRLF line ends is read', async (t) => {
    const self = { '/proc/self/cgroup': '0::/a\r\n' }
    t.match(read(t, v2Files('/a', { '/a': limit(5) }), self).memory.limit, { state: 'limited', value: 5 })
  })

  t.test('without any cgroup mount no membership is needed', async (t) => {
    const { '/proc/self/cgroup': _, ...noCgroups } = selfFiles([], [])
    const cpus = { '/sys/devices/system/cpu/online': '0-3\n' }
    const headroom = read(t, hostFiles(), noCgroups, cpus)
    t.same(headroom.memory.limit, { state: 'unknown', reason: 'not-mounted' })
    t.equal(headroom.cpu.effectiveCpus, 4)
    const nothing = read(t, cpus)
    t.same(nothing.cpu.quotaCpus, { state: 'unknown', reason: 'unreadable' }, 'there is no mount table either')
    t.equal(nothing.cpu.effectiveCpus, 4, 'no known hierarchy divides them')
  })

  t.test('ancestorsVisible is true only if the mount shows the true root', async (t) => {
    const v2 = (t: T, root: Record<string, string>, ...more: TreeFiles[]) =>
      read(t, v2Files('/a', { '/a': limit(5), '/': root }), ...more).ancestorsVisible
    t.equal(v2(t, {}), true, 'the true root of v2 has no memory.max')
    t.equal(v2(t, { 'memory.max': 'max' }), false, 'the root of a namespace has one')
    t.equal(v2(t, { 'cgroup.type': 'domain' }), false)
    const v1 = v1Files('/a', { memory: { '/a': {} }, cpu: { '/a': {} } })
    t.equal(read(t, v1).ancestorsVisible, true, 'release_agent is in the true root of v1 only')
    const without: TreeFiles = Object.fromEntries(
      Object.entries(v1).filter(([name]) => !name.endsWith('release_agent')),
    )
    t.equal(read(t, without).ancestorsVisible, 'unknown')
    t.equal(read(t, without, { '/proc/self/ns/cgroup': { link: 'cgroup:[4026531835]' } }).ancestorsVisible, true)
    t.equal(read(t, without, { '/proc/self/ns/cgroup': { link: 'cgroup:[4026532500]' } }).ancestorsVisible, false)
    const limited = (controller: string, file: string, value: string) => {
      const files = v1Files('/', { memory: { '/': {} }, cpu: { '/': {} } })
      const root = `/sys/fs/cgroup/${controller}`
      const { [`${root}/release_agent`]: _, ...rest } = files
      return read(t, rest, { [`${root}/${file}`]: `${value}\n` }).ancestorsVisible
    }
    t.equal(limited('memory', 'memory.limit_in_bytes', '1048576'), false, 'the true root of v1 cannot be limited')
    t.equal(limited('memory', 'memory.limit_in_bytes', '9223372036854771712'), 'unknown')
    t.equal(limited('cpu', 'cpu.cfs_quota_us', '50000'), false)
    t.equal(limited('cpu', 'cpu.cfs_quota_us', '-1'), 'unknown')
  })

  t.test('missing or broken files yield warnings and unknown values', async (t) => {
    const group = cgroupFiles('/sys/fs/cgroup', { '/a': limit(5) })
    const { '/proc/self/mountinfo': _, ...noMounts } = selfFiles(['0::/a'], [])
    const headroom = read(t, noMounts, group)
    t.same(headroom.memory.limit, { state: 'unknown', reason: 'unreadable' })
    t.match(headroom.warnings, [{ code: 'mounts-unreadable' }])
    t.match(
      read(t, noMounts, group, { '/proc/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n' }),
      { memory: { limit: { state: 'limited', value: 5 } }, warnings: [{ code: 'mountinfo-missing' }] },
      'the older mounts file is used',
    )
    const { '/proc/self/cgroup': __, ...noCgroup } = selfFiles([], ['/ /sys/fs/cgroup cgroup2'])
    t.same(read(t, noCgroup, group).memory.limit, { state: 'unknown', reason: 'unreadable' })
    for (const junk of [
      '',
      'junk',
      '0:/a',
      'x::/a',
      '0::relative',
      '::',
      '\0\0\0',
      '0::/a/../../b',
      `0::/${'x'.repeat(5000)}`,
    ]) {
      const files = { ...selfFiles([], ['/ /sys/fs/cgroup cgroup2']), '/proc/self/cgroup': junk }
      t.equal(read(t, files, group).memory.limit.state, 'unknown', JSON.stringify(junk).slice(0, 40))
    }
  })

  t.test('the headroom of another process is read', async (t) => {
    const root = plantTree(t, v2Files('/a', { '/a': limit(5), '/b': limit(9) }), { '/proc/77/cgroup': '0::/b\n' })
    t.match(readHeadroom({ root, pid: 77 }).memory.limit, { value: 9 })
    t.same(readHeadroom({ root, pid: 78 }).memory.limit, { state: 'unknown', reason: 'unreadable' })
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      t.throws(() => readHeadroom({ root, pid }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    }
  })

  t.test('proc/self may be a dangling or valid link in a capture', async (t) => {
    const { '/proc/self/cgroup': cgroup, '/proc/self/mountinfo': mounts, ...rest } = v2Files('/a', { '/a': limit(5) })
    const root = plantTree(t, rest, {
      '/proc/4711/cgroup': cgroup ?? '',
      '/proc/4711/mountinfo': mounts ?? '',
      '/proc/self': { link: '4711' },
    })
    t.match(readHeadroom({ root }).memory.limit, { value: 5 })
  })

  t.test('links in a tree cannot lead out of it', async (t) => {
    const { '/sys/fs/cgroup/a/memory.max': _, ...rest } = v2Files('/a', { '/a': limit(5) })
    const link = '/proc/sys/kernel/pid_max' // a number, on the machine that runs this test
    const root = plantTree(t, rest, { '/sys/fs/cgroup/a/memory.max': { link } })
    t.equal(readHeadroom({ root }).memory.limit.state, 'unknown', 'the link is dangling')
    writeTree(root, { [link]: '777\n' })
    t.match(readHeadroom({ root }).memory.limit, { value: 777 }, 'the link leads to a file of the tree')
  })
}
