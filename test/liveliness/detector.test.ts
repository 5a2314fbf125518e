import fc from 'fast-check'
import t from 'tap'
import type { PeerReach } from '../../src/liveliness/peer-reach.js'
import { type PeerPlan, type Scenario, simulate } from './simulation.js'

/** Invariants of the detector as a whole, under random faults. */

const reach = fc.constantFrom<PeerReach>('host', 'lan', 'far')
const livingPeer: fc.Arbitrary<PeerPlan> = fc.record({
  reach,
  isSeen: fc.boolean(),
  diesAtMs: fc.constant(null),
})
const stalls = fc.array(
  fc.record({ fromMs: fc.integer({ min: 0, max: 50_000 }), forMs: fc.integer({ min: 1, max: 15_000 }) }),
  { maxLength: 8 },
)
const base = {
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  stalls,
  lossRatio: fc.double({ min: 0, max: 0.3, noNaN: true }),
  durationMs: fc.constant(60_000),
}

t.test('a live process is never declared dead', (t) => {
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    ...base,
    peers: fc.array(livingPeer, { minLength: 1, maxLength: 6 }),
    options: fc.constantFrom({}, { unreachableDeadAfterMs: 10_000 }),
  })
  fc.assert(
    fc.property(scenario, (scenario) => {
      for (const history of simulate(scenario)) {
        for (const { liveliness } of history) if (liveliness === 'dead') return false
      }
      return true
    }),
    { numRuns: 150 },
  )
  t.end()
})

t.test('dead is final, and each reported change differs from the previous verdict', (t) => {
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    ...base,
    peers: fc.array(
      fc.record({ reach, isSeen: fc.boolean(), diesAtMs: fc.option(fc.integer({ min: 0, max: 60_000 })) }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  fc.assert(
    fc.property(scenario, (scenario) =>
      simulate(scenario).every((history) =>
        history.every(({ liveliness, cause, sinceMs }, index) => {
          const next = history[index + 1]
          if (next === undefined) return true
          const isOther = next.liveliness !== liveliness || next.cause !== cause
          return liveliness !== 'dead' && isOther && next.sinceMs > sinceMs
        }),
      ),
    ),
    { numRuns: 150 },
  )
  t.end()
})

t.test('a healthy observer detects a dead peer within bounds', (t) => {
  const diesAtMs = 20_000
  /** Overdue, and a check: by then the kernel has been asked. The lease, the question, and a check. */
  const bounds = { seen: 1500 + 250 + 10, lease: 3000 + 250 + 10 }
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    ...base,
    // The observer has been healthy again for long enough.
    stalls: fc.array(
      fc.record({ fromMs: fc.integer({ min: 0, max: 8_000 }), forMs: fc.integer({ min: 1, max: 4_000 }) }),
    ),
    // Another peer is received, so the observer does not consider itself isolated.
    peers: fc
      .tuple(fc.boolean(), fc.array(livingPeer, { maxLength: 5 }))
      .map(([isSeen, others]) => [{ reach: 'host' as const, isSeen, diesAtMs }, ...others]),
  })
  fc.assert(
    fc.property(scenario, (scenario) => {
      const last = simulate(scenario)[0]?.at(-1)
      const boundMs = scenario.peers[0]?.isSeen === true ? bounds.seen : bounds.lease
      return last?.liveliness === 'dead' && last.sinceMs <= diesAtMs + boundMs
    }),
    { numRuns: 150 },
  )
  t.end()
})

t.test('a host that falls silent is unreachable within bounds, but not dead', (t) => {
  for (const [of, boundMs] of [
    ['lan', 3000 + 250],
    ['far', 4500 + 250],
  ] as const) {
    const [history] = simulate({
      seed: 5,
      peers: [{ reach: of, isSeen: false, diesAtMs: 20_000 }],
      lossRatio: 0,
      stalls: [],
      durationMs: 60_000,
    })
    t.match(history?.at(-1), { liveliness: 'unreachable', cause: 'lease-expired' }, of)
    t.ok((history?.at(-1)?.sinceMs ?? 0) <= 20_000 + boundMs)
  }
  t.end()
})
