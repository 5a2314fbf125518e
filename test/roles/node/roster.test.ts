import t from 'tap'
import type { Guid } from '../../../src/core/ids.js'
import type { Verdict } from '../../../src/liveliness/verdict.js'
import { maxIncarnation } from '../../../src/plane/vocabulary/text.js'
import type { WorkerCapacity } from '../../../src/plane/worker/worker-capacity.js'
import { maxOwnershipStrength } from '../../../src/plane/worker/worker-claim.js'
import type { WorkerCondition, WorkerState } from '../../../src/plane/worker/worker-state.js'
import { foreignClaimMs } from '../../../src/roles/node/names/foreign-claims.js'
import { Roster } from '../../../src/roles/node/roster.js'
import { idleWorker } from '../../../src/testing/idle-readings.js'
import { sampleOf } from '../../views/samples.js'

function state(workerId: string, over: Partial<WorkerState> = {}): WorkerState {
  return {
    workerId,
    bootId: 'b',
    host: 'h',
    numaNode: 0,
    pid: 10,
    startTimeTicks: 10,
    pidNamespace: 1,
    incarnation: 1,
    ownershipStrength: 0,
    standby: false,
    state: 'available',
    inFlight: 0,
    concurrency: 1,
    inFlightByQueue: {},
    vramUsedBytes: 0,
    jobsStarted: 0,
    jobsCompleted: 0,
    jobsFailed: 0,
    admissionOpen: true,
    admissionReason: null,
    appliedIntents: [],
    ...over,
  }
}

const options = { bootId: 'b', deadRetentionMs: 1_000, probationMs: 30_000, adopted: false }
const guidOf = (letter: string): Guid => letter.repeat(32) as Guid
const verdict = (liveliness: Verdict['liveliness'], cause: Verdict['cause'] = null, sinceMs = 0): Verdict => ({
  liveliness,
  cause,
  detail: null,
  sinceMs,
  evidence: 'beacon',
  reliableFromMs: liveliness === 'alive' ? sinceMs : null,
})

t.test('each worker has a row, with the source of its values', (t) => {
  const roster = new Roster(options)
  t.equal(roster.applyState(sampleOf('w', state('w'), { seq: 7, atMs: 100 }), 110), 'applied')
  roster.applyCapacity(
    sampleOf<WorkerCapacity>('w', { ...idleWorker, workerId: 'w', incarnation: 1, numaNode: 0 }, { seq: 1 }),
  )
  t.match(roster.takeChanged(150), [
    { workerId: 'w', liveliness: 'alive', sourceSeq: 7, sourceAgeMs: 50, eventLoopUtilization: 0.25 },
  ])
  t.strictSame(roster.takeChanged(150), [], 'reported once')
  t.end()
})

t.test('the verdict on the participant is the liveliness of the worker', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { state: 'busy' })), 0)
  roster.applyState(sampleOf('v', state('v', { state: 'draining' }), { writer: 'b' }), 0)
  t.strictSame(roster.totals(), { available: 0, busy: 1, unhealthy: 0, draining: 1 })
  roster.takeChanged(0)
  t.ok(roster.applyVerdict(guidOf('a'), verdict('stalled', 'loop-busy'), 0))
  t.notOk(roster.applyVerdict(guidOf('a'), verdict('stalled', 'loop-busy', 5), 0), 'no change')
  t.notOk(roster.applyVerdict(guidOf('c'), verdict('dead', 'exited'), 0), 'a participant without a worker')
  t.match(roster.takeChanged(10), [{ workerId: 'w', liveliness: 'stalled', cause: 'loop-busy', livelinessForMs: 10 }])
  t.strictSame(roster.totals(), { available: 0, busy: 0, unhealthy: 1, draining: 1 })
  t.ok(roster.applyVerdict(guidOf('a'), verdict('dead', 'killed', 20), 0))
  t.strictSame(roster.totals(), { available: 0, busy: 0, unhealthy: 0, draining: 1 }, 'a dead worker is in no total')
  t.end()
})

t.test('a verdict before the first state is kept', (t) => {
  const roster = new Roster(options)
  roster.applyVerdict(guidOf('a'), verdict('dead', 'goodbye'), 0)
  roster.applyState(sampleOf('w', state('w')), 0)
  t.match(roster.takeChanged(0), [{ liveliness: 'dead', cause: 'goodbye' }])
  t.end()
})

