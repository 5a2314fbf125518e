import t from 'tap'
import type { IntentStatus, Transition } from '../../src/plane/intents/transitions.js'
import { IntentModel } from '../../src/views/intent-model.js'
import { claim } from '../plane/claims.js'

function status(intentId: string, workerId: string, transition: Transition): IntentStatus {
  return {
    intentId,
    workerId,
    kind: 'drain',
    target: workerId,
    transition,
    reason: null,
    history: [{ transition, atMs: 0 }],
  }
}

t.test('intents are listed with their reports, oldest first; a superseded intent is not in force', (t) => {
  const model = new IntentModel()
  model.offer(claim('drain', { id: 'old', atMs: 0, epoch: 1 }), 10)
  model.offer(claim('drain', { id: 'new', atMs: 5, epoch: 2, writer: 'bb.1' }), 10)
  model.report(status('old', 'w', 'superseded'))
  model.report(status('new', 'w', 'admitted'))
  model.report(status('new', 'v', 'completed'))
  t.match(model.list(10), [
    {
      intentId: 'old',
      holds: false,
      ageMs: 10,
      expiresInMs: 990,
      statuses: [{ workerId: 'w', transition: 'superseded' }],
    },
    { intentId: 'new', holds: true, statuses: [{ workerId: 'v' }, { workerId: 'w' }] },
  ])
  t.strictSame(model.expire(1_000), [], 'the expired intent was no longer in force')
  t.match(model.list(1_000), [{ intentId: 'new' }])
  t.match(model.expire(1_005), [{ intent: { intentId: 'new' } }])
  t.strictSame(model.list(1_005), [])
  t.end()
})

t.test('reports that are never disposed are bounded', (t) => {
  const model = new IntentModel()
  for (let index = 0; index < 5_000; index++) model.report(status(`i-${index}`, 'w', 'completed'))
  t.strictSame(model.statuses('i-0'), [])
  t.equal(model.statuses('i-4999').length, 1)
  model.removeReport('i-4999', 'w')
  t.strictSame(model.statuses('i-4999'), [])
  t.end()
})

t.test('only the latest ended intents of a target are kept', async (t) => {
  const model = new IntentModel()
  for (let epoch = 1; epoch <= 500; epoch++) model.offer(claim('drain', { id: `i-${epoch}`, epoch }), 0)
  const kept = model.list(0)
  t.equal(kept.length, 65)
  t.same(
    kept.filter(({ holds }) => holds).map(({ intentId }) => intentId),
    ['i-500'],
  )
})
