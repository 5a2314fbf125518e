import t from 'tap'
import {
  availableShare,
  type MemoryPressureOptions,
  type MemoryPressureState,
  memoryPressurePolicy,
} from '../../src/placement/memory-pressure.js'
import type { NodeStatus, StatusDocument } from '../../src/views/status/status-document.js'
import { sampleDocument } from '../observe/sample-document.js'

function node(available: number, over: Partial<NodeStatus> = {}): NodeStatus {
  return {
    bootId: 'b',
    host: 'h',
    numaNode: 0,
    cpus: 4,
    memoryTotalBytes: 1_000,
    memoryAvailableBytes: available * 1_000,
    memoryLimitBytes: null,
    memoryHeadroomBytes: null,
    cpuQuotaCores: null,
    cpuHeadroomCores: 4,
    memoryPressurePercent: null,
    cpuPressurePercent: null,
    workers: { available: 0, busy: 0, unhealthy: 0, draining: 0 },
    collector: { pid: 1, liveliness: 'alive', cause: null, livelinessForMs: 0, adopted: false, unwatchedWorkers: 0 },
    ageMs: 0,
    ...over,
  }
}

function snapshot(...nodes: NodeStatus[]): StatusDocument {
  return sampleDocument({ nodes, workers: [] })
}

/** Feeds timed readings, and returns those at which the policy wants the node paused. */
function run(
  readings: readonly (readonly [atMs: number, node: NodeStatus])[],
  options: MemoryPressureOptions = {},
): boolean[] {
  const policy = memoryPressurePolicy(options)
  let state: MemoryPressureState = policy.initial
  return readings.map(([atMs, reading]) => {
    const decision = policy.decide(snapshot(reading), state, atMs)
    state = decision.state
    return decision.wanted.some(({ kind, target }) => kind === 'pause-node' && target === 'b/0')
  })
}

t.test('the policy pauses a node once scarcity has lasted, not at the first reading', (t) => {
  t.strictSame(
    run([
      [0, node(0.05)],
      [1_999, node(0.05)],
      [2_000, node(0.05)],
    ]),
    [false, false, true],
  )
  t.strictSame(
    run([
      [0, node(0.05)],
      [1_500, node(0.5)],
      [2_000, node(0.05)],
      [3_900, node(0.05)],
      [4_000, node(0.05)],
    ]),
    [false, false, false, false, true],
    'an interruption restarts the period',
  )
  t.end()
})

t.test('the policy lifts a pause only above the upper threshold, and not before the minimum hold', (t) => {
  const begun = [
    [0, node(0.05)],
    [2_000, node(0.05)],
  ] as const
  t.strictSame(run([...begun, [3_000, node(0.9)], [31_999, node(0.9)], [32_000, node(0.9)]]), [
    false,
    true,
    true,
    true,
    false,
  ])
  t.strictSame(run([...begun, [40_000, node(0.11)], [50_000, node(0.2)], [60_000, node(0.21)]]), [
    false,
    true,
    true,
    true,
    false,
  ])
  t.end()
})

t.test('the cgroup limit and the kernel’s pressure count as well as the node', (t) => {
  const limited = node(0.9, { memoryLimitBytes: 100, memoryHeadroomBytes: 5 })
  t.strictSame(
    run([
      [0, limited],
      [2_000, limited],
    ]),
    [false, true],
  )
  const stalled = node(0.9, { memoryPressurePercent: 21 })
  t.strictSame(
    run([
      [0, stalled],
      [2_000, stalled],
    ]),
    [false, true],
  )
  const easing = node(0.9, { memoryPressurePercent: 6 })
  const calm = node(0.9, { memoryPressurePercent: 4 })
  t.strictSame(
    run([
      [0, stalled],
      [2_000, stalled],
      [60_000, easing],
      [61_000, calm],
    ]),
    [false, true, true, false],
  )
  t.end()
})

t.test('a stale reading neither pauses a node nor lifts its pause', (t) => {
  const policy = memoryPressurePolicy()
  let { state } = policy.decide(snapshot(node(0.01)), policy.initial, 0)
  state = policy.decide(snapshot(node(0.01)), state, 2_000).state
  const blind = policy.decide(snapshot(node(0.9, { ageMs: 5_001 })), state, 60_000)
  t.strictSame(blind.wanted, [])
  t.strictSame(blind.undecided, ['b/0'])
  t.match(policy.decide(snapshot(node(0.15)), blind.state, 61_000).wanted, [{ kind: 'pause-node', target: 'b/0' }])
  t.end()
})

t.test('each node is judged separately, and a removed node is forgotten', (t) => {
  const policy = memoryPressurePolicy({ sustainedMs: 0 })
  const both = snapshot(node(0.01), node(0.9, { numaNode: 1 }))
  const first = policy.decide(both, policy.initial, 0)
  t.strictSame(
    first.wanted.map(({ target }) => target),
    ['b/0'],
  )
  const after = policy.decide(snapshot(node(0.9, { numaNode: 1 })), first.state, 1)
  t.strictSame(Object.keys(after.state), ['b/1'])
  t.strictSame(after.undecided, [])
  t.end()
})

t.test('availableShare is the smaller share of node and cgroup, at most 1', (t) => {
  t.equal(availableShare(node(0.25)), 0.25)
  t.equal(availableShare(node(0.25, { memoryLimitBytes: 100, memoryHeadroomBytes: 10 })), 0.1)
  const aboveMachine = { memoryLimitBytes: 4_000, memoryHeadroomBytes: 375 }
  t.equal(availableShare(node(0.375, aboveMachine)), 0.375, 'a limit above the memory of the node')
  t.equal(availableShare(node(0, { memoryTotalBytes: 0 })), 1, 'a node of CPUs only')
  t.equal(availableShare(node(3)), 1)
  t.end()
})

t.test('thresholds without a gap between them are refused', (t) => {
  const bad: MemoryPressureOptions[] = [
    { pauseBelowAvailable: 0.3 },
    { pauseBelowAvailable: -0.1 },
    { liftAboveAvailable: 1.1 },
    { pauseAbovePressurePercent: 5 },
    { minHoldMs: Number.NaN },
  ]
  for (const options of bad) t.throws(() => memoryPressurePolicy(options), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})
