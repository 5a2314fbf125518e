import fc from 'fast-check'
import t from 'tap'
import { collectorLossPolicy } from '../../../src/placement/policies/collector-loss.js'
import { cpuShortagePolicy } from '../../../src/placement/policies/cpu-shortage.js'
import { defaultPolicies } from '../../../src/placement/policies/default-policies.js'
import { memoryStallPolicy } from '../../../src/placement/policies/memory-stall.js'
import { memoryTrendPolicy } from '../../../src/placement/policies/memory-trend.js'
import { mergeWanted } from '../../../src/placement/policies/merge-wanted.js'
import type { WantedIntent } from '../../../src/placement/policies/policy.js'
import { stalledLoopsPolicy } from '../../../src/placement/policies/stalled-loops.js'
import { zoneImbalancePolicy } from '../../../src/placement/policies/zone-imbalance.js'
import { intentSchemas } from '../../../src/plane/intents/intents.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'
import { PolicyFleet } from '../support/policy-fleet.js'
import { FleetSource } from '../support/random-fleet.js'

t.test('memory stalls pause a node when both averages are over, until the longer one is below', (t) => {
  const fleet = new PolicyFleet(memoryStallPolicy())
  const at = (seconds: number, avg10: number, avg60: number): string[] => {
    fleet.nowMs = seconds * 1_000
    fleet.zone(0, { memoryPressurePercent: avg10, memoryPressureAvg60Percent: avg60 })
    return fleet.wanted()
  }
  t.strictSame(at(0, 50, 4), [], 'a burst raises only the shorter average')
  t.strictSame(at(1, 3, 30), [], 'a past burst raises only the longer average')
  t.strictSame(at(2, 30, 11), ['pause-node boot/0'])
  t.strictSame(at(13, 0, 9), ['pause-node boot/0'], 'between the two thresholds')
  t.strictSame(at(14, 0, 4), [])
  t.end()
})

t.test('without a 60 s average from the plane, the policy computes one with the kernel’s time constant', (t) => {
  const fleet = new PolicyFleet(memoryStallPolicy())
  let pausedAfter: number | undefined
  for (let second = 0; second < 120 && pausedAfter === undefined; second++) {
    fleet.nowMs = second * 1_000
    fleet.zone(0, { memoryPressurePercent: 40, memoryPressureAvg60Percent: null })
    if (fleet.wanted().length > 0) pausedAfter = second
  }
  // 40 · (1 − e^(−t/60)) passes 10 after 60 · ln(4/3) = 17.3 s.
  t.equal(pausedAfter, 18)
  t.end()
})

