import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import {
  currentCpu,
  currentNode,
  getAffinity,
  pinToNode,
  setAffinity,
  setMempolicy,
} from '../../../src/topology/numa/placement.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import type { PinnedReport } from '../../support/pinned-process.js'
import { requirement } from '../../support/requirement.js'
import { withoutSyscall } from '../../support/without-syscall.js'

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.test('the CPU and node of this thread are read', async (t) => {
    const cpu = currentCpu() ?? -1
    const topology = readTopology()
    t.ok(getAffinity()?.includes(cpu))
    t.ok(topology.nodes.some(({ id }) => id === currentNode()))
  })

  t.test('invalid arguments are refused', async (t) => {
    t.throws(() => setAffinity([]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setAffinity(null as unknown as number[]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setAffinity([-1]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setAffinity([0.5]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setMempolicy('somewhere' as 'bind', [0]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setMempolicy('bind', []), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => setMempolicy('default', [0]), { code: 'NUMACAST_INVALID_ARGUMENT' })
    t.throws(() => pinToNode(4711), { code: 'NUMACAST_NOT_FOUND' })
  })

  t.test('a refusal by the kernel is returned, not thrown', async (t) => {
    const before = getAffinity()
    t.match(setAffinity([65_535]), { applied: false, reason: String })
    t.same(getAffinity(), before)
    t.match(setMempolicy('bind', [1023]), { applied: false, reason: String })
  })

  t.test('a node without known CPUs cannot be pinned to', async (t) => {
    const topology = readTopology()
    const nodes = topology.nodes.map((node) => ({ ...node, localCpus: [] }))
    t.match(pinToNode(nodes[0]?.id ?? 0, { ...topology, nodes }), {
      cpus: { applied: false, reason: /no CPUs/ },
      memory: null,
    })
  })

  t.test('every present and future thread is moved, and memory follows', async (t) => {
    const forked = fork(fileURLToPath(new URL('../../support/pinned-process.js', import.meta.url)))
    const [answer] = await once(forked, 'message')
    const { cpu, lists, mempolicy, pinned } = answer as PinnedReport
    t.ok(lists.length > 4, 'V8 and libuv have threads')
    t.same(new Set(lists), new Set([String(cpu)]))
    t.same(mempolicy, [{ applied: true }, { applied: true }, { applied: true }, { applied: true }])
    t.same(pinned, { cpus: { applied: true }, memory: { applied: true } })
    await once(forked, 'exit')
  })

  t.test('a refused memory policy is reported separately, and the CPUs are set', async (t) => {
    const [command = '', ...args] = withoutSyscall(t, 'set_mempolicy') ?? []
    if (command === '') return
    const cpu = getAffinity()?.at(-1) ?? 0
    const code = `const { pinToNode, getAffinity } = await import(process.argv[1])
      const node = { id: 0, localCpus: [${cpu}], memoryTotalBytes: 1, allowed: true }
      console.log(JSON.stringify([pinToNode(0, { nodes: [node] }), getAffinity()]))`
    const url = new URL('../../../src/topology/numa/placement.js', import.meta.url).href
    const program = [process.execPath, '--input-type=module', '-e', code, url]
    const out = execFileSync(command, [...args, ...program], { encoding: 'utf8' })
    const memory = { applied: false, reason: 'set_mempolicy: Operation not permitted' }
    t.same(JSON.parse(out), [{ cpus: { applied: true }, memory }, [cpu]])
  })

  t.test('more than 1,024 CPUs are supported', async (t) => {
    const cpus = getAffinity() ?? []
    const code = `const { setAffinity, getAffinity } = await import(process.argv[1])
      console.log(JSON.stringify([setAffinity([${cpus[0]}, 1500, 8000, 65535]), getAffinity()]))`
    const url = new URL('../../../src/topology/numa/placement.js', import.meta.url).href
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', code, url], { encoding: 'utf8' })
    t.same(JSON.parse(out), [{ applied: true }, [cpus[0]]], 'missing CPUs are ignored')
  })
}
