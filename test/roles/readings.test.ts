import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { nodeCapacity } from '../../src/plane/node/node-capacity.js'
import { workerCapacity } from '../../src/plane/worker/worker-capacity.js'
import { idleCores, parseCpuTicks } from '../../src/roles/node/readings/cpu-idle.js'
import { openZoneReadings } from '../../src/roles/node/readings/zone-readings.js'
import { finite } from '../../src/roles/shared/finite.js'
import { openWorkerReadings } from '../../src/roles/worker/readings/worker-readings.js'
import { readHeadroom } from '../../src/topology/cgroup/headroom.js'
import { readTopology } from '../../src/topology/numa/topology.js'
import { createGroup, write } from '../support/real-cgroup.js'
import { requirement } from '../support/requirement.js'

t.test('/proc/stat yields ticks per CPU, without malformed lines', (t) => {
  const ticks = parseCpuTicks(
    [
      'cpu  9 9 9 9',
      'cpu0 10 0 10 70 10 0 0 0 5 5',
      'cpu2 1 1 1 1',
      'cpu3 1 1',
      'cpux 1 1 1 1',
      'cpu4 a b c d',
      'intr 5',
    ].join('\n'),
  )
  t.strictSame(
    [...ticks],
    [
      [0, { idle: 80, total: 100 }],
      [2, { idle: 1, total: 4 }],
    ],
  )
  t.strictSame(parseCpuTicks('').size, 0)
  t.end()
})

t.test('idleCores sums the idle time of the CPUs of a node', (t) => {
  const before = new Map([
    [0, { idle: 0, total: 0 }],
    [1, { idle: 0, total: 0 }],
    [2, { idle: 0, total: 0 }],
  ])
  const after = new Map([
    [0, { idle: 50, total: 100 }],
    [1, { idle: 100, total: 100 }],
    [2, { idle: 100, total: 100 }],
  ])
  t.equal(idleCores(before, after, [0, 1]), 1.5)
  t.equal(idleCores(before, after, [0, 1, 9]), 1.5, 'a CPU that went offline')
  t.equal(idleCores(after, after, [0, 1]), null, 'no time has passed')
  const backwards = new Map([[0, { idle: 40, total: 150 }]])
  t.equal(idleCores(after, backwards, [0]), 0, 'idle time that decreased')
  t.end()
})

t.test('a reading that is not a number is null', (t) => {
  t.strictSame([1, 0, Number.POSITIVE_INFINITY, Number.NaN].map(finite), [1, 0, null, null])
  t.end()
})

t.test('readings of this machine are valid values of their topics', (t) => {
  const [node] = readTopology().nodes
  if (node === undefined) throw new Error('a machine has at least one node')
  const zone = openZoneReadings(node.id)
  zone.read()
  const reading = zone.read()
  t.equal(reading.cpus, node.cpus.length)
  t.ok(reading.memoryAvailableBytes > 0 && reading.memoryAvailableBytes <= reading.memoryTotalBytes)
  const idle = reading.cpuHeadroomCores ?? Number.NaN
  t.ok(idle >= 0 && idle <= reading.cpus)
  const capacity = {
    host: os.hostname(),
    numaNode: node.id,
    bootId: 'b',
    collectorPid: process.pid,
    collectorIncarnation: 1,
    ...reading,
    workers: { available: 0, busy: 0, unhealthy: 0, draining: 0 },
    rosterRows: 0,
    unwatchedWorkers: 0,
    adopted: false,
  }
  t.notMatch(nodeCapacity.check(capacity), { refused: /./ })
  zone.close()

  const worker = openWorkerReadings()
  const own = worker.read()
  t.ok(own.memoryResidentBytes > 0)
  t.notMatch(workerCapacity.check({ workerId: 'w', incarnation: 1, numaNode: 0, ...own }), { refused: /./ })
  worker.close()
  t.throws(() => openZoneReadings(4_095).read(), { code: 'NUMACAST_NOT_FOUND', message: /no NUMA node 4095/ })
  t.end()
})

