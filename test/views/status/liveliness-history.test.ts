import t from 'tap'
import type { Guid } from '../../../src/core/ids.js'
import type { Predecessor } from '../../../src/plane/node/node-roster.js'
import type { WorkerEnd } from '../../../src/plane/worker/worker-end.js'
import {
  LivelinessHistory,
  maxFormerProcesses,
  type TrackedWorker,
} from '../../../src/views/status/liveliness-history.js'

const first = 'a'.repeat(32) as Guid
const second = 'b'.repeat(32) as Guid
const noneDead = () => false

function worker(over: Partial<TrackedWorker> = {}): TrackedWorker {
  return {
    workerId: 'w',
    host: 'h',
    numaNode: 0,
    pid: 10,
    incarnation: 1,
    liveliness: 'alive',
    cause: null,
    detail: null,
    claimant: first,
    predecessor: null,
    ...over,
  }
}

const successor = (over: Partial<TrackedWorker> = {}) => worker({ claimant: second, pid: 11, incarnation: 2, ...over })
const predecessor = (over: Partial<Predecessor> = {}): Predecessor => {
  return { incarnation: 1, pid: 10, cause: 'replaced', detail: null, lives: false, ...over }
}

const end = (over: Partial<WorkerEnd> = {}): WorkerEnd => {
  const process = { workerId: 'w', incarnation: 1, pid: 10, bootId: 'b', host: 'h', numaNode: 0 }
  return { ...process, cause: 'exited', detail: null, evidence: 'kernel', endedForMs: 0, ...over }
}

t.test('each change is reported once with both states; only jobs of a dead worker may be reassigned', (t) => {
  const history = new LivelinessHistory()
  t.match(history.track('w', worker(), noneDead), [
    { before: null, after: { liveliness: 'alive' }, mayReassign: false },
  ])
  t.strictSame(history.track('w', worker(), noneDead), [])
  t.match(history.track('w', worker({ liveliness: 'stalled', cause: 'stopped' }), noneDead), [
    { before: { liveliness: 'alive', cause: null }, after: { liveliness: 'stalled', cause: 'stopped' } },
  ])
  t.match(history.track('w', worker({ liveliness: 'unreachable', cause: 'host-silent' }), noneDead), [
    { before: { liveliness: 'stalled' }, mayReassign: false },
  ])
  t.strictSame(history.dead(), [])
  t.match(history.track('w', worker({ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }), noneDead), [
    { incarnation: 1, pid: 10, after: { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }, mayReassign: true },
  ])
  t.match(history.dead(), [{ workerId: 'w', before: null, mayReassign: true }])
  t.strictSame(history.track('w', undefined, noneDead), [], 'a missing row is not a verdict')
  t.strictSame(history.dead(), [])
  t.end()
})

t.test('a restarted worker replaces the old process, whose end is reported with its own cause', (t) => {
  const reported = (row: TrackedWorker, isDead: (claimant: Guid) => boolean = noneDead) => {
    const history = new LivelinessHistory()
    history.track('w', worker(), noneDead)
    return history.track('w', row, isDead)
  }
  t.match(
    reported(successor(), (claimant) => claimant === first),
    [
      {
        pid: 10,
        incarnation: 1,
        before: { liveliness: 'alive' },
        after: { liveliness: 'dead', cause: 'replaced' },
        mayReassign: true,
      },
      { pid: 11, incarnation: 2, before: null, after: { liveliness: 'alive' } },
    ],
  )
  t.match(reported(successor({ predecessor: predecessor({ cause: 'killed', detail: 'SIGKILL' }) })), [
    { pid: 10, after: { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }, mayReassign: true },
    { pid: 11 },
  ])
  t.match(
    reported(
      successor({ predecessor: predecessor({ incarnation: 7, lives: true }) }),
      (claimant) => claimant === first,
    ),
    [{ pid: 10, after: { cause: 'replaced' }, mayReassign: true }, { pid: 11 }],
    'a record of another predecessor does not apply',
  )
  t.match(reported(successor()), [{ pid: 10, mayReassign: false }, { pid: 11 }], 'a missing record is not a death')
  t.end()
})

