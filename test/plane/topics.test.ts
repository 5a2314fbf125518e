import t from 'tap'
import { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from '../../src/plane/config.js'
import { intentKinds, intentTopics, maxIntentTtlMs, neutralTerms } from '../../src/plane/intents.js'
import { jobLifecycle } from '../../src/plane/job-lifecycle.js'
import { nodeCapacity } from '../../src/plane/node-capacity.js'
import { nodeRoster } from '../../src/plane/node-roster.js'
import { asNote } from '../../src/plane/text.js'
import { intentStatus } from '../../src/plane/transitions.js'
import { workerCapacity } from '../../src/plane/worker-capacity.js'
import { workerClaim } from '../../src/plane/worker-claim.js'
import { workerProfile } from '../../src/plane/worker-profile.js'
import { workerState } from '../../src/plane/worker-state.js'

t.test('each topic has its documented keys', (t) => {
  const topics = [
    workerState,
    workerProfile,
    workerCapacity,
    jobLifecycle,
    nodeCapacity,
    nodeRoster,
    workerClaim,
    ...Object.values(intentTopics),
    intentStatus,
    concurrencyLimit,
    priorityWeights,
    maintenanceMode,
    rollingDrain,
  ]
  t.strictSame(Object.fromEntries(topics.map(({ name, keyFields }) => [name, keyFields.join(', ')])), {
    'worker.state': 'workerId, incarnation',
    'worker.profile': 'workerId, incarnation',
    'worker.capacity': 'workerId, incarnation',
    'job.lifecycle': 'queue, jobId',
    'node.capacity': 'bootId, numaNode',
    'node.roster': 'bootId, numaNode, workerId',
    'worker.claim': 'workerId',
    'intent.drain': 'target',
    'intent.pause-node': 'target',
    'intent.throttle-queue': 'target',
    'intent.prefer-shard': 'target',
    'intent.rebalance': 'target',
    'intent.status': 'intentId, workerId',
    'config.concurrency-limit': 'scope',
    'config.priority-weights': 'scope',
    'config.maintenance-mode': 'scope',
    'config.rolling-drain': 'scope',
  })
  t.end()
})

t.test('every kind of intent accepts a lift, and refuses values out of bounds', (t) => {
  const common = { intentId: 'i', target: 'w', action: 'lift', issuer: 'me', epoch: 1, reason: '', ttlMs: 1 }
  for (const kind of intentKinds) {
    const { check } = intentTopics[kind]
    const intent = { ...common, ...neutralTerms[kind] }
    t.notMatch(check(intent), { refused: /./ }, kind)
    t.match(check({ ...intent, ttlMs: maxIntentTtlMs + 1 }), { refused: /ttlMs/ })
    t.match(check({ ...intent, action: 'execute' }), { refused: /action/ })
    t.match(check({ ...intent, target: '' }), { refused: /target/ })
  }
  t.end()
})

t.test('a note of any length can be published', (t) => {
  t.equal(asNote('short'), 'short')
  t.equal(asNote('x'.repeat(2_000)).length, 512)
  t.end()
})
