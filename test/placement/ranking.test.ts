import fc from 'fast-check'
import t from 'tap'
import { defaultPolicies } from '../../src/placement/policies/default-policies.js'
import { drawFirst, orderByScore } from '../../src/placement/rank/order.js'
import { place } from '../../src/placement/rank/place.js'
import { rank } from '../../src/placement/rank/rank.js'
import type { RankOptions, TieBreak } from '../../src/placement/rank/rank-options.js'
import { type PlacementRequest, resolveRequest } from '../../src/placement/request/placement-request.js'
import { scoreTerms } from '../../src/placement/score/terms.js'
import { SnapshotBuilder } from '../../src/views/snapshot/snapshot-builder.js'
import { PolicyFleet } from './support/policy-fleet.js'
import { FleetSource } from './support/random-fleet.js'
import { randomRequest } from './support/random-request.js'

const nowMs = 1_000

function newFleet(): PolicyFleet<unknown> {
  const [policy] = defaultPolicies()
  if (policy === undefined) throw new Error('no policy was created')
  const fleet = new PolicyFleet(policy)
  fleet.nowMs = nowMs
  return fleet
}

function ranked(fleet: PolicyFleet<unknown>, request: PlacementRequest = {}, options: Partial<RankOptions> = {}) {
  return rank(fleet.builder.snapshot(), resolveRequest(request), { nowMs, ...options })
}

t.test('candidates of equal score take turns, and each is first once in a round', (t) => {
  const fleet = newFleet()
  fleet.zone(0)
  for (const workerId of ['a', 'b', 'c', 'd']) fleet.worker(workerId)
  fleet.worker('worse', { load: { inFlight: 7 } })
  const orders = [0, 1, 2, 3, 4].map((turn) => [
    ...ranked(fleet, {}, { ties: { kind: 'round-robin', turn } }).workerIds(),
  ])
  t.strictSame(orders, [
    ['a', 'b', 'c', 'd', 'worse'],
    ['b', 'c', 'd', 'a', 'worse'],
    ['c', 'd', 'a', 'b', 'worse'],
    ['d', 'a', 'b', 'c', 'worse'],
    ['a', 'b', 'c', 'd', 'worse'],
  ])
  t.end()
})

t.test('random draws the first from the best share, two-choices draws two from all and puts the better first', (t) => {
  const ordered = Uint32Array.from({ length: 100 }, (_, index) => index)
  const firsts = (ties: (seed: number) => TieBreak): number[] =>
    Array.from({ length: 600 }, (_, seed) => {
      const copy = ordered.slice()
      drawFirst(copy, ties(seed))
      t.strictSame(
        [...copy].sort((a, b) => a - b),
        [...ordered],
        'each candidate once',
      )
      const first = copy[0] ?? 0
      t.strictSame(
        [...copy.subarray(1)],
        [...ordered].filter((slot) => slot !== first),
        'the others in order',
      )
      return first
    })
  const random = firsts((seed) => ({ kind: 'random', seed, share: 0.2 }))
  t.equal(Math.max(...random), 19)
  t.equal(new Set(random).size, 20, 'each candidate of the best fifth is drawn')
  const two = firsts((seed) => ({ kind: 'two-choices', seed }))
  const mean = two.reduce((sum, place) => sum + place, 0) / two.length
  // The smaller of two places among n is (n − 1)(2n − 1)/(6n) on average, 32.8 for 100.
  t.ok(Math.abs(mean - 32.8) < 5, `the mean place is ${mean}`)
  const same = ordered.slice()
  drawFirst(same, { kind: 'random', seed: 7, share: 0.001 })
  t.equal(same[0], 0, 'at least one')
  t.strictSame(
    firsts((seed) => ({ kind: 'random', seed, share: 0.2 })),
    random,
    'equal seeds draw the same',
  )
  t.end()
})

t.test('the order by score equals a stable sort', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { maxLength: 300, size: 'max' }), (steps) => {
      const slots = steps.map((_, index) => index * 3)
      const expected = slots.map((slot, index) => ({ slot, step: steps[index] ?? 0 })).sort((a, b) => b.step - a.step)
      const ordered = orderByScore(Uint32Array.from(slots), Uint16Array.from(steps), 0)
      t.strictSame(
        [...ordered],
        expected.map(({ slot }) => slot),
      )
    }),
  )
  t.end()
})

