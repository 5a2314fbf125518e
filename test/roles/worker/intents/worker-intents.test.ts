import t from 'tap'
import type { EntityGuid } from '../../../../src/core/ids.js'
import type { Load } from '../../../../src/roles/worker/intents/intent-progress.js'
import { concerns, WorkerIntents } from '../../../../src/roles/worker/intents/worker-intents.js'
import { claim } from '../../../plane/claims.js'

const address = { workerId: 'w', bootId: 'b', numaNode: 0, queues: [] }
const idle: Load = { running: 0, open: 0, byQueue: new Map() }
const busy: Load = { running: 2, open: 0, byQueue: new Map([['q', 2]]) }
const at = (nowMs: number) => ({ nowMs, wallMs: 1_000_000 + nowMs })

function transitions(intents: WorkerIntents): Record<string, string[]> {
  return Object.fromEntries(
    intents.takeReports().map(({ intentId, history }) => [intentId, history.map(({ transition }) => transition)]),
  )
}

t.test('a drain is admitted at once and completed when nothing is in flight', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'd', ttlMs: 60_000 }), busy, at(0))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted'] })
  t.match(intents.applied(), [{ intentId: 'd', kind: 'drain', target: 'w', transition: 'admitted' }])
  intents.advance({ ...busy, running: 1 }, at(10))
  t.strictSame(transitions(intents), {}, 'no report without a change')
  intents.advance(idle, at(20))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted', 'completed'] })
  t.equal([...intents.obeyed('drain')].length, 1, 'it stays in force')
  t.end()
})

t.test('an idle worker completes a drain at once', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'd' }), idle, at(0))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted', 'completed'] })
  t.end()
})

t.test('the deadline counts from the time of writing', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'd', atMs: 100, ttlMs: 60_000 }, { deadlineMs: 500 }), busy, at(400))
  t.equal(intents.nextDueMs(), 600)
  intents.advance(busy, at(599))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted'] })
  intents.advance(busy, at(600))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted', 'aborted'] })
  t.equal(intents.nextDueMs(), 60_100, 'only its expiry is due')
  t.equal([...intents.obeyed('drain')].length, 1)
  t.end()
})

t.test('a lift cancels an intent that was not completed and leaves a completed one alone', (t) => {
  const unfinished = new WorkerIntents(address)
  unfinished.offer(claim('drain', { id: 'd', ttlMs: 60_000 }), busy, at(0))
  unfinished.offer(claim('drain', { id: 'l', action: 'lift', seq: 2, ttlMs: 60_000 }), busy, at(10))
  t.strictSame(transitions(unfinished), {
    d: ['planned', 'admitted', 'cancelled'],
    l: ['planned', 'admitted', 'completed'],
  })
  t.strictSame([...unfinished.obeyed('drain')], [])
  t.strictSame(unfinished.applied(), [])

  const finished = new WorkerIntents(address)
  finished.offer(claim('drain', { id: 'd', ttlMs: 60_000 }), idle, at(0))
  finished.offer(claim('drain', { id: 'l', action: 'lift', seq: 2, ttlMs: 60_000 }), idle, at(10))
  t.match(transitions(finished), { d: ['planned', 'admitted', 'completed'] })
  t.end()
})

t.test('an intent is superseded by a newer one, conflicts with the same epoch, and ignores renewals', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'one', epoch: 2 }), busy, at(0))
  intents.offer(claim('drain', { id: 'two', epoch: 3, writer: 'bb.1' }), busy, at(1))
  intents.offer(claim('drain', { id: 'late', epoch: 1, writer: 'cc.1' }), busy, at(2))
  intents.offer(claim('drain', { id: 'same', epoch: 3, seq: 1, writer: 'aa.9' }), busy, at(3))
  t.strictSame(transitions(intents), {
    one: ['planned', 'admitted', 'superseded'],
    two: ['planned', 'admitted'],
    late: ['planned', 'superseded'],
    same: ['planned', 'conflicted'],
  })
  intents.offer(claim('drain', { id: 'two', epoch: 3, seq: 2, writer: 'bb.1', atMs: 4 }), busy, at(4))
  t.strictSame(transitions(intents), {})
  t.end()
})

t.test('an expired intent is aborted if it was not completed', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'd', ttlMs: 1_000 }), busy, at(0))
  intents.advance(busy, at(1_000))
  t.strictSame(transitions(intents), { d: ['planned', 'admitted', 'aborted'] })
  t.strictSame([...intents.obeyed('drain')], [])
  t.equal(intents.nextDueMs(), undefined)
  t.end()
})