t.test('throttling lowers the number of concurrent jobs, and contention sends new work elsewhere', (t) => {
  const policy = () => new PolicyFleet(cpuShortagePolicy({ sustainedMs: 0 }))
  const contended = policy()
  contended.zone(0, { cpuPressurePercent: 60, cpuHeadroomCores: 0.2 })
  contended.zone(1, { cpuPressurePercent: 0, cpuHeadroomCores: 6 })
  contended.worker('w')
  contended.worker('idle', { load: { numaNode: 1, inFlight: 0 } })
  t.strictSame(contended.wanted(), ['pause-node boot/0'])

  const nowhereToGo: Record<string, (fleet: PolicyFleet<unknown>) => void> = {
    'no other zone': () => undefined,
    'the other zone is busy': (fleet) => fleet.zone(1, { cpuHeadroomCores: 2 }),
    'the other zone has no living worker': (fleet) => {
      fleet.worker('idle', { load: { numaNode: 1, liveliness: 'dead' } })
      fleet.zone(1)
    },
    'the other zone has no free worker': (fleet) => {
      fleet.worker('idle', { load: { numaNode: 1, inFlight: 8 } })
      fleet.zone(1)
    },
    'the other zone has no collector': (fleet) => fleet.zone(1, { collectorLiveliness: 'unreachable' }),
    'the other zone is paused': (fleet) => {
      fleet.zone(1)
      const common = { kind: 'pause-node', maxInFlight: null, shards: [], reason: 'r' } as const
      fleet.builder.apply({ kind: 'intent', intent: { ...common, target: 'boot/1', expiresMs: 1 } })
    },
  }
  for (const [why, arrange] of Object.entries(nowhereToGo)) {
    const alone = policy() as PolicyFleet<unknown>
    alone.zone(0, { cpuPressurePercent: 60, cpuHeadroomCores: 0.2 })
    alone.worker('w')
    alone.worker('idle', { load: { numaNode: 1, inFlight: 0 } })
    arrange(alone)
    t.strictSame(alone.wanted(), ['rebalance boot/0 2'], why)
  }

  const quota = policy()
  quota.zone(0, { cpuPressurePercent: 60, cpuQuotaCores: 4, cpuHeadroomCores: 0.1 })
  quota.worker('w', { load: { inFlight: 6 } })
  t.strictSame(quota.wanted(), ['rebalance boot/0 3'], 'the quota of the zone')

  const throttled = policy()
  throttled.zone(0, { cpuPressurePercent: 60, cpuHeadroomCores: 6 })
  throttled.worker('a', { headroom: { cpuQuotaCores: 1, cpuThrottledPercent: 30 } })
  throttled.worker('b', { headroom: { cpuQuotaCores: 1, cpuUsedCores: 0.99 } })
  throttled.worker('c')
  t.strictSame(throttled.wanted(), ['rebalance boot/0 2'], 'the quotas of two workers of three, with idle CPUs')

  const neither = policy()
  neither.zone(0, { cpuPressurePercent: 60, cpuHeadroomCores: 6 })
  neither.worker('w')
  t.strictSame(neither.wanted(), [], 'idle CPUs and no quota')
  t.end()
})

t.test('a CPU shortage must last, is held for a minimum, and is lifted with hysteresis', (t) => {
  const fleet = new PolicyFleet(cpuShortagePolicy())
  const at = (ms: number, cpuPressurePercent: number, cpuHeadroomCores = 0): string[] => {
    fleet.nowMs = ms
    fleet.zone(0, { cpuPressurePercent, cpuHeadroomCores })
    fleet.zone(1)
    fleet.worker('idle', { load: { numaNode: 1 } })
    return fleet.wanted()
  }
  t.strictSame(at(0, 60), [])
  t.strictSame(at(4_999, 60), [])
  t.strictSame(at(5_000, 60), ['pause-node boot/0'])
  t.strictSame(at(19_999, 0, 9), ['pause-node boot/0'], 'the minimum hold applies')
  t.strictSame(at(20_000, 30, 9), ['pause-node boot/0'], 'between the thresholds')
  t.strictSame(at(21_000, 19, 9), [])
  t.strictSame(at(22_000, 60), [], 'the shortage must last again')
  t.end()
})

/** Simulates jobs that allocate memory as they run, on a zone without enough memory for all of them. */
function runJobs(policy: ReturnType<typeof memoryTrendPolicy> | undefined): {
  peak: number
  done: number
  end: string[]
} {
  const fleet = new PolicyFleet(policy ?? memoryTrendPolicy())
  const running: number[][] = [[], [], [], []]
  const bytesPerJob = 40
  let [peak, done, limit] = [0, 0, 8]
  let end: string[] = []
  for (let second = 0; second < 300; second++) {
    for (const jobs of running) {
      // A job takes 20 s, its memory grows for the first four, and one starts every other second while there is work.
      while (jobs[0] !== undefined && second - jobs[0] >= 20) {
        jobs.shift()
        done++
      }
      if (jobs.length < limit && second % 2 === 0 && second < 240) jobs.push(second)
    }
    const used = running.flat().reduce((sum, since) => sum + (bytesPerJob * Math.min(4, second - since)) / 4, 0)
    peak = Math.max(peak, used)
    fleet.nowMs = second * 1_000
    fleet.zone(0, { memoryAvailableBytes: Math.max(0, 1_000 - used) })
    for (const [index, jobs] of running.entries()) fleet.worker(`w-${index}`, { load: { inFlight: jobs.length } })
    const { wanted } = fleet.decide()
    end = wanted.map(({ kind }) => kind)
    const [intent] = wanted
    if (policy !== undefined) limit = intent?.kind === 'rebalance' ? intent.terms.maxInFlight : 8
  }
  return { peak, done, end }
}

