import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import { plantTree, type TreeFiles, v1Files, v2Files } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

const online = (list: string): TreeFiles => ({ '/sys/devices/system/cpu/online': `${list}\n` })
const allowed = (list: string): TreeFiles => ({ '/proc/self/status': `Name:\tnode\nCpus_allowed_list:\t${list}\n` })

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  const read = (t: Parameters<typeof plantTree>[0], ...files: TreeFiles[]) =>
    readHeadroom({ root: plantTree(t, ...files) })

  t.test('v2: quotas are read in CPUs', async (t) => {
    for (const [text, expected] of [
      ['50000 100000', 0.5],
      ['max 100000', null],
      ['max', null],
      ['1000000 1000000', 1], // a period of one second
      ['250000 1000000', 0.25],
      ['350000 100000', 3.5],
      ['200000', 2], // only a quota: the period is 100 ms
    ] as const) {
      const { cpu } = read(t, v2Files('/a', { '/a': { 'cpu.max': text } }), online('0-7'))
      if (expected === null) t.same(cpu.quotaCpus, { state: 'unlimited' }, text)
      else t.same(cpu.quotaCpus, { state: 'limited', value: expected, levelPath: '/sys/fs/cgroup/a' }, text)
      t.equal(cpu.effectiveCpus, expected ?? 8, text)
    }
  })

  t.test('v2: the tightest level wins, by share and not by quota', async (t) => {
    const { cpu } = read(
      t,
      v2Files('/a/b', {
        '/a/b': { 'cpu.max': '50000 10000' },
        '/a': { 'cpu.max': '200000 100000', 'cpu.max.burst': '5000' },
      }),
      online('0-7'),
    )
    t.same(cpu.quotaCpus, { state: 'limited', value: 2, levelPath: '/sys/fs/cgroup/a' })
    t.equal(cpu.burstUs, 5000)
    t.match(cpu.levels, [
      { path: '/sys/fs/cgroup/a/b', quotaCpus: { value: 5 }, periodUs: 10000 },
      { path: '/sys/fs/cgroup/a', quotaCpus: { value: 2 } },
      { path: '/sys/fs/cgroup', quotaCpus: { state: 'unlimited' } },
    ])
  })

  t.test('v2: without cpu.max in the leaf its parent counts', async (t) => {
    const { cpu } = read(
      t,
      v2Files('/a/b', {
        '/a/b': { 'cpu.stat': 'usage_usec 700\nuser_usec 1\nsystem_usec 2' },
        '/a': {
          'cpu.max': '150000 100000',
          'cpu.stat': 'usage_usec 9000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 4500\nnr_bursts 0\nburst_usec 0',
        },
      }),
    )
    t.match(cpu.quotaCpus, { state: 'limited', value: 1.5 })
    t.equal(cpu.usageUs, 700, 'the leaf’s own use')
    t.match(cpu, { periods: 10, throttledPeriods: 3, throttledUs: 4500 }, 'throttled together with its parent')
  })

  t.test('v2: the weight is read, and without any cpu.max there is no quota', async (t) => {
    const { cpu } = read(t, v2Files('/a', { '/a': { 'cpu.weight': '250' } }), online('0-3'))
    t.equal(cpu.weight, 250)
    t.equal(cpu.shares, null)
    t.same(cpu.quotaCpus, { state: 'unlimited' })
    t.equal(cpu.effectiveCpus, 4)
  })

  t.test('v2: a quota that cannot be read is unknown', async (t) => {
    for (const text of ['', 'junk', '0 100000', '100000 0', '-1 100000', '1e5 100000', 'max100000']) {
      const groups = { '/a/b': { 'cpu.max': text }, '/a': { 'cpu.max': '100000 100000' } }
      const { cpu, warnings } = read(t, v2Files('/a/b', groups), online('0-7'))
      t.same(cpu.quotaCpus, { state: 'unknown', reason: 'unreadable' }, text)
      t.equal(cpu.effectiveCpus, null, text)
      t.match(warnings, [{ code: 'malformed', path: '/sys/fs/cgroup/a/b/cpu.max' }], text)
    }
  })

  t.test('v1: quotas, shares and times are read', async (t) => {
    const { cpu } = read(
      t,
      v1Files('/a/b', {
        cpu: {
          '/a/b': {
            'cpu.cfs_quota_us': '-1',
            'cpu.cfs_period_us': '100000',
            'cpu.shares': '512',
            'cpu.stat': 'nr_periods 7\nnr_throttled 2\nthrottled_time 3000000',
          },
          '/a': { 'cpu.cfs_quota_us': '250000', 'cpu.cfs_period_us': '100000', 'cpu.cfs_burst_us': '0' },
          '/': { 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000' },
        },
        cpuacct: { '/a/b': { 'cpuacct.usage': '123456789' } },
      }),
      online('0-7'),
    )
    t.same(cpu.quotaCpus, { state: 'limited', value: 2.5, levelPath: '/sys/fs/cgroup/cpu/a' })
    t.match(cpu, { shares: 512, weight: null, periods: 7, throttledPeriods: 2, throttledUs: 3000, usageUs: 123456.789 })
    t.equal(cpu.effectiveCpus, 2.5)
  })

  t.test('v1: without a quota the CPUs are not limited', async (t) => {
    const files = v1Files('/a', { cpu: { '/a': { 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000' }, '/': {} } })
    t.same(read(t, files, online('0-1')).cpu.quotaCpus, { state: 'unlimited' })
  })

  t.test('effective CPUs are cpuset ∩ affinity ∩ online, then the quota', async (t) => {
    const files = (set: string, quota = 'max 100000') =>
      v2Files('/a', { '/a': { 'cpu.max': quota, 'cpuset.cpus.effective': set, 'cpuset.mems.effective': '0' } })
    t.equal(read(t, files('0-5'), allowed('2-9'), online('0-3,5')).cpu.effectiveCpus, 3)
    t.same(read(t, files('0-5'), allowed('2-9'), online('0-3,5')).cpu.cpus, [2, 3, 5])
    t.equal(read(t, files('0-5', '250000 100000'), online('0-7')).cpu.effectiveCpus, 2.5)
    t.equal(read(t, files('0-1', '250000 100000'), online('0-7')).cpu.effectiveCpus, 2)
    t.equal(read(t, files('3'), allowed('3')).cpu.effectiveCpus, 1, 'without cpu/online')
    const mask = { '/proc/self/status': 'Cpus_allowed:\t00000001,00000003\n' }
    t.same(read(t, files('0-63'), mask).cpu.cpus, [0, 1, 32].slice(0, 3), 'without a list, the mask')
  })

  t.test('renumbered online CPUs (lxcfs) do not empty the set', async (t) => {
    const files = v2Files('/a', { '/a': { 'cpuset.cpus.effective': '8-11' } })
    const { cpu, warnings } = read(t, files, allowed('8-11'), online('0-3'))
    t.same(cpu.cpus, [8, 9, 10, 11])
    t.match(warnings, [{ code: 'cpu-online-renumbered' }])
  })

  t.test('an empty cpuset inherits its parent’s', async (t) => {
    const v2 = read(
      t,
      v2Files('/a/b/c', {
        '/a/b/c': {},
        '/a/b': { 'cpuset.cpus.effective': '', 'cpuset.mems.effective': '' },
        '/a': { 'cpuset.cpus.effective': '1-2', 'cpuset.mems.effective': '1' },
      }),
    )
    t.same(v2.cpuset, { cpus: [1, 2], mems: [1] })
    const v1 = read(
      t,
      v1Files('/a/b', {
        cpuset: {
          '/a/b': { 'cpuset.cpus': '', 'cpuset.mems': '' },
          '/a': { 'cpuset.cpus': '0-3', 'cpuset.effective_cpus': '0-2', 'cpuset.mems': '0' },
        },
      }),
    )
    t.same(v1.cpuset, { cpus: [0, 1, 2], mems: [0] })
  })

  t.test('a malformed cpuset is unknown', async (t) => {
    const files = v2Files('/a/b', {
      '/a/b': { 'cpuset.cpus.effective': '0-' },
      '/a': { 'cpuset.cpus.effective': '0-3' },
    })
    const headroom = read(t, files)
    t.equal(headroom.cpuset.cpus, null)
    t.match(headroom.warnings, [{ code: 'malformed' }])
  })

  t.test('v2: pids, hugetlb and pressure are read', async (t) => {
    const headroom = read(
      t,
      v2Files('/a/b', {
        '/a/b': {
          'pids.max': 'max',
          'pids.current': '12',
          'hugetlb.2MB.max': 'max',
          'hugetlb.2MB.current': '4194304',
          'hugetlb.1GB.max': '1073741824',
          'hugetlb.2MB.rsvd.max': '5',
          'cpu.pressure':
            'some avg10=1.50 avg60=0.25 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7',
          'memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1',
        },
        '/a': { 'pids.max': '100', 'pids.current': '60', 'hugetlb.2MB.max': '8388608' },
      }),
      { '/proc/pressure/io': 'some avg10=12.00 avg60=0 avg300=100.00 total=99999999999\nfull junk' },
    )
    t.same(headroom.pids, {
      limit: { state: 'limited', value: 100, levelPath: '/sys/fs/cgroup/a' },
      current: 12,
      headroom: 40,
    })
    t.same(headroom.hugetlb, [
      {
        pageBytes: 2097152,
        limit: { state: 'limited', value: 8388608, levelPath: '/sys/fs/cgroup/a' },
        currentBytes: 4194304,
      },
      {
        pageBytes: 1073741824,
        limit: { state: 'limited', value: 1073741824, levelPath: '/sys/fs/cgroup/a/b' },
        currentBytes: null,
      },
    ])
    t.same(headroom.pressure.cpu, {
      scope: 'cgroup',
      path: '/sys/fs/cgroup/a/b/cpu.pressure',
      some: { avg10: 1.5, avg60: 0.25, avg300: 0.01, totalUs: 123456 },
      full: { avg10: 0, avg60: 0, avg300: 0, totalUs: 7 },
    })
    t.equal(headroom.pressure.memory?.full, null)
    t.match(headroom.pressure.io, {
      scope: 'system',
      some: { avg10: 12, avg300: 100, totalUs: 99999999999 },
      full: null,
    })
  })

  t.test('v1: hugetlb and pids are read', async (t) => {
    const headroom = read(
      t,
      v1Files('/a', {
        hugetlb: {
          '/a': { 'hugetlb.2MB.limit_in_bytes': '9223372036852678656', 'hugetlb.2MB.usage_in_bytes': '0' },
          '/': {},
        },
        pids: { '/a': { 'pids.max': '5', 'pids.current': '9' }, '/': {} },
      }),
    )
    t.same(headroom.hugetlb, [{ pageBytes: 2097152, limit: { state: 'unlimited' }, currentBytes: 0 }])
    t.equal(headroom.pids.headroom, 0)
  })
}