t.test('a term that does not apply, or whose source all workers lack, does not change the order', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...scoreTerms), (seed, absent) => {
      const source = new FleetSource(seed, 2, 2)
      const builder = new SnapshotBuilder()
      for (const change of source.fleet(60, nowMs)) builder.apply(change)
      const snapshot = builder.snapshot()
      const request = randomRequest(source)
      // If two workers are equal in a term, its weight does not change their order.
      const all = [...rank(snapshot, request, { nowMs }).candidates()]
      const without = rank(snapshot, request, { nowMs, weights: { [absent]: 0 } })
      for (const a of all) {
        for (const b of all) {
          if (a.scores[absent] !== b.scores[absent]) continue
          const [left, right] = [without.explain(a.workerId), without.explain(b.workerId)]
          if (left === undefined || right === undefined || !('score' in left && 'score' in right))
            throw new Error('lost')
          const isTie = Math.abs(left.score - right.score) < 2e-4
          if (a.score > b.score && left.score < right.score && !isTie) t.fail(`${a.workerId} and ${b.workerId} changed`)
        }
      }
    }),
    { numRuns: 30 },
  )
  const fleet = newFleet()
  fleet.zone(0, { cpuPressurePercent: null, memoryPressurePercent: null })
  fleet.worker('a')
  t.match(ranked(fleet).best?.scores, { pressure: 0.5, residency: null, preferredLabels: null, shard: null })
  t.end()
})

t.test(
  'a request that must fit one zone is not compared with the sum, any other spreads over the nearest zones',
  (t) => {
    const fleet = newFleet()
    const distances = { 0: 10, 1: 31, 2: 21, 3: 21 }
    fleet.zone(0, { cpuHeadroomCores: 3, distances })
    for (const numaNode of [1, 2, 3]) fleet.zone(numaNode, { cpuHeadroomCores: 3 })
    fleet.worker('w', { profile: { numaBound: false } })
    const zones = (cpus: number, options: PlacementRequest, turn = 0) =>
      ranked(fleet, { cpus, ...options }, { ties: { kind: 'round-robin', turn } }).best?.zones.map((zone) => [
        zone.numaNode,
        zone.cpus,
      ])
    t.strictSame(zones(3, { numa: 'single' }), [[0, 3]])
    t.strictSame(ranked(fleet, { cpus: 4, numa: 'single' }).refusedByReason(), { 'no-headroom': 1 })
    t.strictSame(ranked(fleet, { cpus: 11, numa: 'single' }).refusedByReason(), { 'too-large': 1 })
    t.strictSame(
      zones(4, { numa: 'any' }),
      [
        [0, 3],
        [2, 1],
      ],
      'the nearest',
    )
    t.strictSame(
      zones(4, { numa: 'any' }, 3),
      [
        [0, 3],
        [3, 1],
      ],
      'equal zones take turns',
    )
    t.strictSame(zones(10, { numa: 'any' }), [
      [0, 3],
      [2, 3],
      [3, 3],
      [1, 1],
    ])
    t.strictSame(ranked(fleet, { cpus: 13, numa: 'any' }).refusedByReason(), { 'no-headroom': 1 })
    t.strictSame(ranked(fleet, { cpus: 41, numa: 'any' }).refusedByReason(), { 'too-large': 1 })
    fleet.zone(3, { cpuHeadroomCores: 5 })
    t.strictSame(
      zones(4, { numa: 'any' }),
      [
        [0, 3],
        [3, 1],
      ],
      'the zone with more room',
    )
    fleet.worker('w', { profile: { numaBound: true } })
    t.equal(ranked(fleet, { cpus: 4, numa: 'any' }).size, 0, 'a pinned worker uses its own zone')
    t.end()
  },
)