t.test('the memory trend policy keeps a zone within its memory, and lifts the limit when there is room', (t) => {
  const without = runJobs(undefined)
  t.ok(without.peak > 1_000, `without a policy ${without.peak} of 1000 bytes are needed`)
  const { peak, done, end } = runJobs(memoryTrendPolicy())
  t.ok(peak <= 1_000, `${peak} of 1000 bytes`)
  t.ok(done > 150, `${done} jobs were done`)
  t.strictSame(end, [], 'nothing is limited at the end')
  t.end()
})

t.test('the memory trend policy goes up only if one more job of each worker fits', (t) => {
  const fleet = new PolicyFleet(memoryTrendPolicy())
  const at = (second: number, used: number, inFlight: number): string[] => {
    fleet.nowMs = second * 1_000
    fleet.zone(0, { memoryAvailableBytes: 1_000 - used })
    for (const id of ['a', 'b', 'c', 'd']) fleet.worker(id, { load: { inFlight, concurrency: 8 } })
    return fleet.wanted()
  }
  at(0, 400, 0)
  // Each job takes 6 % of the memory, and has grown at once.
  t.strictSame(at(1, 880, 2), ['rebalance boot/0 1'])
  for (let second = 2; second < 60; second++) {
    t.strictSame(at(second, 640, 1), ['rebalance boot/0 1'], 'with eight jobs more than 80 % would be used')
  }
  let limit: string[] = []
  for (let second = 60; second < 660; second += 2) limit = at(second, 420, 1)
  t.strictSame(limit, [], 'jobs that are smaller now have been learned')
  t.end()
})

t.test('the memory trend policy acts on a rise before the target is reached, in steps, on fresh readings only', (t) => {
  const fleet = new PolicyFleet(memoryTrendPolicy())
  const at = (second: number, used: number, inFlight: number): string[] => {
    fleet.nowMs = second * 1_000
    fleet.zone(0, { memoryAvailableBytes: 1_000 - used })
    fleet.worker('w', { load: { inFlight, concurrency: 8 } })
    return fleet.wanted()
  }
  t.strictSame(at(0, 500, 8), [])
  t.strictSame(at(1, 600, 8), ['rebalance boot/0 6'], 'at 60 %, rising by 10 % a second')
  t.strictSame(at(2, 650, 8), ['rebalance boot/0 6'], 'one step in 2 s')
  t.strictSame(at(3, 700, 8), ['rebalance boot/0 4'])
  fleet.nowMs = 20_000
  t.strictSame(fleet.decide().undecided, ['boot/0'], 'a stale reading decides nothing')
  t.strictSame(at(60, 500, 4), ['rebalance boot/0 5'])
  t.strictSame(at(64, 500, 4), ['rebalance boot/0 5'], 'one step up in 5 s')
  t.strictSame(at(65, 500, 4), ['rebalance boot/0 6'])
  t.strictSame(at(70, 500, 4), ['rebalance boot/0 7'])
  t.strictSame(at(75, 500, 4), [], 'the limit of the worker itself is reached')
  t.end()
})

