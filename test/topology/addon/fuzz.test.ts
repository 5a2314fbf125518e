import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { nativeAddon } from '../../../src/topology/addon/addon.js'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import { openHeadroomSampler } from '../../../src/topology/cgroup/headroom-sampler.js'
import type { Headroom } from '../../../src/topology/model/cgroup-headroom.js'
import { type Limit, limitValue } from '../../../src/topology/model/limit.js'
import type { Topology } from '../../../src/topology/model/numa-topology.js'
import { readTopology } from '../../../src/topology/numa/topology.js'
import { writeTree } from '../../support/machine-tree.js'
import { machines } from '../../support/machines.js'
import { requirement } from '../../support/requirement.js'

/** The sanitizer run raises it. The seed is printed with a failure. */
const numRuns = Number(process.env.NUMACAST_FUZZ_RUNS ?? 150)

type Damage =
  | { readonly kind: 'delete' | 'directory' | 'loop' | 'empty' | 'endless' }
  | { readonly kind: 'replace' | 'append' | 'prepend'; readonly text: string }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip'; readonly at: number; readonly byte: number }
  | { readonly kind: 'number'; readonly index: number; readonly text: string }

const nasty = fc.constantFrom(
  '18446744073709551615', '18446744073709551616', '9223372036854775807', '-9223372036854775808', '-1', '0', '4294967296',
  '0-4294967295', '0-65535', '65536', '1e400', 'nan', 'inf', 'max max', '0x10', '\0', '..', '/../../..', '\\040', '%s%n',
  '0-65535:1/1', '5-3', '1:2/0', ',,,', 'ffffffff,'.repeat(300), '0,'.repeat(5000), 'a'.repeat(20_000), '/x'.repeat(3000),
) // biome-ignore format: a list
const text = fc.oneof(nasty, fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('delete', 'directory', 'loop', 'empty', 'endless') }),
  fc.record({ kind: fc.constantFrom('replace', 'append', 'prepend'), text }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(200) }),
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(200), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('number' as const), index: fc.nat(10), text: nasty }),
)
const scenario = fc.record({
  machine: fc.constantFrom(...(Object.keys(machines) as (keyof typeof machines)[])),
  damages: fc.array(fc.tuple(fc.nat(1000), damage), { minLength: 1, maxLength: 6 }),
  later: fc.array(fc.tuple(fc.nat(1000), damage), { maxLength: 2 }),
})

function inflict(file: string, damage: Damage): void {
  const before = (): Buffer => {
    try {
      return readFileSync(file)
    } catch {
      return Buffer.alloc(0)
    }
  }
  const change = (make: (old: Buffer) => void): void => {
    const old = before()
    rmSync(file, { recursive: true, force: true })
    make(old)
  }
  switch (damage.kind) {
    case 'delete':
      rmSync(file, { recursive: true, force: true })
      break
    case 'directory':
      change(() => mkdirSync(file))
      break
    case 'loop':
      change(() => symlinkSync(path.basename(file), file))
      break
    case 'empty':
      change(() => writeFileSync(file, ''))
      break
    case 'endless':
      change(() => {
        writeFileSync(file, '1')
        truncateSync(file, 20 * 1024 * 1024) // sparse, and more than any reader takes
      })
      break
    case 'replace':
      change(() => writeFileSync(file, damage.text))
      break
    case 'append':
      change((old) => writeFileSync(file, Buffer.concat([old, Buffer.from(damage.text)])))
      break
    case 'prepend':
      change((old) => writeFileSync(file, Buffer.concat([Buffer.from(damage.text), old])))
      break
    case 'cut':
      change((old) => writeFileSync(file, old.subarray(0, damage.at)))
      break
    case 'flip':
      change((old) => {
        if (old.length > 0) old[damage.at % old.length] = damage.byte
        writeFileSync(file, old)
      })
      break
    case 'number':
      change((old) => {
        let index = -1
        writeFileSync(
          file,
          old.toString('latin1').replace(/\d+/g, (digits) => (++index === damage.index ? damage.text : digits)),
        )
      })
  }
}

