import t from 'tap'
import type { ReportedNode } from '../../../src/views/rows/reported-problems.js'
import type { UnplacedWorker } from '../../../src/views/rows/unplaced-worker.js'
import { type ConsistencyFacts, computeConsistency } from '../../../src/views/status/view-consistency.js'

const good: ConsistencyFacts = {
  lags: [{ lagSamples: 0, catchUpState: 'fresh' }],
  nodeAgesMs: [100, 900],
  collectorGone: false,
  listeningForMs: 60_000,
  unplaced: [],
  reportedElsewhere: [],
  maxAgeMs: 3_000,
}

const worker: UnplacedWorker = {
  workerId: 'w',
  incarnation: 1,
  pid: 10,
  bootId: 'b',
  host: 'h',
  numaNode: 1,
  reason: 'no-collector-for-node',
  unservedForMs: 5_000,
}
const absent: ReportedNode = {
  host: 'beta',
  bootId: 'c',
  numaNode: 0,
  workers: 3,
  silentForMs: 9_000,
  reportedBy: ['scheduler'],
}

t.test('the consistency of a view follows from its facts', (t) => {
  const cases: readonly [string, Partial<ConsistencyFacts>, Record<string, unknown>][] = [
    ['in step', {}, { freshness: 'bounded', lag: 0, lagMs: 900, catchUpState: 'fresh', degradedMode: 'healthy' }],
    [
      'no collector',
      { lags: [], nodeAgesMs: [] },
      { freshness: 'best-effort', lagMs: null, catchUpState: 'unavailable', degradedMode: 'blind' },
    ],
    [
      'a silent collector',
      { nodeAgesMs: [100, 3_001] },
      { freshness: 'best-effort', lagMs: 3_001, degradedMode: 'view-only' },
    ],
    [
      'a worker without a collector',
      { unplaced: [worker] },
      { freshness: 'best-effort', degradedMode: 'view-only', unplaced: [{ workerId: 'w' }] },
    ],
    [
      'an absent node in another view',
      { reportedElsewhere: [absent] },
      { freshness: 'best-effort', degradedMode: 'view-only', reportedElsewhere: [{ host: 'beta' }] },
    ],
    ['the listening time', { listeningForMs: 12.4 }, { degradedMode: 'healthy', listeningForMs: 12 }],
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