t.test('a worker whose loop is blocked for long is drained, a bounded share of a node at a time', (t) => {
  const fleet = new PolicyFleet(stalledLoopsPolicy({ stalledUtilization: 0.98 }))
  const busy = { headroom: { eventLoopUtilization: 1 } }
  const at = (second: number): string[] => {
    fleet.nowMs = second * 1_000
    return fleet.wanted()
  }
  fleet.zone(0)
  for (let index = 0; index < 8; index++) fleet.worker(`w-${index}`)
  fleet.worker('w-3', { load: { liveliness: 'stalled' } })
  t.strictSame(at(0), [])
  t.strictSame(at(14), [])
  t.strictSame(at(15), ['drain w-3'])
  for (const index of [4, 5, 6, 7]) fleet.worker(`w-${index}`, busy)
  t.strictSame(at(20), ['drain w-3'])
  t.strictSame(at(35), ['drain w-3', 'drain w-4'], 'a quarter of eight')
  fleet.worker('w-3')
  t.strictSame(at(44), ['drain w-3', 'drain w-4'], 'the minimum hold applies')
  t.strictSame(at(45), ['drain w-4', 'drain w-5'], 'then the next worker is drained')
  fleet.builder.apply({ kind: 'worker-removed', workerId: 'w-4' })
  fleet.worker('w-5', { load: { liveliness: 'dead' } })
  t.notOk(
    at(47).some((wanted) => /w-[345]/.test(wanted)),
    'removed and dead workers are forgotten',
  )
  t.end()
})

t.test('a worker that computes all the time is not drained', (t) => {
  const fleet = new PolicyFleet(stalledLoopsPolicy({ sustainedMs: 0 }))
  fleet.zone(0)
  for (const id of ['a', 'b', 'c', 'd']) fleet.worker(id, { headroom: { eventLoopUtilization: 1 } })
  t.strictSame(fleet.wanted(), [])
  fleet.worker('a', { load: { liveliness: 'stalled' }, headroom: { eventLoopUtilization: 1 } })
  t.strictSame(fleet.wanted(), ['drain a'])
  t.end()
})

t.test('the only worker of a node is not drained', (t) => {
  const fleet = new PolicyFleet(stalledLoopsPolicy({ sustainedMs: 0 }))
  fleet.zone(0)
  fleet.worker('w', { load: { liveliness: 'stalled' } })
  t.strictSame(fleet.wanted(), [])
  t.end()
})

t.test('a full node beside an empty one gets fewer jobs, and its shards prefer the empty one', (t) => {
  const fleet = new PolicyFleet(zoneImbalancePolicy())
  const at = (second: number, pressed: number, idle: number): string[] => {
    fleet.nowMs = second * 1_000
    fleet.zone(0, { memoryAvailableBytes: 1_000 - pressed })
    fleet.zone(1, { memoryAvailableBytes: 1_000 - idle })
    return fleet.wanted()
  }
  fleet.worker('a', { load: { inFlight: 8 }, profile: { shards: ['s1', 's2'] } })
  fleet.worker('b', { load: { inFlight: 8 }, profile: { shards: ['s3'] } })
  t.strictSame(at(0, 900, 100), [])
  t.strictSame(at(20, 900, 100), [], 'the idle node has no worker')
  fleet.worker('c', { load: { numaNode: 1 } })
  fleet.worker('d', { load: { numaNode: 1 } })
  t.strictSame(at(21, 900, 100), [])
  const wanted = ['rebalance boot/0 4', 'prefer-shard c s1,s3', 'prefer-shard d s2']
  t.strictSame(at(31, 900, 100), wanted)
  t.strictSame(at(50, 500, 500), wanted, 'the minimum hold applies')
  fleet.nowMs = 60_000
  fleet.zone(1, { observedMs: 50_000 })
  t.strictSame(fleet.decide().undecided, ['boot/0', 'c', 'd'], 'a stale reading decides nothing')
  t.strictSame(at(61, 700, 400), wanted, 'between the gaps')
  t.strictSame(at(62, 550, 400), [])
  t.strictSame(at(90, 600, 100), [], 'half empty is no pressure')
  t.end()
})