t.test('a newer incarnation takes the name over; the old one is ignored', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 9 }), 0)
  roster.applyCapacity(sampleOf<WorkerCapacity>('w', { ...idleWorker, workerId: 'w', incarnation: 1, numaNode: 0 }))
  t.equal(
    roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b', seq: 1 }), 5),
    'took-over',
  )
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 10 }), 6), 'lost-claim')
  t.equal(roster.applyVerdict(guidOf('a'), verdict('dead', 'exited'), 0), false)
  t.match(roster.takeChanged(10), [
    {
      pid: 11,
      liveliness: 'alive',
      eventLoopUtilization: null,
      probationMs: 29_995,
      predecessor: { incarnation: 1, pid: 10, cause: 'replaced', lives: false },
    },
  ])
  t.equal(roster.size, 1)
  t.end()
})

t.test('a claimant that outlives its replacement regains the name', (t) => {
  const roster = new Roster(options)
  roster.applyVerdict(guidOf('a'), verdict('alive', null), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10 }), { seq: 9 }), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b', seq: 1 }), 5)
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1 }), { seq: 10 }), 6), 'lost-claim')
  roster.applyVerdict(guidOf('b'), verdict('dead', 'goodbye'), 0)
  t.equal(roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10 }), { seq: 11 }), 7), 'applied')
  t.match(roster.takeChanged(10), [
    { pid: 10, liveliness: 'alive', predecessor: { incarnation: 2, pid: 11, cause: 'goodbye', lives: false } },
  ])
  roster.applyVerdict(guidOf('a'), verdict('dead', 'killed'), 0)
  t.equal(
    roster.applyState(sampleOf('w', state('w', { incarnation: 2 }), { writer: 'b', seq: 2 }), 11),
    'took-over',
    'a later incarnation always takes the name over',
  )
  t.end()
})

t.test('a late or repeated sample changes nothing', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { inFlight: 1 }), { seq: 2 }), 0)
  t.equal(roster.applyState(sampleOf('w', state('w', { inFlight: 0 }), { seq: 2 }), 0), 'stale-sequence')
  t.equal(roster.applyState(sampleOf('w', state('w', { inFlight: 0 }), { seq: 1 }), 0), 'stale-sequence')
  t.equal(roster.applyState(sampleOf('w', state('w'), { seq: 3, state: 'no-writers' }), 0), 'stale-sequence')
  t.match(roster.takeChanged(0), [{ inFlight: 1 }])
  t.end()
})

t.test('dead workers are forgotten after their time, unless they return', (t) => {
  const roster = new Roster(options)
  for (const [name, writer] of [
    ['w', 'a'],
    ['v', 'b'],
  ] as const) {
    roster.applyState(sampleOf(name, state(name), { writer }), 0)
    roster.applyVerdict(guidOf(writer), verdict('dead', 'lease-expired', 100), 0)
  }
  roster.expire(1_099)
  t.equal(roster.size, 2)
  roster.applyVerdict(guidOf('b'), verdict('alive', null, 500), 0)
  roster.expire(1_100)
  t.strictSame(roster.takeRemoved(), ['w'])
  t.strictSame(roster.takeRemoved(), [])
  t.match(roster.takeChanged(1_100), [{ workerId: 'v', liveliness: 'alive' }])
  t.end()
})

t.test('totals count each condition', (t) => {
  const roster = new Roster(options)
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

t.test('of two live claims the stronger wins; the loser stands by and regains the name without a new sample', (t) => {
  const roster = new Roster(options)
  roster.applyVerdict(guidOf('a'), verdict('alive'), 0)
  roster.applyVerdict(guidOf('b'), verdict('alive'), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10, ownershipStrength: 5 })), 0)
  t.strictSame(roster.takeClaims(0), { decided: [], settled: [] }, 'a single claim needs no decision')
  t.equal(
    roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b' }), 0),
    'lost-claim',
    'strength ranks before incarnation',
  )
  t.match(roster.takeClaims(0), { decided: [{ workerId: 'w', claimant: guidOf('a'), pid: 10 }], settled: [] })
  t.strictSame(roster.takeClaims(0), { decided: [], settled: [] }, 'reported once')
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11, standby: true }), { writer: 'b', seq: 2 }), 0)
  t.strictSame(roster.totals(), { available: 1, busy: 0, unhealthy: 0, draining: 0 })

  t.equal(roster.applyVerdict(guidOf('a'), verdict('dead', 'killed', 5), 5), true)
  t.match(roster.takeChanged(5), [{ pid: 11, predecessor: { pid: 10, cause: 'killed', lives: false } }])
  t.match(
    roster.takeClaims(0),
    { decided: [{ claimant: guidOf('b'), pid: 11 }] },
    'the second claimant still stands by',
  )
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b', seq: 3 }), 6)
  t.strictSame(roster.takeClaims(0), { decided: [], settled: ['w'] }, 'the claim is settled')
  t.end()
})