t.test('an intent is withdrawn by its issuer only', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { id: 'd' }), busy, at(0))
  intents.withdraw('drain', 'w', 'bb.1' as EntityGuid, at(1))
  t.equal([...intents.obeyed('drain')].length, 1)
  intents.withdraw('drain', 'w', 'aa.1' as EntityGuid, at(2))
  t.strictSame([...intents.obeyed('drain')], [])
  t.strictSame(transitions(intents), { d: ['planned', 'admitted', 'cancelled'] })
  t.end()
})

t.test('a throttle and a rebalance are completed when the load is down', (t) => {
  const intents = new WorkerIntents(address)
  intents.offer(claim('throttle-queue', { id: 't', target: 'q' }, { maxInFlight: 1 }), busy, at(0))
  intents.offer(claim('rebalance', { id: 'r', target: 'b/0' }, { maxInFlight: 0 }), busy, at(0))
  t.strictSame(transitions(intents), { t: ['planned', 'admitted'], r: ['planned', 'admitted'] })
  intents.advance({ running: 1, open: 0, byQueue: new Map([['q', 1]]) }, at(1))
  t.strictSame(transitions(intents), { t: ['planned', 'admitted', 'completed'] })
  intents.advance(idle, at(2))
  t.strictSame(transitions(intents), { r: ['planned', 'admitted', 'completed'] })
  t.end()
})

t.test('an intent concerns the workers in its scope', (t) => {
  const picky = { ...address, queues: ['q'] }
  const cases = [
    ['drain', 'w', true],
    ['drain', 'v', false],
    ['drain', 'all', false],
    ['prefer-shard', 'w', true],
    ['pause-node', 'b/0', true],
    ['pause-node', 'h/1', false],
    ['pause-node', 'all', true],
    ['rebalance', 'b/0', true],
    ['throttle-queue', 'q', true],
    ['throttle-queue', 'other', false],
  ] as const
  for (const [kind, target, mine] of cases) t.equal(concerns(picky, kind, target), mine, `${kind} ${target}`)
  t.equal(concerns(address, 'throttle-queue', 'any'), true, 'a worker without queues takes from all')
  const intents = new WorkerIntents(address)
  intents.offer(claim('drain', { target: 'v' }), idle, at(0))
  t.strictSame(intents.takeReports(), [])
  t.end()
})

t.test('reports are kept for a limited time after the end, up to a maximum number', (t) => {
  const intents = new WorkerIntents(address)
  for (let seq = 1; seq <= 300; seq++) intents.offer(claim('drain', { id: `i-${seq}`, seq }), idle, at(0))
  t.equal(intents.takeReports().length, 300)
  t.equal(intents.takeExpiredReports(0).length, 300 - 256)
  t.equal(intents.takeExpiredReports(1_000).length, 0)
  intents.advance(idle, at(1_000))
  t.equal(intents.takeExpiredReports(11 * 60_000).length, 256)
  t.end()
})

t.test('an open slot holds back a drain, a rebalance and a pause until it is released', (t) => {
  const intents = new WorkerIntents(address)
  const waiting: Load = { running: 0, open: 1, byQueue: new Map([['', 1]]) }
  intents.offer(claim('drain', { id: 'd' }), waiting, at(0))
  intents.offer(claim('pause-node', { id: 'p', target: 'b/0' }), waiting, at(0))
  intents.offer(claim('rebalance', { id: 'r', target: 'b/0' }, { maxInFlight: 0 }), waiting, at(0))
  intents.offer(claim('throttle-queue', { id: 't', target: 'q' }, { maxInFlight: 0 }), waiting, at(0))
  const admitted = ['planned', 'admitted']
  t.strictSame(transitions(intents), { d: admitted, p: admitted, r: admitted, t: admitted })
  intents.advance(idle, at(1))
  const completed = [...admitted, 'completed']
  t.strictSame(transitions(intents), { d: completed, p: completed, r: completed, t: completed })
  t.end()
})

t.test('the reason of a drain that misses its deadline counts jobs and open slots', (t) => {
  const reasonOf = (load: Load): string | null | undefined => {
    const intents = new WorkerIntents(address)
    intents.offer(claim('drain', { id: 'd', ttlMs: 60_000 }, { deadlineMs: 1 }), load, at(0))
    intents.advance(load, at(1))
    return intents.takeReports()[0]?.reason
  }
  t.equal(reasonOf({ ...idle, running: 1 }), '1 job was still in flight at the deadline')
  t.equal(reasonOf({ ...idle, running: 2 }), '2 jobs were still in flight at the deadline')
  t.equal(reasonOf({ ...idle, open: 1 }), 'waits for 1 open slot', 'the worker takes it back now')
  t.equal(reasonOf({ ...idle, running: 1, open: 2 }), '1 job and 2 open slots were still in flight at the deadline')
  t.end()
})