t.test('the nodes stay as they are when the workers of the idle one are full', (t) => {
  const fleet = new PolicyFleet(zoneImbalancePolicy({ sustainedMs: 0 }))
  fleet.zone(0, { memoryAvailableBytes: 100 })
  fleet.zone(1)
  fleet.worker('a', { load: { inFlight: 8 } })
  fleet.worker('c', { load: { numaNode: 1, inFlight: 8 } })
  t.strictSame(fleet.wanted(), [])
  fleet.worker('c', { load: { numaNode: 1, inFlight: 7, admissionOpen: false } })
  t.strictSame(fleet.wanted(), [])
  fleet.worker('c', { load: { numaNode: 1, inFlight: 7 } })
  t.strictSame(fleet.wanted(), ['rebalance boot/0 4'])
  t.end()
})

t.test('a limit that no worker reaches is not wanted, though shards may still move', (t) => {
  const one = { inFlight: 1, concurrency: 1 }
  const cpu = new PolicyFleet(cpuShortagePolicy({ sustainedMs: 0 }))
  cpu.zone(0, { cpuPressurePercent: 60, cpuHeadroomCores: 0 })
  cpu.worker('a', { load: one })
  t.strictSame(cpu.wanted(), [])
  cpu.worker('b', { load: { inFlight: 2, concurrency: 2 } })
  t.strictSame(cpu.wanted(), ['rebalance boot/0 1'])
  const memory = new PolicyFleet(memoryTrendPolicy())
  memory.zone(0, { memoryAvailableBytes: 50 })
  memory.worker('a', { load: one })
  t.strictSame(memory.wanted(), [])
  const zones = new PolicyFleet(zoneImbalancePolicy({ sustainedMs: 0 }))
  zones.zone(0, { memoryAvailableBytes: 50 })
  zones.zone(1)
  zones.worker('a', { load: one, profile: { shards: ['s'] } })
  zones.worker('b', { load: { numaNode: 1 } })
  t.strictSame(zones.wanted(), ['prefer-shard b s'])
  t.end()
})

t.test('names that every object has as properties name workers and hosts like others', (t) => {
  const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty']
  const loops = new PolicyFleet(stalledLoopsPolicy({ sustainedMs: 0, maxDrainedShare: 1 }))
  loops.zone(0)
  for (const name of names) loops.worker(name)
  t.strictSame(loops.wanted(), [])
  for (const name of names) loops.worker(name, { load: { liveliness: 'stalled' } })
  t.strictSame(
    loops.wanted(),
    [...names].sort().map((name) => `drain ${name}`),
  )
  t.strictSame(Object.keys(loops.decide().state).sort(), [...names].sort())
  const hosts = new PolicyFleet(zoneImbalancePolicy({ sustainedMs: 0 }))
  for (const bootId of names) {
    hosts.zone(0, { bootId, memoryAvailableBytes: 100 })
    hosts.zone(1, { bootId })
    hosts.worker(`${bootId}-p`, { load: { bootId, inFlight: 2 } })
    hosts.worker(`${bootId}-w`, { load: { bootId, numaNode: 1 } })
  }
  for (let round = 0; round < 2; round++) {
    t.strictSame(
      hosts.wanted().sort(),
      [...names].sort().map((bootId) => `rebalance ${bootId}/0 1`),
    )
  }
  t.end()
})

t.test('a node without a collector is paused until it has one', (t) => {
  const fleet = new PolicyFleet(collectorLossPolicy())
  const at = (second: number, collectorLiveliness: 'alive' | 'dead' | 'unreachable' | 'suspect'): string[] => {
    fleet.nowMs = second * 1_000
    fleet.zone(0, { collectorLiveliness, observedMs: 0 })
    return fleet.wanted()
  }
  t.strictSame(at(0, 'dead'), [])
  t.strictSame(at(5, 'unreachable'), ['pause-node boot/0'], 'regardless of the reading’s age')
  t.strictSame(at(6, 'suspect'), ['pause-node boot/0'])
  t.strictSame(at(7, 'alive'), [])
  t.strictSame(at(8, 'suspect'), [])
  t.end()
})

