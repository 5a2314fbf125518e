import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import type { HeadroomSample } from '../../../src/topology/cgroup/headroom-sample.js'
import type { Headroom } from '../../../src/topology/model/cgroup-headroom.js'
import { createGroup, removeGroup, write } from '../../support/real-cgroup.js'
import { requirement } from '../../support/requirement.js'
import type { ProbeRequest } from '../../support/topology-probe.js'

const MiB = 1024 * 1024
const probeFile = fileURLToPath(new URL('../../support/topology-probe.js', import.meta.url))

interface Probe {
  readonly child: ChildProcess
  ask(request: ProbeRequest): Promise<unknown>
  read(): Promise<Headroom>
  sample(): Promise<HeadroomSample>
}

async function startProbe(t: Test): Promise<Probe> {
  const child = fork(probeFile, { serialization: 'advanced' })
  await once(child, 'message')
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const ask = async (request: ProbeRequest): Promise<unknown> => {
    child.send(request)
    const [answer] = await once(child, 'message')
    return answer
  }
  return {
    child,
    ask,
    read: async () => (await ask({ do: 'read' })) as Headroom,
    sample: async () => (await ask({ do: 'sample' })) as HeadroomSample,
  }
}

function moveInto(directory: string, probe: Probe): void {
  write(directory, 'cgroup.procs', probe.child.pid ?? 0)
}

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

t.setTimeout(120_000) // a loaded machine is no failure

function run(): void {
  t.test('memory: limits are read back, a hog moves the headroom, a move is noticed', async (t) => {
    const parent = createGroup(t, 'memory', 'memory')
    if (parent instanceof Error) return void requirement(t, 'a writable v1 memory cgroup', false, parent.message)
    const leaf = path.join(parent, 'leaf with space')
    mkdirSync(leaf)
    t.teardown(() => removeGroup(leaf))
    write(parent, 'memory.limit_in_bytes', 384 * MiB)
    write(leaf, 'memory.limit_in_bytes', 512 * MiB)
    const probe = await startProbe(t)
    moveInto(leaf, probe)

    const before = await probe.read()
    t.same(before.memory.limit, { state: 'limited', value: 384 * MiB, levelPath: parent }, 'the parent is tighter')
    t.match(before.memory.levels, [{ path: leaf, limit: { state: 'limited', value: 512 * MiB } }, { path: parent }])
    t.equal(before.ancestorsVisible, true)
    const free = before.memory.safeHeadroomBytes ?? Number.NaN
    t.ok(free > 0 && free <= 384 * MiB, `${free}`)

    await probe.ask({ do: 'hog', bytes: 128 * MiB })
    const after = await probe.read()
    const taken = free - (after.memory.safeHeadroomBytes ?? Number.NaN)
    t.ok(taken > 100 * MiB && taken < 200 * MiB, `a hog of 128 MiB took ${taken / MiB} MiB of the headroom`)
    const lost = (before.memory.maxHeadroomBytes ?? Number.NaN) - (after.memory.maxHeadroomBytes ?? Number.NaN)
    t.ok(lost > 100 * MiB && lost < 200 * MiB, `and ${lost / MiB} MiB of the largest possible`)
    const anon = after.memory.byNode.reduce((sum, { anonBytes }) => sum + anonBytes, 0)
    t.ok(anon > 100 * MiB, 'use per node shows it')

    // The sampler was opened in another cgroup.
    let sample = await probe.sample()
    while (sample.memoryLimitBytes !== 384 * MiB) {
      await delay(20)
      sample = await probe.sample()
    }
    t.ok(sample.discoveries >= 2)
    t.ok(Math.abs(sample.safeHeadroomBytes - (after.memory.safeHeadroomBytes ?? 0)) < 64 * MiB)

    // The process leaves and the cgroup is removed under the open files. They return ENODEV, which is handled at once.
    const patiently = async () => (await probe.ask({ do: 'sample-patiently' })) as HeadroomSample
    t.match(await patiently(), { memoryLimitBytes: 384 * MiB, discoveries: 1 })
    moveInto(path.dirname(parent), probe)
    t.match(await patiently(), { discoveries: 1 }, 'a move alone is noticed at the slow pace')
    await removeGroup(leaf)
    t.match(await patiently(), { memoryLimitBytes: Number.POSITIVE_INFINITY, discoveries: 2 })
    sample = await probe.sample()
    while (sample.memoryLimitBytes !== Number.POSITIVE_INFINITY) {
      await delay(20)
      sample = await probe.sample()
    }
    t.pass('the removed cgroup’s limit is gone')
  })

  t.test('cpu: the quota and the throttling count are read back', async (t) => {
    const group = createGroup(t, 'cpu', 'cpu')
    if (group instanceof Error) return void requirement(t, 'a writable v1 cpu cgroup', false, group.message)
    write(group, 'cpu.cfs_period_us', 100_000)
    write(group, 'cpu.cfs_quota_us', 50_000)
    write(group, 'cpu.shares', 512)
    const probe = await startProbe(t)
    moveInto(group, probe)
    const { cpu } = await probe.read()
    t.same(cpu.quotaCpus, { state: 'limited', value: 0.5, levelPath: group })
    t.equal(cpu.effectiveCpus, 0.5)
    t.equal(cpu.shares, 512)
    let now = cpu
    while (!((now.periods ?? 0) > (cpu.periods ?? 0))) now = (await probe.read()).cpu
    t.ok((now.throttledUs ?? -1) >= 0)
  })

  t.test('cpuset: CPUs and nodes are read back', async (t) => {
    const group = createGroup(t, 'cpuset', 'cpuset')
    if (group instanceof Error) return void requirement(t, 'a writable v1 cpuset', false, group.message)
    const cpus = readHeadroom().cpu.cpus
    const last = cpus[cpus.length - 1] ?? 0
    write(group, 'cpuset.mems', 0)
    write(group, 'cpuset.cpus', last)
    const probe = await startProbe(t)
    moveInto(group, probe)
    const headroom = await probe.read()
    t.same(headroom.cpuset, { cpus: [last], mems: [0] })
    t.same(headroom.cpu.cpus, [last])
    t.equal(headroom.cpu.effectiveCpus, 1)
  })

  t.test('pids: limit and use are read back', async (t) => {
    const group = createGroup(t, 'pids', 'pids')
    if (group instanceof Error) return void requirement(t, 'a writable v1 pids cgroup', false, group.message)
    write(group, 'pids.max', 100)
    const probe = await startProbe(t)
    moveInto(group, probe)
    const { pids } = await probe.read()
    t.same(pids.limit, { state: 'limited', value: 100, levelPath: group })
    t.ok((pids.current ?? 0) >= 1)
    t.equal(pids.headroom, 100 - (pids.current ?? 0))
  })
}
