import t from 'tap'
import type { Decision, Policy, WantedIntent } from '../../../src/placement/policies/policy.js'
import { PolicyRunner } from '../../../src/placement/policies/policy-runner.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'

const snapshot = new SnapshotBuilder().snapshot()

function limit(target: string, maxInFlight: number, ttlMs = 10_000): WantedIntent {
  return { kind: 'rebalance', target, terms: { maxInFlight }, reason: `at most ${maxInFlight}`, ttlMs }
}

/** A policy that does what the test sets. */
class Scripted implements Policy<number> {
  readonly name: string
  readonly initial = 0
  next: (state: number) => unknown = () => ({ wanted: [], undecided: [], state: 0 })

  constructor(name: string) {
    this.name = name
  }

  decide(_: unknown, state: number): Decision<number> {
    return this.next(state) as Decision<number>
  }

  wants(wanted: readonly WantedIntent[], undecided: readonly string[] = []): this {
    this.next = (state) => ({ wanted, undecided, state: state + 1 })
    return this
  }
}

function shown(runner: PolicyRunner, nowMs: number): string[] {
  return runner.run(snapshot, nowMs).wanted.map(({ intent, policies, isDecided }) => {
    const terms = 'maxInFlight' in intent.terms ? ` ${intent.terms.maxInFlight}` : ''
    return `${intent.kind} ${intent.target}${terms} by ${policies.join('+')}${isDecided ? '' : ', undecided'}`
  })
}

t.test('what policies want of one target is joined, and each is named', (t) => {
  const runner = new PolicyRunner([
    new Scripted('a').wants([limit('n', 4)]),
    new Scripted('b').wants([limit('n', 2), limit('m', 1)]),
  ])
  t.strictSame(shown(runner, 0), ['rebalance n 2 by a+b', 'rebalance m 1 by b'])
  t.end()
})

t.test('each policy gets the state that it returned', (t) => {
  const policy = new Scripted('a')
  const states: number[] = []
  policy.next = (state) => {
    states.push(state)
    return { wanted: [], undecided: [], state: state + 1 }
  }
  const runner = new PolicyRunner([policy])
  for (const nowMs of [0, 1, 2]) runner.run(snapshot, nowMs)
  t.strictSame(states, [0, 1, 2])
  t.end()
})

t.test('what a policy wanted of a target that it cannot decide on stays for its time to live', (t) => {
  const [a, b] = [new Scripted('a').wants([limit('n', 2)]), new Scripted('b').wants([limit('n', 4)])]
  const runner = new PolicyRunner([a, b])
  t.strictSame(shown(runner, 0), ['rebalance n 2 by a+b'])
  a.wants([], ['n'])
  t.strictSame(shown(runner, 5_000), ['rebalance n 2 by a+b'], 'the limit of the other policy does not replace it')
  b.wants([])
  t.strictSame(shown(runner, 6_000), ['rebalance n 2 by a, undecided'])
  t.equal(runner.run(snapshot, 6_000).wanted[0]?.intent.ttlMs, 4_000, 'it has the rest of its time')
  t.strictSame(shown(runner, 9_999), ['rebalance n 2 by a, undecided'])
  t.strictSame(shown(runner, 10_000), [])
  t.end()
})

t.test('what a policy does not want any more is dropped, though another policy is undecided', (t) => {
  const [a, b] = [new Scripted('a').wants([limit('n', 2)]), new Scripted('b').wants([], ['n'])]
  const runner = new PolicyRunner([a, b])
  t.strictSame(shown(runner, 0), ['rebalance n 2 by a'])
  a.wants([])
  t.strictSame(shown(runner, 1), [])
  t.end()
})

t.test('a policy that throws is reported, keeps its state, and its targets are undecided', (t) => {
  const [a, b] = [new Scripted('a').wants([limit('n', 2)]), new Scripted('b').wants([limit('m', 1)])]
  const runner = new PolicyRunner([a, b])
  runner.run(snapshot, 0)
  const bug = new Error('bug')
  a.next = () => {
    throw bug
  }
  const round = runner.run(snapshot, 1_000)
  t.strictSame(round.failures, [{ policy: 'a', error: bug }])
  t.strictSame(shown(runner, 1_000), ['rebalance n 2 by a, undecided', 'rebalance m 1 by b'])
  t.strictSame(shown(runner, 10_000), ['rebalance m 1 by b'])
  const states: number[] = []
  a.next = (state) => {
    states.push(state)
    return { wanted: [], undecided: [], state }
  }
  runner.run(snapshot, 11_000)
  t.strictSame(states, [1])
  t.end()
})

t.test('a decision that no intent can express is a failure of its policy alone, with the field named', (t) => {
  const good = new Scripted('good').wants([limit('m', 1)])
  const bad = new Scripted('bad')
  const runner = new PolicyRunner([bad, good])
  const valid = limit('n', 1)
  const cases: [unknown, RegExp][] = [
    [undefined, /policy bad returned no valid decision: it must be an object/],
    [Promise.resolve({ wanted: [], undecided: [] }), /decide must return its decision, not a promise/],
    [{ undecided: [] }, /wanted must be an array/],
    [{ wanted: [], undecided: [1] }, /undecided must be an array of targets/],
    [{ wanted: [null], undecided: [] }, /wanted\[0\] must be an object/],
    [{ wanted: [valid, { ...valid, kind: 'stop' }], undecided: [] }, /wanted\[1\]\.kind must be one of drain, /],
    [{ wanted: [{ ...valid, target: '' }], undecided: [] }, /wanted\[0\]\.target: /],
    [{ wanted: [{ ...valid, reason: undefined }], undecided: [] }, /wanted\[0\]\.reason must be a text/],
    [{ wanted: [{ ...valid, ttlMs: undefined }], undecided: [] }, /wanted\[0\]\.ttlMs: /],
    [{ wanted: [{ ...valid, terms: undefined }], undecided: [] }, /wanted\[0\]\.terms must be an object/],
    [{ wanted: [{ ...valid, terms: { maxInFlight: -1 } }], undecided: [] }, /wanted\[0\]\.terms\.maxInFlight: /],
  ]
  for (const [decision, message] of cases) {
    bad.next = () => decision
    const { failures, wanted } = runner.run(snapshot, 0)
    t.match(failures, [{ policy: 'bad', error: { code: 'NUMACAST_INVALID_ARGUMENT', message } }])
    t.equal(wanted.length, 1, 'the other policy is not affected')
  }
  t.end()
})

t.test('terms are reduced to the fields of the kind, and a long reason is cut', (t) => {
  const policy = new Scripted('p')
  policy.next = () => ({
    wanted: [{ ...limit('n', 1), terms: { maxInFlight: 1, target: 'other' }, reason: 'r'.repeat(600) }],
    undecided: [],
    state: 0,
  })
  const { failures, wanted } = new PolicyRunner([policy]).run(snapshot, 0)
  t.strictSame(failures, [])
  t.strictSame(wanted[0]?.intent.terms, { maxInFlight: 1 })
  t.equal(wanted[0]?.intent.reason.length, 512)
  t.equal(wanted[0]?.intent.target, 'n')
  t.end()
})

t.test('two policies of one name are refused', (t) => {
  t.throws(() => new PolicyRunner([new Scripted('a'), new Scripted('a')]), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})
