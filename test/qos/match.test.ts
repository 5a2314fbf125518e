import fc from 'fast-check'
import t from 'tap'
import { type AnnouncedQos, announcedQos } from '../../src/qos/announced.js'
import { incompatiblePolicies } from '../../src/qos/match.js'
import { defaultQos } from '../../src/qos/qos.js'

/** Each policy's values from the weakest guarantee to the strongest. */
const ladders = {
  reliability: ['best-effort', 'reliable'],
  durability: ['volatile', 'transient-local'],
  deadlineMs: [null, 2 ** 31 - 1, 100, 99.5, 0.5],
  liveliness: ['automatic', 'manual-by-participant', 'manual-by-topic'],
  leaseMs: [null, 3000, 1],
  destinationOrder: ['by-reception', 'by-source'],
} as const
const ownerships = ['shared', 'exclusive'] as const
type Ladder = keyof typeof ladders
const policies = Object.keys(ladders) as Ladder[]
const base = announcedQos(defaultQos)

const anyQos: fc.Arbitrary<AnnouncedQos> = fc.record({
  reliability: fc.constantFrom(...ladders.reliability),
  durability: fc.constantFrom(...ladders.durability),
  deadlineMs: fc.option(fc.double({ min: 0.001, max: 1e6, noNaN: true })),
  liveliness: fc.constantFrom(...ladders.liveliness),
  leaseMs: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
  ownership: fc.constantFrom(...ownerships),
  destinationOrder: fc.constantFrom(...ladders.destinationOrder),
})

t.test('each policy alone: the writer must offer at least what the reader requests', (t) => {
  for (const policy of policies) {
    const ladder: readonly (string | number | null)[] = ladders[policy]
    ladder.forEach((offered, high) => {
      ladder.forEach((requested, low) => {
        const found = incompatiblePolicies({ ...base, [policy]: offered }, { ...base, [policy]: requested })
        const expected = high >= low ? [] : [{ policy, offered, requested }]
        t.same(found, expected, `${policy}: ${offered} offered, ${requested} requested`)
      })
    })
  }
  for (const offered of ownerships) {
    for (const requested of ownerships) {
      const found = incompatiblePolicies({ ...base, ownership: offered }, { ...base, ownership: requested })
      t.same(found, offered === requested ? [] : [{ policy: 'ownership', offered, requested }])
    }
  }
  t.end()
})

t.test('every announced policy is judged', (t) => {
  t.same(Object.keys(base).sort(), [...policies, 'ownership'].sort())
  t.end()
})

t.test('matching is reflexive, transitive and monotonic, and equal on both sides', (t) => {
  const names = (offered: AnnouncedQos, requested: AnnouncedQos) =>
    incompatiblePolicies(offered, requested).map(({ policy }) => policy)
  fc.assert(
    fc.property(anyQos, (qos) => names(qos, qos).length === 0),
    { seed: 1 },
  )
  fc.assert(
    fc.property(anyQos, anyQos, (offered, requested) => {
      // All policies together report the mismatches of each policy alone.
      const alone = (Object.keys(base) as (keyof AnnouncedQos)[]).filter(
        (policy) => names({ ...base, [policy]: offered[policy] }, { ...base, [policy]: requested[policy] }).length > 0,
      )
      t.same(names(offered, requested).sort(), alone.sort())
    }),
    { seed: 2 },
  )
  fc.assert(
    fc.property(anyQos, anyQos, fc.constantFrom(...policies), fc.nat(), (offered, requested, policy, choice) => {
      // A stronger offer never loses a match, a stronger request never wins one.
      const ladder: readonly (string | number | null)[] = ladders[policy]
      const other = { ...base, [policy]: ladder[choice % ladder.length] } as AnnouncedQos
      const isStronger = names(other, { ...base, [policy]: offered[policy] }).length === 0
      const offering = { ...offered, [policy]: other[policy] }
      if (isStronger)
        t.same(
          names(offering, requested).filter((name) => !names(offered, requested).includes(name)),
          [],
        )
      const asksMore = names(other, { ...base, [policy]: requested[policy] }).length === 0
      const requesting = { ...requested, [policy]: other[policy] }
      if (asksMore)
        t.same(
          names(offered, requested).filter((name) => !names(offered, requesting).includes(name)),
          [],
        )
    }),
    { seed: 3 },
  )
  fc.assert(
    fc.property(anyQos, anyQos, anyQos, (a, b, c) => {
      // Compatibility is transitive: if a matches b and b matches c, a matches c.
      if (names(a, b).length === 0 && names(b, c).length === 0) t.same(names(a, c), [])
    }),
    { seed: 4 },
  )
  fc.assert(
    fc.property(anyQos, anyQos, (offered, requested) => {
      // Each side computes the same result, from its own objects or from the announced ones.
      const told = JSON.parse(JSON.stringify([offered, requested])) as [AnnouncedQos, AnnouncedQos]
      t.same(incompatiblePolicies(...told), incompatiblePolicies(offered, requested))
    }),
    { seed: 5 },
  )
  t.end()
})
