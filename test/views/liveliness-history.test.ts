import t from 'tap'
import type { Guid } from '../../src/core/ids.js'
import type { Predecessor } from '../../src/plane/node-roster.js'
import { LivelinessHistory, type TrackedWorker } from '../../src/views/liveliness-history.js'

const first = 'a'.repeat(32) as Guid
const second = 'b'.repeat(32) as Guid
const nobody = () => false

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

t.test('each change once, with the state before and after; only the dead may be reassigned', (t) => {
  const ledger = new LivelinessHistory()
  t.match(ledger.track('w', worker(), nobody), [{ before: null, after: { liveliness: 'alive' }, mayReassign: false }])
  t.strictSame(ledger.track('w', worker(), nobody), [])
  t.match(ledger.track('w', worker({ liveliness: 'stalled', cause: 'stopped' }), nobody), [
    { before: { liveliness: 'alive', cause: null }, after: { liveliness: 'stalled', cause: 'stopped' } },
  ])
  t.match(ledger.track('w', worker({ liveliness: 'unreachable', cause: 'host-silent' }), nobody), [
    { before: { liveliness: 'stalled' }, mayReassign: false },
  ])
  t.strictSame(ledger.dead(), [])
  t.match(ledger.track('w', worker({ liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }), nobody), [
    { incarnation: 1, pid: 10, after: { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }, mayReassign: true },
  ])
  t.match(ledger.dead(), [{ workerId: 'w', before: null, mayReassign: true }])
  t.strictSame(ledger.track('w', undefined, nobody), [], 'nobody speaks of it any more: that is no verdict')
  t.strictSame(ledger.dead(), [])
  t.end()
})

t.test('a restarted worker replaces the old one, whose end is told with its own cause', (t) => {
  const told = (row: TrackedWorker, lives: (claimant: Guid) => boolean = nobody) => {
    const ledger = new LivelinessHistory()
    ledger.track('w', worker(), nobody)
    return ledger.track('w', row, lives)
  }
  t.match(told(successor()), [
    {
      pid: 10,
      incarnation: 1,
      before: { liveliness: 'alive' },
      after: { liveliness: 'dead', cause: 'replaced' },
      mayReassign: true,
    },
    { pid: 11, incarnation: 2, before: null, after: { liveliness: 'alive' } },
  ])
  t.match(told(successor({ predecessor: predecessor({ cause: 'killed', detail: 'SIGKILL' }) })), [
    { pid: 10, after: { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' }, mayReassign: true },
    { pid: 11 },
  ])
  t.match(
    told(successor({ predecessor: predecessor({ incarnation: 7, lives: true }) })),
    [{ pid: 10, after: { cause: 'replaced' }, mayReassign: true }, { pid: 11 }],
    'what is said of another predecessor says nothing of this one',
  )
  t.match(
    told(successor(), (claimant) => claimant === first),
    [{ pid: 10, mayReassign: false }, { pid: 11 }],
  )
  t.end()
})

t.test('the work of one that was replaced and lives on is nobody’s to give away until it is gone', (t) => {
  const ledger = new LivelinessHistory()
  ledger.track('w', worker(), nobody)
  const lives = successor({ predecessor: predecessor({ lives: true }) })
  t.match(ledger.track('w', lives, nobody), [{ pid: 10, mayReassign: false }, { pid: 11 }])
  t.strictSame(ledger.track('w', lives, nobody), [])
  t.match(ledger.dead(), [{ pid: 10, mayReassign: false }])
  t.match(ledger.track('w', successor({ predecessor: predecessor() }), nobody), [
    { pid: 10, before: { cause: 'replaced' }, after: { liveliness: 'dead', cause: 'replaced' }, mayReassign: true },
  ])
  t.strictSame(ledger.track('w', successor({ predecessor: predecessor() }), nobody), [], 'told once')
  t.end()
})

t.test('one that has its name back was dead to the plane meanwhile', (t) => {
  const ledger = new LivelinessHistory()
  ledger.track('w', worker(), nobody)
  ledger.track('w', successor({ predecessor: predecessor({ lives: true }) }), nobody)
  const killed = predecessor({ incarnation: 2, pid: 11, cause: 'killed', detail: 'SIGKILL' })
  t.match(ledger.track('w', worker({ predecessor: killed }), nobody), [
    { pid: 11, before: { liveliness: 'alive' }, after: { liveliness: 'dead', cause: 'killed' }, mayReassign: true },
    { pid: 10, before: { liveliness: 'dead', cause: 'replaced' }, after: { liveliness: 'alive' }, mayReassign: false },
  ])
  t.strictSame(ledger.track('w', worker({ predecessor: killed }), nobody), [])
  t.end()
})
