import t from 'tap'
import { availableShare } from '../../../src/placement/policies/available-memory.js'
import { type MemoryPressureOptions, memoryPressurePolicy } from '../../../src/placement/policies/memory-pressure.js'
import type { ZoneRow } from '../../../src/views/snapshot/zone-row.js'
import { PolicyFleet } from '../support/policy-fleet.js'

type Zone = Partial<ZoneRow>

/** A zone of 1,000 bytes. */
function zone(available: number, over: Zone = {}): Zone {
  return { memoryTotalBytes: 1_000, memoryAvailableBytes: available * 1_000, memoryPressurePercent: null, ...over }
}

/** Feeds timed readings, and returns those at which the policy wants the zone paused. */
function run(
  readings: readonly (readonly [atMs: number, zone: Zone])[],
  options: MemoryPressureOptions = {},
): boolean[] {
  const fleet = new PolicyFleet(memoryPressurePolicy(options))
  return readings.map(([atMs, reading]) => {
    fleet.nowMs = atMs
    fleet.zone(0, reading)
    return fleet.wanted().includes('pause-node boot/0')
  })
}

t.test('the policy pauses a zone once scarcity has lasted, not at the first reading', (t) => {
  t.strictSame(
    run([
      [0, zone(0.05)],
      [1_999, zone(0.05)],
      [2_000, zone(0.05)],
    ]),
    [false, false, true],
  )
  t.strictSame(
    run([
      [0, zone(0.05)],
      [1_500, zone(0.5)],
      [2_000, zone(0.05)],
      [3_900, zone(0.05)],
      [4_000, zone(0.05)],
    ]),
    [false, false, false, false, true],
    'an interruption restarts the period',
  )
  t.end()
})

t.test('the policy lifts a pause only above the upper threshold, and not before the minimum hold', (t) => {
  const begun = [
    [0, zone(0.05)],
    [2_000, zone(0.05)],
  ] as const
  t.strictSame(run([...begun, [3_000, zone(0.9)], [31_999, zone(0.9)], [32_000, zone(0.9)]]), [
    false,
    true,
    true,
    true,
    false,
  ])
  t.strictSame(run([...begun, [40_000, zone(0.11)], [50_000, zone(0.2)], [60_000, zone(0.21)]]), [
    false,
    true,
    true,
    true,
    false,
  ])
  t.end()
})

t.test('the cgroup limit and the kernel’s pressure count as well as the zone', (t) => {
  const limited = zone(0.9, { memoryLimitBytes: 100, memoryHeadroomBytes: 5 })
  t.strictSame(
    run([
      [0, limited],
      [2_000, limited],
    ]),
    [false, true],
  )
  const stalled = zone(0.9, { memoryPressurePercent: 21 })
  t.strictSame(
    run([
      [0, stalled],
      [2_000, stalled],
    ]),
    [false, true],
  )
  const easing = zone(0.9, { memoryPressurePercent: 6 })
  const calm = zone(0.9, { memoryPressurePercent: 4 })
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

t.test('the reason of a pause is what was read when it began', (t) => {
  const fleet = new PolicyFleet(memoryPressurePolicy({ sustainedMs: 0 }))
  const reasonOf = (reading: Zone): string | undefined => {
    fleet.zone(0, reading)
    return fleet.decide().wanted[0]?.reason
  }
  t.equal(reasonOf(zone(0.05)), '5 % of the memory is available, less than 10 %')
  t.equal(reasonOf(zone(0.01)), '5 % of the memory is available, less than 10 %')
  const stalled = new PolicyFleet(memoryPressurePolicy({ sustainedMs: 0 }))
  stalled.zone(0, zone(0.9, { memoryPressurePercent: 30 }))
  t.equal(stalled.decide().wanted[0]?.reason, 'tasks waited for memory in 30 % of the last 10 s, more than 20 %')
  t.end()
})

t.test('a stale reading neither pauses a zone nor lifts its pause', (t) => {
  const fleet = new PolicyFleet(memoryPressurePolicy())
  fleet.zone(0, zone(0.01))
  fleet.decide()
  fleet.nowMs = 2_000
  fleet.zone(0, zone(0.01))
  t.strictSame(fleet.wanted(), ['pause-node boot/0'])
  fleet.nowMs = 60_000
  fleet.zone(0, zone(0.9, { observedMs: 54_999 }))
  const stale = fleet.decide()
  t.strictSame(stale.wanted, [])
  t.strictSame(stale.undecided, ['boot/0'])
  fleet.nowMs = 61_000
  fleet.zone(0, zone(0.15))
  t.strictSame(fleet.wanted(), ['pause-node boot/0'])
  t.end()
})

t.test('each zone is judged separately, and a removed zone is forgotten', (t) => {
  const fleet = new PolicyFleet(memoryPressurePolicy({ sustainedMs: 0 }))
  fleet.zone(0, zone(0.01))
  fleet.zone(1, zone(0.9))
  t.strictSame(fleet.wanted(), ['pause-node boot/0'])
  fleet.builder.apply({ kind: 'zone-removed', bootId: 'boot', numaNode: 0 })
  const after = fleet.decide()
  t.strictSame(after, { wanted: [], undecided: [], state: {} })
  t.end()
})

t.test('availableShare is the smaller share of zone and cgroup, at most 1', (t) => {
  const share = (available: number, over: Zone = {}): number =>
    availableShare({
      memoryTotalBytes: 1_000,
      memoryAvailableBytes: available * 1_000,
      memoryLimitBytes: null,
      memoryHeadroomBytes: null,
      ...over,
    })
  t.equal(share(0.25), 0.25)
  t.equal(share(0.25, { memoryLimitBytes: 100, memoryHeadroomBytes: 10 }), 0.1)
  const aboveMachine = { memoryLimitBytes: 4_000, memoryHeadroomBytes: 375 }
  t.equal(share(0.375, aboveMachine), 0.375, 'a limit above the memory of the zone')
  t.equal(share(0, { memoryTotalBytes: 0 }), 1, 'a zone of CPUs only')
  t.equal(share(3), 1)
  t.end()
})

t.test('thresholds without a gap between them are refused, and named', (t) => {
  const bad: [MemoryPressureOptions, RegExp][] = [
    [
      { pauseBelowAvailable: 0.3 },
      /0 ≤ pauseBelowAvailable < liftAboveAvailable ≤ 1 must hold, but they are 0\.3 and 0\.2/,
    ],
    [{ pauseBelowAvailable: -0.1 }, /pauseBelowAvailable/],
    [{ liftAboveAvailable: 1.1 }, /liftAboveAvailable/],
    [{ pauseAbovePressurePercent: 5 }, /liftBelowPressurePercent < pauseAbovePressurePercent/],
    [{ minHoldMs: Number.NaN }, /minHoldMs/],
    [{ ttlMs: 0 }, /ttlMs/],
  ]
  for (const [options, message] of bad) {
    t.throws(() => memoryPressurePolicy(options), { code: 'NUMACAST_INVALID_ARGUMENT', message })
  }
  t.end()
})