t.test('the average over a minute begins with what the kernel shows', (t) => {
  const kernel = (): number | undefined => readHeadroom().pressure.cpu?.some.avg60
  const before = kernel()
  if (requirement(t, 'pressure stall information', before !== undefined, 'the kernel has none')) {
    const worker = openWorkerReadings()
    const shown = worker.read().cpuPressureAvg60Percent ?? Number.NaN
    worker.close()
    const [least = 0, most = 0] = [before ?? 0, kernel() ?? 0].sort((a, b) => a - b)
    t.ok(shown >= least && shown <= most, `${least} <= ${shown} <= ${most}`)
  }
  t.end()
})

t.test('a worker that its quota stops reports so', async (t) => {
  const [v2, v1] = [createGroup(t, '', 'throttled', 2), createGroup(t, 'cpu', 'throttled', 1)]
  const place = typeof v2 === 'string' && existsSync(path.join(v2, 'cpu.max')) ? v2 : v1
  if (place instanceof Error) return void requirement(t, 'a writable cpu cgroup', false, place.message)
  if (place === v2) write(place, 'cpu.max', '20000 100000')
  else write(place, 'cpu.cfs_quota_us', 20_000)
  const source = `
    process.on('message', async () => {
      const { openWorkerReadings } = await import(${JSON.stringify(new URL('../../src/roles/worker/readings/worker-readings.js', import.meta.url).href)})
      const readings = openWorkerReadings()
      readings.read()
      const until = process.cpuUsage().user + 400_000
      while (process.cpuUsage().user < until);
      process.send(readings.read())
    })
    process.send('ready')`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  write(place, 'cgroup.procs', child.pid ?? 0)
  child.send('go')
  const [reading] = await once(child, 'message')
  t.equal(reading.cpuQuotaCores, 0.2)
  t.ok(reading.cpuThrottledPercent > 20, `${reading.cpuThrottledPercent} % of the periods`)
  child.kill('SIGKILL')
  await once(child, 'exit')
})

t.test('the memory of the only node is the memory of the machine', (t) => {
  const nodes = readTopology().nodes
  if (
    requirement(t, 'Linux with one NUMA node', process.platform === 'linux' && nodes.length === 1, 'nodes share it')
  ) {
    const kib = /^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
    const zone = openZoneReadings(nodes[0]?.id ?? 0)
    t.equal(zone.read().memoryTotalBytes, Number(kib) * 1024)
    zone.close()
  }
  t.end()
})

t.test('without /proc/stat the idle cores are unknown and the host name is a fallback', (t) => {
  const source = `
    Promise.all([import(process.argv[1]), import(process.argv[2])]).then(([{ openZoneReadings }, { hostIdentity }]) => {
      const readings = openZoneReadings(0)
      readings.read()
      const { cpuHeadroomCores, memoryTotalBytes } = readings.read()
      readings.close()
      console.log(JSON.stringify({ cpuHeadroomCores, memoryTotalBytes, source: hostIdentity().source }))
    })`
  const modules = ['../../src/roles/node/readings/zone-readings.js', '../../src/topology/host/host-identity.js']
  const urls = modules.map((module) => new URL(module, import.meta.url).href)
  const hidden = 'mount -t proc -o subset=pid proc /proc && exec "$@"'
  const inside = ['-m', 'sh', '-c', hidden, 'sh']
  const tried = spawnSync('unshare', [...inside, 'true'], { encoding: 'utf8' })
  if (
    requirement(t, 'a mount namespace, and a /proc of processes only (Linux 5.8)', tried.status === 0, tried.stderr)
  ) {
    const command = [...inside, process.execPath, '-e', source, ...urls]
    const reading = JSON.parse(execFileSync('unshare', command, { encoding: 'utf8' }))
    t.match(reading, { cpuHeadroomCores: null, source: /^(machine-id|random)$/ })
    t.ok(reading.memoryTotalBytes > 0)
  }
  t.end()
})