function checkTopology({ nodes, distances, warnings }: Topology): void {
  const ascending = (ids: readonly number[]) => ids.every((id, index) => id >= 0 && id > (ids[index - 1] ?? -1))
  if (nodes.length === 0) throw new Error('no node')
  if (!ascending(nodes.map(({ id }) => id))) throw new Error('node ids are not ascending')
  for (const node of nodes) {
    if (!ascending(node.cpus) || !ascending(node.localCpus)) throw new Error('CPUs are not ascending')
    if (node.cpus.length > 0 && node.localCpus.join() !== node.cpus.join())
      throw new Error('local CPUs are not its own')
  }
  if (distances !== null) {
    if (distances.nodeIds.join() !== nodes.map(({ id }) => id).join()) throw new Error('distances of other nodes')
    if (distances.matrix.some((row) => row.length !== nodes.length)) throw new Error('distances are not square')
    if (distances.matrix.length !== nodes.length) throw new Error('distances are not square')
  }
  if (warnings.length > 101) throw new Error('warnings grow without bound')
}

function checkHeadroom({ memory, cpu, pids }: Headroom): void {
  const check = ({ state, ...rest }: Limit): void => {
    if (state === 'limited' && !('value' in rest && Number.isFinite(rest.value) && rest.value >= 0))
      throw new Error('bad limit')
  }
  for (const limit of [memory.limit, memory.high, memory.swap.limit, cpu.quotaCpus, pids.limit]) check(limit)
  for (const number of [memory.safeHeadroomBytes, memory.maxHeadroomBytes, memory.workingSetBytes, cpu.effectiveCpus]) {
    if (number !== null && !(number >= 0 && Number.isFinite(number))) throw new Error(`bad number ${number}`)
  }
  if (memory.limit.state === 'unknown' && memory.safeHeadroomBytes !== null)
    throw new Error('headroom below an unknown limit')
  if (memory.limit.state === 'limited' && (memory.safeHeadroomBytes ?? 0) > memory.limit.value)
    throw new Error('above limit')
  if (cpu.quotaCpus.state === 'limited' && (cpu.effectiveCpus ?? 0) > cpu.quotaCpus.value)
    throw new Error('above quota')
}

if (requirement(t, 'the native addon', nativeAddon() !== null, 'it is not compiled')) run()

function run(): void {
  t.setTimeout(600_000)
  const base = t.testdir({})

  t.test('trees broken in any way are read without a fault, and both readers agree', async (t) => {
    fc.assert(
      fc.property(scenario, ({ machine, damages, later }) => {
        const root = mkdtempSync(path.join(base, 'tree-'))
        const tree = machines[machine]
        const names = Object.keys(tree)
        const fileAt = (index: number) => path.join(root, names[index % names.length] ?? '')
        writeTree(root, tree)
        try {
          for (const [index, one] of damages) inflict(fileAt(index), one)
          checkTopology(readTopology({ root }))
          const headroom = readHeadroom({ root })
          checkHeadroom(headroom)
          using sampler = openHeadroomSampler({ root, slowIntervalMs: 0 })
          const sample = sampler.sample()
          const same = (left: number, right: number | null) => Object.is(left, right ?? Number.NaN) || left === right
          if (
            !same(sample.memoryLimitBytes, limitValue(headroom.memory.limit)) ||
            !same(sample.safeHeadroomBytes, headroom.memory.safeHeadroomBytes) ||
            !same(sample.maxHeadroomBytes, headroom.memory.maxHeadroomBytes) ||
            !same(sample.effectiveCpus, headroom.cpu.effectiveCpus) ||
            !same(sample.cpuThrottledUs, headroom.cpu.throttledUs) ||
            !same(sample.cpuSomeTotalUs, headroom.pressure.cpu?.some.totalUs ?? null)
          ) {
            throw new Error(`the sampler differs: ${JSON.stringify({ ...sample })} ${JSON.stringify(headroom)}`)
          }
          for (const [index, one] of later) inflict(fileAt(index), one)
          sampler.sample()
        } finally {
          rmSync(root, { recursive: true, force: true })
        }
      }),
      { numRuns },
    )
    t.pass(`${numRuns} trees`)
  })
}