t.test('a process that is replaced while alive may be reassigned once it is known to be dead', (t) => {
  const history = new LivelinessHistory()
  history.track('w', worker(), noneDead)
  const lives = successor({ predecessor: predecessor({ lives: true }) })
  t.match(history.track('w', lives, noneDead), [{ pid: 10, mayReassign: false }, { pid: 11 }])
  t.strictSame(history.track('w', lives, noneDead), [])
  t.match(history.dead(), [{ pid: 10, mayReassign: false }])
  t.match(history.track('w', successor({ predecessor: predecessor() }), noneDead), [
    { pid: 10, before: { cause: 'replaced' }, after: { liveliness: 'dead', cause: 'replaced' }, mayReassign: true },
  ])
  t.strictSame(history.track('w', successor({ predecessor: predecessor() }), noneDead), [], 'reported once')
  t.end()
})

t.test('of several processes that were replaced while alive each end is reported once', (t) => {
  const history = new LivelinessHistory()
  history.track('w', worker(), noneDead)
  history.track('w', successor({ predecessor: predecessor({ lives: true }) }), noneDead)
  const third = worker({
    claimant: 'c'.repeat(32) as Guid,
    pid: 12,
    incarnation: 3,
    predecessor: predecessor({ incarnation: 2, pid: 11, lives: true }),
  })
  t.match(history.track('w', third, noneDead), [{ pid: 11, mayReassign: false }, { pid: 12 }])
  t.match(history.recordEnd(end({ cause: 'killed', detail: 'SIGKILL' })), [
    { pid: 10, before: { cause: 'replaced' }, after: { cause: 'killed', detail: 'SIGKILL' }, mayReassign: true },
  ])
  t.strictSame(history.recordEnd(end({ cause: 'killed' })), [], 'reported once')
  t.match(
    history.track('w', third, (claimant) => claimant === second),
    [{ pid: 11, mayReassign: true }],
  )
  t.strictSame(history.recordEnd(end({ incarnation: 2, pid: 11 })), [])
  t.strictSame(
    history.dead().map(({ pid, mayReassign }) => [pid, mayReassign]),
    [
      [10, true],
      [11, true],
    ],
  )
  t.end()
})

t.test('the end of an unknown process is reported until its record is removed', (t) => {
  const history = new LivelinessHistory()
  t.match(history.recordEnd(end()), [{ pid: 10, before: null, after: { liveliness: 'dead' }, mayReassign: true }])
  history.track('w', successor(), noneDead)
  t.match(history.dead(), [{ pid: 10 }])
  history.track('w', undefined, noneDead)
  t.match(history.dead(), [{ pid: 10 }], 'the record outlives the row')
  history.removeEnd(end())
  t.strictSame(history.dead(), [])
  t.end()
})

t.test('an end that is recorded before the row of its process arrives is reported once', (t) => {
  const history = new LivelinessHistory()
  t.equal(history.recordEnd(end({ cause: 'killed', detail: 'SIGKILL' })).length, 1)
  const dead = worker({ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })
  t.strictSame(history.track('w', dead, noneDead), [])
  t.equal(history.dead().length, 1)
  t.end()
})

t.test('the number of former processes is bounded', (t) => {
  const history = new LivelinessHistory()
  for (let incarnation = 0; incarnation <= maxFormerProcesses; incarnation++) history.recordEnd(end({ incarnation }))
  t.equal(history.dead().length, maxFormerProcesses)
  t.equal(history.dropped, 1)
  t.end()
})

t.test('a process that regains its name counted as dead meanwhile', (t) => {
  const history = new LivelinessHistory()
  history.track('w', worker(), noneDead)
  history.track('w', successor({ predecessor: predecessor({ lives: true }) }), noneDead)
  const killed = predecessor({ incarnation: 2, pid: 11, cause: 'killed', detail: 'SIGKILL' })
  t.match(history.track('w', worker({ predecessor: killed }), noneDead), [
    { pid: 11, before: { liveliness: 'alive' }, after: { liveliness: 'dead', cause: 'killed' }, mayReassign: true },
    { pid: 10, before: { liveliness: 'dead', cause: 'replaced' }, after: { liveliness: 'alive' }, mayReassign: false },
  ])
  t.strictSame(history.track('w', worker({ predecessor: killed }), noneDead), [])
  t.end()
})
