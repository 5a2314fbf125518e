import t from 'tap'
import type { WantedIntent } from '../../../src/placement/policy.js'
import { IntentsInForce } from '../../../src/roles/intents/intents-in-force.js'

const pause = (target: string): WantedIntent => ({ kind: 'pause-node', target, terms: {}, reason: 'r' })
const throttle = (maxInFlight: number): WantedIntent => ({
  kind: 'throttle-queue',
  target: 'q',
  terms: { maxInFlight },
  reason: 'r',
})
const none: ReadonlySet<string> = new Set()

function enact(standing: IntentsInForce<string>, wanted: WantedIntent[], nowMs: number, undecided = none): string[] {
  const plan = standing.plan(wanted, undecided, nowMs)
  for (const want of plan.apply) standing.issued(want, 'issued', nowMs)
  for (const { wanted: want } of plan.renew) standing.issued(want, 'renewed', nowMs)
  for (const want of plan.lift) standing.lifted(want)
  return [
    ...plan.apply.map(({ target }) => `apply ${target}`),
    ...plan.renew.map(({ wanted: { target } }) => `renew ${target}`),
    ...plan.lift.map(({ target }) => `lift ${target}`),
  ]
}

t.test('an intent is issued once, renewed at a third of its time, and lifted when no longer wanted', (t) => {
  const standing = new IntentsInForce<string>(9_000)
  t.strictSame(enact(standing, [pause('n'), pause('n')], 0), ['apply n'])
  t.strictSame(enact(standing, [pause('n')], 2_999), [])
  t.strictSame(enact(standing, [pause('n')], 3_000), ['renew n'])
  t.strictSame(enact(standing, [pause('n')], 5_000), [])
  t.strictSame(enact(standing, [], 6_000), ['lift n'])
  t.strictSame(enact(standing, [], 7_000), [])
  t.equal(standing.size, 0)
  t.end()
})

t.test('an intent with other terms is another intent', (t) => {
  const standing = new IntentsInForce<string>(9_000)
  t.strictSame(enact(standing, [throttle(2)], 0), ['apply q'])
  t.strictSame(enact(standing, [throttle(2)], 1), [])
  t.strictSame(enact(standing, [throttle(1)], 2), ['apply q'])
  t.end()
})

t.test('an undecided intent is neither renewed nor lifted, and is forgotten when its time ends', (t) => {
  const standing = new IntentsInForce<string>(9_000)
  enact(standing, [pause('n')], 0)
  t.strictSame(enact(standing, [], 4_000, new Set(['n'])), [])
  t.equal(standing.size, 1)
  t.strictSame(enact(standing, [], 9_000, new Set(['n'])), [])
  t.equal(standing.size, 0)
  t.strictSame(enact(standing, [pause('n')], 9_001), ['apply n'])
  t.end()
})