t.test('what several policies want for one target becomes one intent', (t) => {
  const intent = (kind: string, terms: object, reason: string, ttlMs: number): WantedIntent =>
    ({ kind, target: 'x', terms, reason, ttlMs }) as WantedIntent
  t.strictSame(
    mergeWanted([
      intent('rebalance', { maxInFlight: 4 }, 'cpu', 10),
      intent('rebalance', { maxInFlight: 2 }, 'memory', 30),
      intent('pause-node', {}, 'same', 10),
      intent('pause-node', {}, 'same', 10),
      intent('prefer-shard', { shards: ['a', 'b'] }, 'x', 10),
      intent('prefer-shard', { shards: ['b', 'c'] }, 'y', 10),
      intent('drain', { deadlineMs: null }, 'x', 10),
      intent('drain', { deadlineMs: 500 }, 'y', 10),
    ]),
    [
      intent('rebalance', { maxInFlight: 2 }, 'cpu; memory', 30),
      intent('pause-node', {}, 'same', 10),
      intent('prefer-shard', { shards: ['a', 'b', 'c'] }, 'x; y', 10),
      intent('drain', { deadlineMs: 500 }, 'x; y', 10),
    ],
  )
  t.end()
})

t.test('every default policy wants valid intents, and decides the same when replayed', (t) => {
  let wanted = 0
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const replayed = (): string[] => {
        const source = new FleetSource(seed, 3, 2)
        const builder = new SnapshotBuilder()
        const states = new Map(defaultPolicies().map((policy) => [policy, policy.initial]))
        const decisions: string[] = []
        for (let second = 0; second < 60; second += 3) {
          for (const change of source.fleet(30, second * 1_000)) builder.apply(change)
          for (const [policy, state] of states) {
            const decision = policy.decide(builder.snapshot(), state, second * 1_000)
            states.set(policy, JSON.parse(JSON.stringify(decision.state)))
            for (const { kind, target, terms, reason, ttlMs } of decision.wanted) {
              const base = {
                intentId: 'i',
                target,
                action: 'apply',
                issuer: policy.name,
                issuerId: 'x',
                epoch: 1,
                reason,
                ttlMs,
              }
              intentSchemas[kind]().parse({ ...base, ...terms })
              decisions.push(`${second} ${policy.name} ${kind} ${target} ${JSON.stringify(terms)} ${reason}`)
            }
          }
        }
        return decisions
      }
      const first = replayed()
      t.strictSame(replayed(), first)
      wanted += first.length
    }),
    { numRuns: 10 },
  )
  t.ok(wanted > 50, `${wanted} intents were wanted`)
  t.end()
})

t.test('thresholds without a gap and invalid times are refused', (t) => {
  const bad = [
    () => memoryStallPolicy({ liftBelowPercent: 10 }),
    () => memoryStallPolicy({ maxAgeMs: -1 }),
    () => cpuShortagePolicy({ actAbovePressurePercent: 101 }),
    () => memoryTrendPolicy({ target: 1 }),
    () => memoryTrendPolicy({ upAbove: 0 }),
    () => memoryTrendPolicy({ derivative: Number.NaN }),
    () => stalledLoopsPolicy({ stalledUtilization: 0.5 }),
    () => zoneImbalancePolicy({ pressedAbove: 0 }),
    () => stalledLoopsPolicy({ maxDrainedShare: 0 }),
    () => zoneImbalancePolicy({ liftBelowGap: 0.5 }),
    () => zoneImbalancePolicy({ sustainedMs: Number.NaN }),
    () => collectorLossPolicy({ ttlMs: Number.NaN }),
  ]
  for (const make of bad) t.throws(make, { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})
