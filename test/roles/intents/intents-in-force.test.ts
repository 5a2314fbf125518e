import t from 'tap'
import type { WantedIntent } from '../../../src/placement/policies/policy.js'
import type { JointWant } from '../../../src/placement/policies/policy-runner.js'
import { IntentsInForce } from '../../../src/roles/intents/intents-in-force.js'

const ttlMs = 9_000
const decided = { policies: ['p'], isDecided: true }
const pause = (target: string): JointWant => ({
  intent: { kind: 'pause-node', target, terms: {}, reason: 'r', ttlMs },
  ...decided,
})
const throttle = (maxInFlight: number): JointWant => ({
  intent: { kind: 'throttle-queue', target: 'q', terms: { maxInFlight }, reason: 'r', ttlMs },
  ...decided,
})
const prefer: JointWant = {
  intent: { kind: 'prefer-shard', target: 'w', terms: { shards: ['s'] }, reason: 'r', ttlMs },
  ...decided,
}
const undecided = (want: JointWant): JointWant => ({ ...want, isDecided: false })

function enact(
  standing: IntentsInForce<string>,
  wanted: readonly JointWant[],
  nowMs: number,
  mayRemoveCapacity = true,
): string[] {
  const plan = standing.plan(wanted, nowMs, mayRemoveCapacity)
  for (const want of plan.apply) standing.issued(want, 'issued', nowMs)
  for (const { wanted: want } of plan.renew) standing.renewed(want, 'renewed', nowMs)
  for (const want of plan.lift) standing.lifted(want)
  const named = ({ intent }: { readonly intent: WantedIntent }): string => intent.target
  return [
    ...plan.apply.map((want) => `apply ${named(want)}`),
    ...plan.renew.map(({ wanted: want }) => `renew ${named(want)}`),
    ...plan.lift.map((want) => `lift ${named(want)}`),
    ...plan.withheld.map((want) => `withhold ${named(want)}`),
  ]
}

t.test('an intent is issued once, renewed at a third of its time, and lifted when no longer wanted', (t) => {
  const standing = new IntentsInForce<string>()
  t.strictSame(enact(standing, [pause('n')], 0), ['apply n'])
  t.strictSame(enact(standing, [pause('n')], 2_999), [])
  t.strictSame(enact(standing, [pause('n')], 3_000), ['renew n'])
  t.strictSame(enact(standing, [pause('n')], 5_000), [])
  t.strictSame(enact(standing, [], 6_000), ['lift n'])
  t.strictSame(enact(standing, [], 7_000), [])
  t.equal(standing.size, 0)
  t.end()
})

t.test('each intent is renewed by its own time to live', (t) => {
  const standing = new IntentsInForce<string>()
  const long = { ...decided, intent: { ...pause('long').intent, ttlMs: 90_000 } }
  t.strictSame(enact(standing, [pause('short'), long], 0), ['apply short', 'apply long'])
  t.strictSame(enact(standing, [pause('short'), long], 3_000), ['renew short'])
  t.strictSame(enact(standing, [pause('short'), long], 30_000), ['apply short', 'renew long'], 'short had expired')
  t.end()
})

t.test('an intent with other terms is another intent', (t) => {
  const standing = new IntentsInForce<string>()
  t.strictSame(enact(standing, [throttle(2)], 0), ['apply q'])
  t.strictSame(enact(standing, [throttle(2)], 1), [])
  t.strictSame(enact(standing, [throttle(1)], 2), ['apply q'])
  t.end()
})

t.test('an undecided intent is neither renewed nor lifted, and is forgotten when its time ends', (t) => {
  const standing = new IntentsInForce<string>()
  enact(standing, [pause('n')], 0)
  t.strictSame(enact(standing, [undecided(pause('n'))], 4_000), [])
  t.equal(standing.size, 1)
  t.strictSame(enact(standing, [undecided(pause('n'))], 9_000), [])
  t.equal(standing.size, 0, 'it is not issued again')
  t.strictSame(enact(standing, [pause('n')], 9_001), ['apply n'])
  t.end()
})

t.test('while capacity must not be removed, only what adds none is withheld', (t) => {
  const standing = new IntentsInForce<string>()
  t.strictSame(enact(standing, [pause('n'), throttle(2), prefer], 0, false), ['apply w', 'withhold n', 'withhold q'])
  t.strictSame(enact(standing, [pause('n'), throttle(2), prefer], 1), ['apply n', 'apply q'])
  t.strictSame(enact(standing, [pause('n'), throttle(1), prefer], 2, false), ['withhold q'], 'a lower limit')
  t.strictSame(enact(standing, [pause('n'), throttle(3), prefer], 3, false), ['apply q'], 'a higher limit')
  t.strictSame(enact(standing, [pause('n'), throttle(3), prefer], 3_004, false), ['renew n', 'renew q', 'renew w'])
  t.strictSame(enact(standing, [], 4_000, false), ['lift w', 'lift n', 'lift q'])
  t.end()
})
