// The cost of one more intent must not grow with the number of intents in force.
import t from 'tap'
import { IntentArbiter } from '../../../src/plane/intents/intent-arbiter.js'
import type { Load } from '../../../src/roles/worker/intents/intent-progress.js'
import { WorkerIntents } from '../../../src/roles/worker/intents/worker-intents.js'
import { IntentModel } from '../../../src/views/intent-model.js'
import { ClaimReads } from '../../plane/claims.js'

const address = { workerId: 'w', bootId: 'b', numaNode: 0, queues: [] }
/** A slot without a named queue may hold a job of any queue: no throttle to 0 completes while it is taken. */
const busy: Load = { running: 1, open: 0, byQueue: new Map([['', 1]]) }
const idle: Load = { running: 0, open: 0, byQueue: new Map() }

/** Returns the reads of claims per intent when `count` intents are offered, evaluated and expire. */
function readsPerIntent(count: number, offer: (reads: ClaimReads, index: number) => void, end: () => void): number {
  const reads = new ClaimReads()
  for (let index = 0; index < count; index++) offer(reads, index)
  end()
  return reads.count / count
}

const sketch = (index: number) => ({ id: `i-${index}`, target: `q-${index}`, atMs: index, ttlMs: 100_000 + index })
const at = (nowMs: number) => ({ nowMs, wallMs: nowMs })

const costs: readonly (readonly [string, (count: number) => number])[] = [
  [
    'the arbiter',
    (count) => {
      const arbiter = new IntentArbiter()
      return readsPerIntent(
        count,
        (reads, index) => {
          arbiter.expire(index)
          arbiter.offer(reads.claim('throttle-queue', sketch(index)), index)
          arbiter.nextExpiryMs()
        },
        () => arbiter.expire(1_000_000),
      )
    },
  ],
  ...(
    [
      ['a busy worker', busy],
      ['an idle worker', idle],
    ] as const
  ).map(([name, load]): readonly [string, (count: number) => number] => [
    name,
    (count) => {
      const intents = new WorkerIntents(address)
      return readsPerIntent(
        count,
        (reads, index) => {
          intents.offer(reads.claim('throttle-queue', sketch(index)), load, at(index))
          intents.takeReports()
          intents.nextDueMs()
          intents.applied(64)
        },
        () => intents.advance(idle, at(1_000_000)),
      )
    },
  ]),
  [
    'a view',
    (count) => {
      const model = new IntentModel()
      return readsPerIntent(
        count,
        (reads, index) => {
          model.expire(index)
          model.offer(reads.claim('throttle-queue', sketch(index)), index)
        },
        () => model.expire(1_000_000),
      )
    },
  ],
]

for (const [name, cost] of costs) {
  t.test(`the work of ${name} per intent is the same for 1,000 intents and for 8,000`, async (t) => {
    const [few, many] = [cost(1_000), cost(8_000)]
    t.ok(many < few * 1.2 + 1, `${few.toFixed(1)} reads per intent of 1,000, ${many.toFixed(1)} of 8,000`)
  })
}
