import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from '../../src/plane/intents/config.js'
import { intentKinds, intentTopics, maxIntentTtlMs, neutralTerms } from '../../src/plane/intents/intents.js'
import { intentStatus } from '../../src/plane/intents/transitions.js'
import { nodeCapacity, nodeCapacitySchema } from '../../src/plane/node/node-capacity.js'
import { nodeRoster, predecessorSchema, rosterRowSchema } from '../../src/plane/node/node-roster.js'
import { maxIncarnation, toNote } from '../../src/plane/vocabulary/text.js'
import { jobLifecycle, jobLifecycleSchema } from '../../src/plane/worker/job-lifecycle.js'
import { unservedWorkerSchema } from '../../src/plane/worker/unserved-worker.js'
import { workerCapacity, workerCapacitySchema } from '../../src/plane/worker/worker-capacity.js'
import { maxOwnershipStrength, workerClaim } from '../../src/plane/worker/worker-claim.js'
import { workerEndSchema } from '../../src/plane/worker/worker-end.js'
import { workerProfile, workerProfileSchema } from '../../src/plane/worker/worker-profile.js'
import { workerState, workerStateSchema } from '../../src/plane/worker/worker-state.js'

t.test('docs/wire.md lists every topic of src/plane with its key', async (t) => {
  const root = path.resolve(import.meta.dirname, '..', '..', '..')
  const built = path.resolve(import.meta.dirname, '..', '..', 'src', 'plane')
  const defined: Record<string, string> = {}
  const note = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || !('keyFields' in value) || !('name' in value)) return
    defined[String(value.name)] = (value.keyFields as string[]).join(', ')
  }
  for (const file of readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))) {
    const exported: Record<string, unknown> = await import(path.join(built, file))
    for (const value of Object.values(exported)) note(value)
  }
  for (const topic of Object.values(intentTopics)) note(topic)
  const page = readFileSync(path.join(root, 'docs', 'wire.md'), 'utf8')
  const table = page.slice(page.indexOf('## Topics of the plane'))
  const documented = [...table.matchAll(/^\| `([a-z.-]+)` \| ([^|]+) \|/gm)].map(([, name, key]) => [name, key?.trim()])
  t.ok(documented.length > 20)
  t.strictSame(Object.fromEntries(documented), defined)
})

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
    'intent.drain': 'target, issuerId',
    'intent.pause-node': 'target, issuerId',
    'intent.throttle-queue': 'target, issuerId',
    'intent.prefer-shard': 'target, issuerId',
    'intent.rebalance': 'target, issuerId',
    'intent.status': 'intentId, workerId',
    'config.concurrency-limit': 'scope',
    'config.priority-weights': 'scope',
    'config.maintenance-mode': 'scope',
    'config.rolling-drain': 'scope',
  })
  t.end()
})

t.test('every kind of intent accepts a lift, and refuses values out of bounds', (t) => {
  const common = {
    intentId: 'i',
    target: 'w',
    action: 'lift',
    issuer: 'me',
    issuerId: 'x',
    epoch: 1,
    reason: '',
    ttlMs: 1,
  }
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

t.test('incarnations and strengths above their bounds are refused', async (t) => {
  const claim = { workerId: 'w', claimant: 'c', bootId: 'b', host: 'h', numaNode: 0, pid: 1 }
  const highest = { ...claim, incarnation: maxIncarnation, ownershipStrength: maxOwnershipStrength }
  t.notMatch(workerClaim.check(highest), { refused: /./ })
  for (const forged of [Number.MAX_SAFE_INTEGER, maxIncarnation + 1, -1, 1.5, Number.NaN]) {
    t.match(workerClaim.check({ ...highest, incarnation: forged }), { refused: /incarnation/ }, `${forged}`)
  }
  for (const forged of [Number.MAX_SAFE_INTEGER, maxOwnershipStrength + 1, -1, 0.5]) {
    t.match(workerClaim.check({ ...highest, ownershipStrength: forged }), { refused: /ownershipStrength/ }, `${forged}`)
  }
  const bounded = {
    'worker.state': workerStateSchema().shape.incarnation,
    'worker.capacity': workerCapacitySchema().shape.incarnation,
    'worker.profile': workerProfileSchema().shape.incarnation,
    'worker.end': workerEndSchema().shape.incarnation,
    'worker.unserved': unservedWorkerSchema().shape.incarnation,
    'job.lifecycle': jobLifecycleSchema().shape.incarnation,
    'node.roster': rosterRowSchema().shape.incarnation,
    'node.roster, predecessor': predecessorSchema().shape.incarnation,
    'node.capacity': nodeCapacitySchema().shape.collectorIncarnation,
  }
  for (const [name, schema] of Object.entries(bounded)) {
    t.ok(schema.safeParse(maxIncarnation).success, name)
    t.notOk(schema.safeParse(maxIncarnation + 1).success, name)
  }
})

t.test('a note of any length can be published', (t) => {
  t.equal(toNote('short'), 'short')
  t.equal(toNote('x'.repeat(2_000)).length, 512)
  t.end()
})