t.test('a ranking without candidates returns when to retry, or null if waiting does not help', (t) => {
  const fleet = newFleet()
  fleet.zone(0)
  t.equal(ranked(fleet).retryAfterMs, null, 'there are no workers')
  fleet.worker('w')
  t.equal(ranked(fleet).retryAfterMs, 0)
  t.equal(ranked(fleet, { capability: 'a@1' }).retryAfterMs, null)
  fleet.worker('w', { load: { inFlight: 8 } })
  t.equal(ranked(fleet).retryAfterMs, 1_000)
  t.equal(ranked(fleet, {}, { recheckMs: 50 }).retryAfterMs, 50)
  t.equal(ranked(fleet, {}, { explain: false }).retryAfterMs, 1_000, 'even without an earlier explanation')
  t.equal(ranked(fleet, { capability: 'a@1' }).retryAfterMs, null, 'one reason of two is permanent')
  const pause = { kind: 'pause-node', target: 'boot/0', maxInFlight: null, shards: [], reason: '' } as const
  fleet.worker('w')
  fleet.builder.apply({ kind: 'intent', intent: { ...pause, expiresMs: nowMs + 7_000 } })
  t.equal(ranked(fleet).retryAfterMs, 7_000)
  fleet.builder.apply({ kind: 'intent', intent: { ...pause, expiresMs: nowMs + 3_600_000 } })
  t.equal(ranked(fleet).retryAfterMs, 30_000, 'at the latest, because a pause may be lifted')
  fleet.builder.apply({ kind: 'intent-ended', intentKind: 'pause-node', target: 'boot/0' })
  fleet.worker('w', { load: { reliableFromMs: nowMs + 4_000 } })
  t.equal(ranked(fleet, {}, { probation: 'refuse' }).retryAfterMs, 4_000)
  fleet.worker('soon', { load: { inFlight: 8 } })
  t.equal(ranked(fleet, {}, { probation: 'refuse' }).retryAfterMs, 1_000, 'the earliest of all workers')
  t.match(
    [...ranked(fleet, {}, { probation: 'refuse' }).refused()],
    [
      { workerId: 'w', reasons: ['on-probation'], retryAfterMs: 4_000 },
      { workerId: 'soon', reasons: ['saturated'], retryAfterMs: 1_000 },
    ],
  )
  t.end()
})

t.test('a caller may be its own fallback if no worker fits', (t) => {
  const fleet = newFleet()
  fleet.zone(0)
  fleet.worker('w', { load: { inFlight: 8 } })
  t.strictSame(place(ranked(fleet)), { kind: 'none', retryAfterMs: 1_000, refusals: { saturated: 1 } })
  t.strictSame(place(ranked(fleet), 'self'), { kind: 'self', refusals: { saturated: 1 } })
  fleet.worker('w')
  t.match(place(ranked(fleet), 'self'), { kind: 'worker', candidate: { workerId: 'w' } })
  t.end()
})

t.test('a ranking returns how long work may tolerate a no-execute taint', (t) => {
  const fleet = newFleet()
  fleet.zone(0)
  fleet.worker('w', { profile: { taints: [{ key: 'upgrade', value: '', effect: 'no-execute' }] } })
  t.strictSame(ranked(fleet).refusedByReason(), { taint: 1 })
  const toleration = { key: 'upgrade', operator: 'Exists', effect: 'no-execute', tolerationSeconds: 60 } as const
  t.equal(ranked(fleet, { tolerations: [toleration] }).best?.mayStayMs, 60_000)
  t.end()
})

t.test('a reservation reduces the room of the worker’s own cgroup and of its zone', (t) => {
  const fleet = newFleet()
  fleet.zone(0)
  fleet.worker('w', {
    headroom: { cpuQuotaCores: 4, cpuUsedCores: 1, memoryLimitBytes: 500, memoryHeadroomBytes: 300 },
  })
  const at = { incarnation: 1, jobs: 1, cpus: 0, memoryBytes: 0, vramBytes: 0 }
  const reserved = (own: object, zone: { cpus: number; memoryBytes: number }) => ({
    workers: new Map([['w', [{ ...at, ...own }]]]),
    zones: new Map([['boot/0', zone]]),
  })
  const refusals = (request: PlacementRequest, own: object, zone = { cpus: 0, memoryBytes: 0 }) =>
    ranked(fleet, request, { reserved: reserved(own, zone) }).refusedByReason()
  t.strictSame(refusals({ cpus: 2 }, { cpus: 1 }), {})
  t.strictSame(refusals({ cpus: 2 }, { cpus: 1.5 }), { 'no-headroom': 1 })
  t.strictSame(refusals({ memoryBytes: 200 }, { memoryBytes: 100 }), {})
  t.strictSame(refusals({ memoryBytes: 200 }, { memoryBytes: 101 }), { 'no-headroom': 1 })
  t.strictSame(refusals({ cpus: 2 }, {}, { cpus: 7.5, memoryBytes: 0 }), { 'no-headroom': 1 })
  t.strictSame(refusals({ memoryBytes: 200 }, {}, { cpus: 0, memoryBytes: 701 }), { 'no-headroom': 1 })
  t.end()
})

t.test('invalid options are refused', (t) => {
  const fleet = newFleet()
  const bad = [
    { nowMs: Number.NaN },
    { allocation: 'best' },
    { ties: { kind: 'random', seed: 1, share: 0 } },
    { ties: { kind: 'round-robin', turn: -1 } },
    { freshMs: -1 },
    { freshMs: 40_000 },
    { weights: { load: Number.NaN } },
  ] as unknown as Partial<RankOptions>[]
  for (const options of bad) t.throws(() => ranked(fleet, {}, options), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})
