import t from 'tap'
import { announcedWriterQos } from '../../src/qos/announced.js'
import { defaultQos, type QosOptions } from '../../src/qos/qos.js'
import { maxDurationMs, resolveQos } from '../../src/qos/resolve.js'

t.test('a later layer wins, and the caller’s objects are not changed', (t) => {
  const topic: QosOptions = Object.freeze({ historyDepth: 3, reliability: 'best-effort' })
  t.same(resolveQos(), defaultQos)
  t.same(resolveQos(topic, undefined, { historyDepth: 5 }), {
    ...defaultQos,
    reliability: 'best-effort',
    historyDepth: 5,
  })
  const nothing = { historyDepth: undefined, resourceLimits: { maxSamples: undefined } } as unknown as QosOptions
  t.same(resolveQos(topic, nothing).historyDepth, 3, 'undefined sets nothing')
  t.same(resolveQos(nothing), defaultQos)
  t.end()
})

t.test('nested policies merge key by key', (t) => {
  const topic: QosOptions = {
    resourceLimits: { maxInstances: 10, maxSamples: 20 },
    readerDataLifecycle: { purgeDisposedMs: null },
  }
  const before = structuredClone(topic)
  const qos = resolveQos(topic, {
    resourceLimits: { maxSamples: 30 },
    readerDataLifecycle: { purgeNoWritersMs: 5 },
    writerDataLifecycle: { autodispose: true },
  })
  t.same(qos.resourceLimits, { maxInstances: 10, maxSamples: 30, maxSamplesPerInstance: null })
  t.same(qos.readerDataLifecycle, { purgeNoWritersMs: 5, purgeDisposedMs: null })
  t.same(qos.writerDataLifecycle, { autodispose: true })
  t.same(topic, before)
  t.same(defaultQos.resourceLimits.maxInstances, 1_000_000)
  for (const part of [qos, ...Object.values(qos)]) t.ok(Object.isFrozen(part))
  t.end()
})

t.test('a refusal names the policy', (t) => {
  const cases: Record<string, unknown[]> = {
    reliability: ['perfect', null],
    durability: ['eternal'],
    history: ['keep-some', 1],
    historyDepth: [0, -1, 1.5, Number.NaN, '1', null],
    deadlineMs: [0, -1, Number.NaN, -Infinity, maxDurationMs + 1, '1'],
    liveliness: ['manual'],
    leaseMs: [0, -5, -Infinity],
    ownership: ['none'],
    ownershipStrength: [0.5, 2 ** 31, -(2 ** 31) - 1, null, Number.NaN],
    destinationOrder: ['by-luck'],
    lifespanMs: [0, -1, Number.NaN],
    latencyBudgetMs: [-1, Number.NaN, null],
    timeBasedFilterMs: [-1, '5'],
    resourceLimits: [null, 5],
    writerDataLifecycle: ['dispose'],
  }
  for (const [policy, values] of Object.entries(cases)) {
    for (const value of values) {
      const thrown = { code: 'NUMACAST_INVALID_ARGUMENT', details: { policy } }
      t.throws(() => resolveQos({ [policy]: value } as QosOptions), thrown, `${policy} ${value}`)
    }
  }
  const nested: [QosOptions, string][] = [
    [{ resourceLimits: { maxInstances: 0 } }, 'resourceLimits.maxInstances'],
    [{ resourceLimits: { maxInstances: null as unknown as number } }, 'resourceLimits.maxInstances'],
    [{ resourceLimits: { maxSamples: 1.5 } }, 'resourceLimits.maxSamples'],
    [{ resourceLimits: { maxSamplesPerInstance: -1 } }, 'resourceLimits.maxSamplesPerInstance'],
    [{ readerDataLifecycle: { purgeDisposedMs: -1 } }, 'readerDataLifecycle.purgeDisposedMs'],
    [{ readerDataLifecycle: { purgeNoWritersMs: Number.NaN } }, 'readerDataLifecycle.purgeNoWritersMs'],
    [{ writerDataLifecycle: { autodispose: 1 as unknown as boolean } }, 'writerDataLifecycle.autodispose'],
    [{ purgeDisposedMs: 1 } as QosOptions, 'purgeDisposedMs'],
    [{ toString: 1 } as unknown as QosOptions, 'toString'],
    [{ resourceLimits: { maxSpace: 1 } } as QosOptions, 'resourceLimits.maxSpace'],
  ]
  for (const [options, policy] of nested) {
    t.throws(() => resolveQos(options), { code: 'NUMACAST_INVALID_ARGUMENT', details: { policy } }, policy)
  }
  t.throws(() => resolveQos('reliable' as unknown as QosOptions), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.end()
})

t.test('the limits of each range are allowed', (t) => {
  const qos = { ownershipStrength: -(2 ** 31), deadlineMs: maxDurationMs, latencyBudgetMs: 0, leaseMs: 0.1 }
  t.match(resolveQos(qos), qos)
  t.match(resolveQos({ ownershipStrength: 2 ** 31 - 1 }), { ownershipStrength: 2 ** 31 - 1 })
  t.end()
})

t.test('values that contradict each other are refused, whichever layers they come from', (t) => {
  const cases: [QosOptions, QosOptions, string][] = [
    [{ deadlineMs: 100 }, { timeBasedFilterMs: 101 }, 'deadlineMs'],
    [
      { resourceLimits: { maxSamples: 5 } },
      { resourceLimits: { maxSamplesPerInstance: 6 } },
      'resourceLimits.maxSamples',
    ],
    [{ historyDepth: 6 }, { resourceLimits: { maxSamplesPerInstance: 5 } }, 'historyDepth'],
    [{ historyDepth: 6 }, { resourceLimits: { maxSamples: 5 } }, 'historyDepth'],
  ]
  for (const [topic, endpoint, policy] of cases) {
    const thrown = { code: 'NUMACAST_INVALID_ARGUMENT', details: { policy } }
    t.throws(() => resolveQos(topic, endpoint), thrown)
    t.throws(() => resolveQos(endpoint, topic), thrown)
  }
  t.doesNotThrow(() => resolveQos({ deadlineMs: 100, timeBasedFilterMs: 100 }))
  t.doesNotThrow(() => resolveQos({ timeBasedFilterMs: 100 }), 'without a deadline any filter period fits')
  t.doesNotThrow(() => resolveQos({ historyDepth: 5, resourceLimits: { maxSamples: 5, maxSamplesPerInstance: 5 } }))
  const keepAll: QosOptions = { history: 'keep-all', historyDepth: 6, resourceLimits: { maxSamples: 5 } }
  t.doesNotThrow(() => resolveQos(keepAll), 'a depth has no effect under keep-all')
  t.end()
})

t.test('a writer announces its policies with a missing deadline as null', (t) => {
  t.same(announcedWriterQos(resolveQos({ leaseMs: 5, ownershipStrength: 7 })), {
    reliability: 'reliable',
    durability: 'transient-local',
    deadlineMs: null,
    liveliness: 'automatic',
    leaseMs: 5,
    ownership: 'shared',
    ownershipStrength: 7,
    autodispose: false,
    destinationOrder: 'by-reception',
  })
  t.end()
})