t.test('a decision is announced again each second while a claimant acts by another one', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1 })), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 2 }), { writer: 'b' }), 0)
  const decided = (nowMs: number) => roster.takeClaims(nowMs).decided.map(({ claimant }) => claimant)
  t.strictSame(decided(0), [guidOf('b')])
  t.strictSame(decided(999), [])
  t.strictSame(decided(1_000), [guidOf('b')], 'the first claimant goes on')
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, standby: true }), { seq: 2 }), 1_500)
  t.strictSame(decided(60_000), [], 'obeyed')
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, standby: true }), { writer: 'b', seq: 2 }), 60_000)
  t.strictSame(decided(60_001), [guidOf('b')], 'the holder stands by for a claim that is not this server’s')
  roster.applyState(sampleOf('w', state('w', { incarnation: 2 }), { writer: 'b', seq: 3 }), 60_002)
  t.strictSame(decided(90_000), [], 'obeyed')
  t.end()
})

t.test('at the highest strength a claimant that is alive comes first; below that strength it does not', (t) => {
  for (const ownershipStrength of [maxOwnershipStrength, maxOwnershipStrength - 1]) {
    const roster = new Roster(options)
    roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10, ownershipStrength })), 0)
    const later = { incarnation: maxIncarnation, pid: 11, ownershipStrength }
    roster.applyState(sampleOf('w', state('w', later), { writer: 'b' }), 0)
    t.match(roster.takeChanged(0), [{ pid: 11 }])
    roster.applyVerdict(guidOf('b'), verdict('stalled', 'loop-busy', 5), 5)
    t.match(roster.takeChanged(5), [{ pid: ownershipStrength === maxOwnershipStrength ? 10 : 11 }])
  }
  t.end()
})

t.test('a replaced worker that is still alive is reported as such until it has gone', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, pid: 10 })), 0)
  roster.applyState(sampleOf('w', state('w', { incarnation: 2, pid: 11 }), { writer: 'b' }), 0)
  t.match(roster.takeChanged(0), [{ pid: 11, predecessor: { pid: 10, cause: 'replaced', lives: true } }])
  t.equal(roster.applyVerdict(guidOf('a'), verdict('dead', 'goodbye'), 5), false)
  t.match(roster.takeChanged(5), [{ pid: 11, predecessor: { pid: 10, cause: 'replaced', lives: false } }])
  t.end()
})

t.test('a stronger claim on another node is decided for it, and lapses without renewal', (t) => {
  const roster = new Roster(options)
  roster.applyState(sampleOf('w', state('w', { incarnation: 1 })), 0)
  const [row] = roster.takeChanged(0)
  if (row === undefined) throw new Error('no row')
  const rival = { ...row, numaNode: 1, incarnation: 2, pid: 77, sourceWriter: `${guidOf('c')}.1` }
  t.ok(roster.applyForeign(rival, 0))
  t.notOk(roster.applyForeign(rival, 10), 'no change')
  t.match(roster.takeClaims(0), { decided: [{ claimant: guidOf('c'), numaNode: 1, pid: 77 }] })
  roster.applyState(sampleOf('w', state('w', { incarnation: 1, standby: true }), { seq: 2 }), 20)
  roster.expire(10 + foreignClaimMs)
  t.match(roster.takeClaims(0), { decided: [{ claimant: guidOf('a') }] })
  roster.applyForeign({ ...rival, incarnation: 0 }, 30_000)
  t.match(roster.takeClaims(0), { decided: [] }, 'a weaker claim changes nothing')
  t.ok(roster.applyForeign({ ...rival, incarnation: 0, liveliness: 'dead' }, 30_000))
  t.end()
})

t.test('the rows of the previous server are inherited, and the worker’s own samples replace them', (t) => {
  const before = new Roster(options)
  before.applyState(sampleOf('w', state('w', { jobsCompleted: 3 }), { seq: 7 }), 0)
  const [row] = before.takeChanged(0)
  if (row === undefined) throw new Error('no row')
  const roster = new Roster({ ...options, adopted: true })
  roster.inherit(row, 0, verdict('stalled', 'stopped', 90), 90)
  t.ok(roster.knows('w', guidOf('a')))
  t.match(roster.takeChanged(100), [{ liveliness: 'stalled', jobsCompleted: 3, adopted: true, livelinessForMs: 10 }])
  roster.applyVerdict(guidOf('a'), verdict('alive', null, 110), 110)
  t.equal(roster.applyState(sampleOf('w', state('w', { jobsCompleted: 3 }), { seq: 7 }), 110), 'applied')
  t.match(roster.takeChanged(120), [{ liveliness: 'alive', sourceSeq: 7 }])
  roster.inherit(row, 0, verdict('dead', 'exited', 130), 130)
  t.strictSame(roster.takeChanged(130), [], 'the worker’s own samples outrank inherited rows')
  t.end()
})
