import { hostFiles, numaFiles, type TreeFiles, v1Files, v2Files } from './machine-tree.js'

const memoryV2 = (max: string) => ({
  'memory.max': max,
  'memory.high': '805306368',
  'memory.current': '314572800',
  'memory.stat': 'anon 104857600\ninactive_file 125829120\nactive_file 62914560\nslab_reclaimable 20971520',
  'memory.events': 'low 0\nhigh 3\nmax 5\noom 2\noom_kill 1',
  'memory.swap.max': 'max',
  'memory.swap.current': '8192',
  'memory.numa_stat': 'anon N0=1000 N1=2000\nfile N0=30 N1=40',
})
const pressure = 'some avg10=1.50 avg60=0.25 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7'

const numa = numaFiles({
  online: '0-3',
  cpuOnline: '0-7',
  nodes: {
    0: { cpulist: '0-2', cpumap: '7', distance: '10 16 32 32' },
    1: { cpulist: '3-5', cpumap: '38', distance: '16 10 32 32' },
    2: { cpulist: '6-7', cpumap: 'c0', distance: '32 32 10 16', totalKb: 0 },
    3: { cpulist: '', distance: '32 32 16 10', initiators: { 0: [2], 1: [2] } },
  },
})
const status: TreeFiles = {
  '/proc/self/status': 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\nMems_allowed_list:\t0-3\n',
}

/** Complete machines, as a base for tests that break parts of them. */
export const machines: Readonly<Record<'v2' | 'v1' | 'plain', TreeFiles>> = {
  v2: {
    ...numa,
    ...status,
    ...v2Files('/a b/c', {
      '/a b/c': {
        ...memoryV2('1073741824'),
        'cpu.max': '150000 100000',
        'cpu.max.burst': '0',
        'cpu.weight': '100',
        'cpu.stat': 'usage_usec 10\nnr_periods 1\nnr_throttled 2\nthrottled_usec 3',
        'cpuset.cpus.effective': '0-5',
        'cpuset.mems.effective': '0-1',
        'pids.max': '64',
        'pids.current': '8',
        'hugetlb.2MB.max': 'max',
        'hugetlb.2MB.current': '0',
        'cpu.pressure': pressure,
        'memory.pressure': pressure,
      },
      '/a b': { ...memoryV2('2147483648'), 'cpu.max': 'max 100000', 'pids.max': 'max' },
    }),
    '/proc/pressure/io': pressure,
  },
  v1: {
    ...numa,
    ...status,
    ...v1Files('/x/y', {
      memory: {
        '/x/y': {
          'memory.limit_in_bytes': '1073741824',
          'memory.usage_in_bytes': '314572800',
          'memory.stat':
            'hierarchical_memory_limit 536870912\ntotal_inactive_file 100\ntotal_active_file 50\ntotal_swap 7',
          'memory.memsw.limit_in_bytes': '9223372036854771712',
          'memory.use_hierarchy': '1',
          'memory.failcnt': '3',
          'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
          'memory.numa_stat': 'total=9 N0=5 N1=4\nhierarchical_file=9 N0=5 N1=4\nhierarchical_anon=3 N0=2 N1=1',
        },
        '/x': {
          'memory.limit_in_bytes': '536870912',
          'memory.usage_in_bytes': '400000000',
          'memory.use_hierarchy': '1',
        },
        '/': { 'memory.limit_in_bytes': '9223372036854771712' },
      },
      cpu: { '/x/y': { 'cpu.cfs_quota_us': '50000', 'cpu.cfs_period_us': '100000', 'cpu.shares': '512' } },
      cpuacct: { '/x/y': { 'cpuacct.usage': '123456789' } },
      cpuset: { '/x/y': { 'cpuset.cpus': '0-3', 'cpuset.effective_cpus': '0-3', 'cpuset.mems': '0' } },
      pids: { '/x/y': { 'pids.max': '64', 'pids.current': '8' } },
      hugetlb: { '/x/y': { 'hugetlb.1GB.limit_in_bytes': '9223372035781033984', 'hugetlb.1GB.usage_in_bytes': '0' } },
    }),
  },
  plain: { ...hostFiles(), ...status, '/sys/devices/system/cpu/online': '0-3\n' },
}
