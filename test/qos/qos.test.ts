import t from 'tap'
import { incompatiblePolicies } from '../../src/qos/match.js'
import { defaultQos, type QosOptions, resolveQos } from '../../src/qos/qos.js'

t.test('layers: the later wins, nothing of the callers is touched', (t) => {
  const topic: QosOptions = Object.freeze({ historyDepth: 3, reliability: 'best-effort' })
  t.same(resolveQos(), defaultQos)
  t.same(resolveQos(topic, undefined, { historyDepth: 5 }), {
    ...defaultQos,
    reliability: 'best-effort',
    historyDepth: 5,
  })
  t.same(
    resolveQos(topic, { historyDepth: undefined } as unknown as QosOptions).historyDepth,
    3,
    'undefined says nothing',
  )
  t.ok(Object.isFrozen(resolveQos(topic)))
  t.end()
})

t.test('refusals name the policy', (t) => {
  const cases: Record<string, unknown[]> = {
    reliability: ['perfect', null],
    durability: ['eternal'],
    historyDepth: [0, -1, 1.5, Number.NaN, '1'],
    latencyBudgetMs: [-1, Number.NaN],
    lifespanMs: [0, -1, Number.NaN],
    purgeNoWritersMs: [-1],
    purgeDisposedMs: [-1],
  }
  for (const [policy, values] of Object.entries(cases)) {
    for (const value of values) {
      const thrown = { code: 'NUMACAST_INVALID_ARGUMENT', details: { policy } }
      t.throws(() => resolveQos({ [policy]: value } as QosOptions), thrown, `${policy} ${value}`)
    }
  }
  t.end()
})

t.test('offered is at least what is requested', (t) => {
  const reliabilities = ['best-effort', 'reliable'] as const
  const durabilities = ['volatile', 'transient-local'] as const
  const all = reliabilities.flatMap((reliability) => durabilities.map((durability) => ({ reliability, durability })))
  const found = all.map((offered) =>
    all.map((requested) =>
      incompatiblePolicies(offered, requested)
        .map(({ policy }) => policy.slice(0, 1))
        .join(''),
    ),
  )
  t.same(found, [
    ['', 'd', 'r', 'rd'],
    ['', '', 'r', 'r'],
    ['', 'd', '', 'd'],
    ['', '', '', ''],
  ])
  const [weakest, strongest] = [all[0], all[3]]
  if (weakest === undefined || strongest === undefined) throw new Error('four were made')
  t.same(incompatiblePolicies(weakest, strongest), [
    { policy: 'reliability', offered: 'best-effort', requested: 'reliable' },
    { policy: 'durability', offered: 'volatile', requested: 'transient-local' },
  ])
  t.end()
})
