import { setTimeout as delay } from 'node:timers/promises'
import v8 from 'node:v8'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import { sampleFields } from '../../../src/topology/cgroup/headroom-sample.js'
import { openHeadroomSampler } from '../../../src/topology/cgroup/headroom-sampler.js'
import { limitValue } from '../../../src/topology/model/limit.js'
import { plantTree, v2Files, writeTree } from '../../support/machine-tree.js'
import { requirement } from '../../support/requirement.js'

const group = (max: string, current: string) => ({
  'memory.max': max,
  'memory.high': 'max',
  'memory.current': current,
  'memory.stat': 'inactive_file 100\nactive_file 50\nslab_reclaimable 0',
  'memory.events': 'low 0\nhigh 1\nmax 2\noom 3\noom_kill 4',
  'cpu.max': '150000 100000',
  'cpu.stat': 'usage_usec 10\nnr_periods 1\nnr_throttled 2\nthrottled_usec 3',
  'pids.max': '64',
  'pids.current': '8',
  'cpuset.cpus.effective': '0-3',
  'cpu.pressure': 'some avg10=1.25 avg60=0.00 avg300=0.00 total=11\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=12',
})

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

t.setTimeout(120_000) // a loaded machine is no failure

function run(): void {
  t.test('the addon writes the fields that the sampler reads', async (t) => {
    t.same(nativeAddon()?.sampleFields, sampleFields)
  })

  t.test('a sample equals a single reading', async (t) => {
    const root = plantTree(t, v2Files('/a', { '/a': group('4096', '1024') }))
    using sampler = openHeadroomSampler({ root })
    const headroom = readHeadroom({ root })
    t.match(sampler.sample(), {
      memoryLimitBytes: limitValue(headroom.memory.limit),
      memoryHighBytes: Number.POSITIVE_INFINITY,
      memoryCurrentBytes: 1024,
      workingSetBytes: 924,
      safeHeadroomBytes: 4096 - 924,
      maxHeadroomBytes: headroom.memory.maxHeadroomBytes,
      hostAvailableBytes: headroom.memory.hostAvailableBytes,
      eventsHigh: 1,
      eventsMax: 2,
      eventsOom: 3,
      eventsOomKill: 4,
      quotaCpus: 1.5,
      effectiveCpus: 1.5,
      cpuUsageUs: 10,
      cpuPeriods: 1,
      cpuThrottledPeriods: 2,
      cpuThrottledUs: 3,
      pidsLimit: 64,
      pidsCurrent: 8,
      cpuSomeAvg10: 1.25,
      cpuSomeTotalUs: 11,
      cpuFullAvg10: 0.5,
      cpuFullTotalUs: 12,
      memorySomeTotalUs: Number.NaN,
      discoveries: 1,
    })
  })

  t.test('hot files are read every time, slow ones at their interval', async (t) => {
    const root = plantTree(t, v2Files('/a', { '/a': group('4096', '1024') }))
    using hot = openHeadroomSampler({ root, slowIntervalMs: 3_600_000 })
    using eager = openHeadroomSampler({ root, slowIntervalMs: 0 })
    t.ok(hot.files.some((file) => file.endsWith('/a/memory.current')))
    t.notOk(hot.files.some((file) => file.endsWith('/memory.stat')))
    writeTree(root, { '/sys/fs/cgroup/a/memory.current': '2048\n', '/sys/fs/cgroup/a/memory.max': '8192\n' })
    t.match(hot.sample(), { memoryCurrentBytes: 2048, memoryLimitBytes: 4096, safeHeadroomBytes: 4096 - 1948 })
    t.match(eager.sample(), { memoryCurrentBytes: 2048, memoryLimitBytes: 8192, safeHeadroomBytes: 8192 - 1948 })
  })

  t.test('the sampler notices a moved process and looks up its cgroup again', async (t) => {
    const root = plantTree(t, v2Files('/a', { '/a': group('4096', '1024'), '/b': group('16384', '1') }))
    using sampler = openHeadroomSampler({ root, slowIntervalMs: 20 })
    t.equal(sampler.sample().memoryLimitBytes, 4096)
    writeTree(root, { '/proc/self/cgroup': '0::/b\n' })
    while (sampler.sample().memoryLimitBytes !== 16384) await delay(5)
    t.match(sampler.sample(), { memoryCurrentBytes: 1, discoveries: 2 })
  })

  t.test('on this machine samples are monotonic and allocate nothing', async (t) => {
    using sampler = openHeadroomSampler()
    const first = sampler.sample().atUs
    for (let index = 0; index < 2000; index++) sampler.sample()
    t.ok(sampler.sample().atUs > first)
    t.ok(sampler.sample().hostAvailableBytes > 0)
    const count = 5000
    const growth = Array.from({ length: 7 }, () => {
      const before = v8.getHeapStatistics()
      for (let index = 0; index < count; index++) sampler.sample()
      const after = v8.getHeapStatistics()
      return after.used_heap_size + after.external_memory - before.used_heap_size - before.external_memory
    }).sort((left, right) => left - right)
    // One heap number per sample would cost 16 bytes each. The median is used, because other code may allocate or a
    // collection may run.
    t.ok((growth[3] ?? Number.NaN) < count * 4, `heap growth in bytes: ${growth.join(', ')}`)
  })

  t.test('another process is sampled until it exits, and no later process with its pid', async (t) => {
    const { spawn } = await import('node:child_process')
    const child = spawn('sleep', ['1000'])
    const pid = child.pid
    if (pid === undefined) throw new Error('sleep did not start')
    using sampler = openHeadroomSampler({ pid, slowIntervalMs: 0 })
    t.equal(sampler.sample().discoveries, 1)
    t.ok(sampler.sample().hostAvailableBytes > 0)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('exit', resolve))
    t.ok(Number.isNaN(sampler.sample().hostAvailableBytes), 'the values of a process that is gone are unknown')
  })

  t.test('a closed or transferred sampler and invalid options are refused', async (t) => {
    const closed = openHeadroomSampler()
    closed.close()
    closed.close()
    t.throws(() => closed.sample(), { code: 'NUMACAST_CLOSED' })
    t.same(closed.files, [])
    const transferred = openHeadroomSampler()
    structuredClone(transferred.values, { transfer: [transferred.values.buffer as ArrayBuffer] })
    t.throws(() => transferred.sample(), { code: 'NUMACAST_CLOSED' })
    t.throws(() => openHeadroomSampler({ slowIntervalMs: -1 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => openHeadroomSampler({ slowIntervalMs: Number.NaN }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  })

  t.test('no file descriptor is left behind', async (t) => {
    const { readdirSync } = await import('node:fs')
    const count = () => readdirSync('/proc/self/fd').length
    openHeadroomSampler().close()
    const before = count()
    for (let index = 0; index < 20; index++) {
      const sampler = openHeadroomSampler()
      sampler.sample()
      sampler.close()
      readHeadroom()
    }
    t.equal(count(), before)
  })

  t.test('several worker threads can sample at once', async (t) => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData).then(({ openHeadroomSampler }) => {
        const sampler = openHeadroomSampler()
        for (let index = 0; index < 1000; index++) sampler.sample()
        parentPort.postMessage(sampler.sample().hostAvailableBytes)
      })`
    const workerData = new URL('../../../src/topology/cgroup/headroom-sampler.js', import.meta.url).href
    const run = () =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(source, { eval: true, workerData })
        worker.on('message', resolve)
        worker.on('error', reject)
      })
    for (const bytes of await Promise.all([run(), run(), run()])) t.ok(bytes > 0)
  })
}
