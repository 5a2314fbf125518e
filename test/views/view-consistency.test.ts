import t from 'tap'
import { type ConsistencyFacts, computeConsistency } from '../../src/views/view-consistency.js'

const good: ConsistencyFacts = {
  lags: [{ lagSamples: 0, catchUpState: 'fresh' }],
  nodeAgesMs: [100, 900],
  collectorGone: false,
  maxAgeMs: 3_000,
}

t.test('what a view says of itself', (t) => {
  const cases: readonly [string, Partial<ConsistencyFacts>, Record<string, unknown>][] = [
    ['in step', {}, { freshness: 'bounded', lag: 0, lagMs: 900, catchUpState: 'fresh', degradedMode: 'healthy' }],
    [
      'nobody there',
      { lags: [], nodeAgesMs: [] },
      { freshness: 'best-effort', lagMs: null, catchUpState: 'unavailable', degradedMode: 'blind' },
    ],
    [
      'a collector silent for long',
      { nodeAgesMs: [100, 3_001] },
      { freshness: 'best-effort', lagMs: 3_001, degradedMode: 'view-only' },
    ],
    ['a collector gone', { collectorGone: true }, { freshness: 'best-effort', degradedMode: 'view-only' }],
    [
      'behind two owners, one of which cannot be asked',
      {
        lags: [
          { lagSamples: 2, catchUpState: 'unavailable' },
          { lagSamples: 3, catchUpState: 'lagging' },
        ],
      },
      { freshness: 'best-effort', lag: 5, catchUpState: 'unavailable', degradedMode: 'view-only' },
    ],
    [
      'catching up',
      {
        lags: [
          { lagSamples: 0, catchUpState: 'fresh' },
          { lagSamples: 7, catchUpState: 'recovering' },
        ],
      },
      { lag: 7, catchUpState: 'recovering', degradedMode: 'view-only' },
    ],
  ]
  for (const [name, facts, expected] of cases) t.match(computeConsistency({ ...good, ...facts }), expected, name)
  t.end()
})
