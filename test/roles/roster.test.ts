import t from 'tap'
import type { Guid } from '../../src/core/ids.js'
import type { Verdict } from '../../src/liveliness/verdict.js'
import type { WorkerCapacity } from '../../src/plane/worker-capacity.js'
import type { WorkerCondition, WorkerState } from '../../src/plane/worker-state.js'
import { Roster } from '../../src/roles/roster.js'
import { sampleOf } from '../views/samples.js'
import { idleWorker } from './fleet-in-memory.js'

function state(workerId: string, over: Partial<WorkerState> = {}): WorkerState {
  return {
    workerId,
    host: 'h',
    numaNode: 0,
    pid: 10,
    incarnation: 1,
    state: 'available',
    inFlight: 0,
    concurrency: 1,
    jobsStarted: 0,
    jobsCompleted: 0,
    jobsFailed: 0,
    admissionOpen: true,
    admissionReason: null,
    queues: [],
    capabilities: [],
    tags: [],
    labels: {},
    taints: [],
    appliedIntents: [],
    ...over,
  }
}

const guidOf = (letter: string): Guid => letter.repeat(32) as Guid
const verdict = (liveliness: Verdict['liveliness'], cause: Verdict['cause'] = null, sinceMs = 0): Verdict => ({
  liveliness,
  cause,
  detail: null,
  sinceMs,
  evidence: 'beacon',
  reliableFromMs: liveliness === 'alive' ? sinceMs : null,
})

t.test('a row per worker, with the source it rests on', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  t.equal(roster.applyState(sampleOf('w', state('w'), { seq: 7, atMs: 100 }), 110), 'applied')
  roster.applyCapacity(sampleOf<WorkerCapacity>('w', { ...idleWorker, workerId: 'w', numaNode: 0 }, { seq: 1 }))
  t.match(roster.takeChanged(150), [
    { workerId: 'w', liveliness: 'alive', sourceSeq: 7, sourceAgeMs: 50, eventLoopUtilization: 0.25 },
  ])
  t.strictSame(roster.takeChanged(150), [], 'told once')
  t.end()
})

t.test('the participant’s verdict is the worker’s liveliness', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  roster.applyState(sampleOf('w', state('w', { state: 'busy' })), 0)
  roster.applyState(sampleOf('v', state('v', { state: 'draining' }), { writer: 'b' }), 0)
  t.strictSame(roster.totals(), { available: 0, busy: 1, unhealthy: 0, draining: 1 })
  roster.takeChanged(0)
  t.ok(roster.applyVerdict(guidOf('a'), verdict('stalled', 'loop-busy')))
  t.notOk(roster.applyVerdict(guidOf('a'), verdict('stalled', 'loop-busy', 5)), 'no change')
  t.notOk(roster.applyVerdict(guidOf('c'), verdict('dead', 'exited')), 'somebody who is no worker')
  t.match(roster.takeChanged(10), [{ workerId: 'w', liveliness: 'stalled', cause: 'loop-busy', livelinessForMs: 10 }])
  t.strictSame(roster.totals(), { available: 0, busy: 0, unhealthy: 1, draining: 1 })
  t.ok(roster.applyVerdict(guidOf('a'), verdict('dead', 'killed', 20)))
  t.strictSame(roster.totals(), { available: 0, busy: 0, unhealthy: 0, draining: 1 }, 'the dead count nowhere')
  t.end()
})

t.test('a verdict that comes before the first state is not lost', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  roster.applyVerdict(guidOf('a'), verdict('dead', 'goodbye'))
  roster.applyState(sampleOf('w', state('w')), 0)
  t.match(roster.takeChanged(0), [{ liveliness: 'dead', cause: 'goodbye' }])
  t.end()
})

t.test('a newer incarnation takes the name over; the old one is not heard any more', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 9 }), 0)
  roster.applyCapacity(sampleOf<WorkerCapacity>('w', { ...idleWorker, workerId: 'w', numaNode: 0 }))
  t.equal(
    roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b', seq: 1 }), 5),
    'applied',
  )
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 10 }), 6), 'older-incarnation')
  t.equal(roster.applyVerdict(guidOf('a'), verdict('dead', 'exited')), false)
  t.match(roster.takeChanged(10), [{ pid: 11, liveliness: 'alive', eventLoopUtilization: null }])
  t.equal(roster.size, 1)
  t.end()
})

t.test('a claim that outlives the one that took its name has it back', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  roster.applyVerdict(guidOf('a'), verdict('alive', null))
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10 }), { seq: 9 }), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b', seq: 1 }), 5)
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 10 }), 6), 'older-incarnation')
  roster.applyVerdict(guidOf('b'), verdict('dead', 'goodbye'))
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10 }), { seq: 11 }), 7), 'applied')
  t.match(roster.takeChanged(10), [{ pid: 10, liveliness: 'alive' }])
  roster.applyVerdict(guidOf('a'), verdict('dead', 'killed'))
  t.equal(
    roster.applyState(sampleOf('w', state('w', { incarnation: 2 }), { writer: 'b', seq: 2 }), 11),
    'applied',
    'a later incarnation always may',
  )
  t.end()
})

t.test('a late or repeated sample changes nothing', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  roster.applyState(sampleOf('w', state('w', { inFlight: 1 }), { seq: 2 }), 0)
  t.equal(roster.applyState(sampleOf('w', state('w', { inFlight: 0 }), { seq: 2 }), 0), 'stale-sequence')
  t.equal(roster.applyState(sampleOf('w', state('w', { inFlight: 0 }), { seq: 1 }), 0), 'stale-sequence')
  t.equal(roster.applyState(sampleOf('w', state('w'), { seq: 3, state: 'no-writers' }), 0), 'stale-sequence')
  t.match(roster.takeChanged(0), [{ inFlight: 1 }])
  t.end()
})

t.test('the dead are forgotten after their time, unless they return', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  for (const [name, writer] of [
    ['w', 'a'],
    ['v', 'b'],
  ] as const) {
    roster.applyState(sampleOf(name, state(name), { writer }), 0)
    roster.applyVerdict(guidOf(writer), verdict('dead', 'lease-expired', 100))
  }
  roster.expire(1_099)
  t.equal(roster.size, 2)
  roster.applyVerdict(guidOf('b'), verdict('alive', null, 500))
  roster.expire(1_100)
  t.strictSame(roster.takeRemoved(), ['w'])
  t.strictSame(roster.takeRemoved(), [])
  t.match(roster.takeChanged(1_100), [{ workerId: 'v', liveliness: 'alive' }])
  t.end()
})

t.test('each condition is counted', (t) => {
  const roster = new Roster({ deadRetentionMs: 1_000 })
  const conditions: WorkerCondition[] = ['available', 'available', 'busy', 'unhealthy', 'draining']
  for (const [index, condition] of conditions.entries()) {
    roster.applyState(
      sampleOf(`${index}`, state(`${index}`, { state: condition }), { writer: 'abcde'.charAt(index) }),
      0,
    )
  }
  t.strictSame(roster.totals(), { available: 2, busy: 1, unhealthy: 1, draining: 1 })
  t.end()
})
