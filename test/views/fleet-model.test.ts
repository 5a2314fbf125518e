import t from 'tap'
import { type EntityGuid, participantOf } from '../../src/core/ids.js'
import { aliveVerdict, type Verdict } from '../../src/liveliness/verdict.js'
import type { NodeCapacity } from '../../src/plane/node/node-capacity.js'
import type { RosterRow } from '../../src/plane/node/node-roster.js'
import { FleetModel, orphanRetentionMs } from '../../src/views/fleet-model.js'
import type { VerdictOf } from '../../src/views/rows/source-status.js'
import { staleRowMs } from '../../src/views/status/worker-status.js'
import { rosterRow as row, sampleOf, writerOf } from './samples.js'

const alive: Verdict = aliveVerdict(0)
const allAlive = (): Verdict | undefined => alive
const all =
  (...letters: string[]) =>
  (writer: EntityGuid): Verdict | undefined =>
    letters.some((letter) => writerOf(letter) === writer) ? alive : undefined

function node(over: Partial<NodeCapacity> = {}): NodeCapacity {
  return {
    host: 'h',
    numaNode: 0,
    bootId: 'b',
    collectorPid: 1,
    collectorIncarnation: 1,
    adopted: false,
    cpus: 4,
    memoryTotalBytes: 100,
    memoryAvailableBytes: 50,
    distances: null,
    memoryLimitBytes: null,
    memoryHeadroomBytes: null,
    cpuQuotaCores: null,
    cpuHeadroomCores: 2,
    memoryPressurePercent: null,
    cpuPressurePercent: null,
    memoryPressureAvg60Percent: null,
    cpuPressureAvg60Percent: null,
    workers: { available: 1, busy: 0, unhealthy: 0, draining: 0 },
    rosterRows: 1,
    unwatchedWorkers: 0,
    ...over,
  }
}

t.test('the age of a row adds the age of its source at writing and the time since', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  model.applyRow(sampleOf('h/0/w', row({ sourceAgeMs: 20, livelinessForMs: 5 }), { atMs: 1_000 }))
  t.match(model.workers(1_300, allAlive), [{ ageMs: 320, livelinessForMs: 305 }])
  t.end()
})

t.test('the newer collector of a node wins in any order of arrival', (t) => {
  for (const order of [
    ['old', 'new'],
    ['new', 'old'],
  ] as const) {
    const model = new FleetModel({ unreachableDeadAfterMs: null })
    for (const which of order) {
      const incarnation = which === 'old' ? 1 : 2
      const writer = which === 'old' ? 'a' : 'b'
      model.applyNode(
        sampleOf('h/0', node({ collectorIncarnation: incarnation, collectorPid: incarnation }), { writer }),
      )
    }
    t.match(model.nodes(0, allAlive), [{ collector: { pid: 2 } }], order.join(', '))
    t.equal(model.nodes(0, allAlive).length, 1)
  }
  t.end()
})

t.test('of two claims to one name the stronger live claim counts; the other’s end does not end it', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  const first = (over: Partial<RosterRow> = {}) => row({ pid: 10, ...over })
  const second = (over: Partial<RosterRow> = {}) =>
    row({ pid: 11, incarnation: 2, sourceWriter: writerOf('f'), ...over })
  const pids = (verdictOf: VerdictOf = allAlive) =>
    model.workers(0, verdictOf).map(({ pid, liveliness }) => [pid, liveliness])
  t.equal(model.applyRow(sampleOf('h/0/w', first())), 'w')
  t.equal(model.applyRow(sampleOf('h/1/w', second({ numaNode: 1 }), { writer: 'b' })), 'w')
  t.strictSame(pids(), [[11, 'alive']], 'the later incarnation')
  model.applyRow(sampleOf('h/0/w', first({ ownershipStrength: 1 }), { seq: 2 }))
  t.strictSame(pids(), [[10, 'alive']], 'the stronger claim')
  model.applyRow(sampleOf('h/0/w', first({ ownershipStrength: 1, liveliness: 'dead', cause: 'killed' }), { seq: 3 }))
  t.strictSame(pids(), [[11, 'alive']], 'the live claim')
  t.strictSame(pids(all('a')), [[11, 'unreachable']], 'the later claim, without evidence for either')
  t.ok(model.isReportedAlive('w', participantOf(writerOf('f')), allAlive))
  t.notOk(model.isReportedAlive('w', participantOf(writerOf('f')), all('a')))
  model.applyRow(sampleOf<RosterRow>('h/1/w', undefined, { writer: 'b', seq: 2 }))
  t.strictSame(pids(), [[10, 'dead']])
  model.applyRow(sampleOf<RosterRow>('h/0/w', undefined, { seq: 4 }))
  t.strictSame(pids(), [])
  t.end()
})

t.test('the cause of a collector’s end is kept while its last row is kept', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  const [participant, stranger] = [participantOf(writerOf('a')), participantOf(writerOf('b'))]
  const killed: Verdict = { ...alive, liveliness: 'dead', cause: 'killed', sinceMs: 5, reliableFromMs: null }
  const allUnknown = (): undefined => undefined
  model.applyNode(sampleOf('h/0', node()))
  model.participantLeft(stranger, { ...killed, cause: 'exited' })
  t.match(model.nodes(10, allUnknown), [{ collector: { liveliness: 'dead', cause: null } }], 'the cause is unknown')
  model.participantLeft(participant, killed)
  t.match(model.nodes(10, allUnknown), [{ collector: { liveliness: 'dead', cause: 'killed', livelinessForMs: 5 } }])
  t.match(
    model.nodes(10, allAlive),
    [{ collector: { liveliness: 'alive', cause: null } }],
    'the collector is alive again',
  )

  model.applyNode(sampleOf('h/0', node(), { state: 'no-writers' }))
  t.match(
    model.nodes(10, allAlive),
    [{ collector: { liveliness: 'dead', cause: 'goodbye' } }],
    'a goodbye of a live process',
  )
  t.match(model.nodes(10, allUnknown), [{ collector: { liveliness: 'dead', cause: 'killed' } }])
  model.observe(10, allUnknown)
  model.observe(10 + orphanRetentionMs, allUnknown)
  model.applyNode(sampleOf('h/0', node(), { seq: 2 }))
  t.match(model.nodes(10, allUnknown), [{ collector: { cause: null } }], 'forgotten with the row')
  t.end()
})

t.test('a collector that was unreachable when its participant was forgotten is not reported as dead', async (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  model.applyNode(sampleOf('h/0', node()))
  model.applyRow(sampleOf('h/0/w', row()))
  const lost: Verdict = { ...alive, liveliness: 'unreachable', cause: 'host-silent', sinceMs: 20, evidence: 'phi' }
  model.participantLeft(participantOf(writerOf('a')), lost)
  const none = (): undefined => undefined
  t.match(model.nodes(100, none), [
    { collector: { liveliness: 'unreachable', cause: 'host-silent', livelinessForMs: 80 } },
  ])
  t.match(model.workers(100, none), [{ liveliness: 'unreachable', cause: 'host-silent' }])
})

t.test('of several rows on one claimant the row of the best-informed server counts', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  const stalled: Verdict = { ...alive, liveliness: 'stalled', cause: 'stopped' }
  const asOwnerIs = (owner: Verdict | undefined) => (writer: EntityGuid) => (writer === writerOf('a') ? owner : alive)
  model.applyNode(sampleOf('h/0', node({ collectorPid: 1 })))
  model.applyNode(sampleOf('h/0', node({ collectorPid: 2, collectorIncarnation: 9, adopted: true }), { writer: 'b' }))
  model.applyRow(sampleOf('h/0/w', row({ inFlight: 1 })))
  const adopted = row({ liveliness: 'dead', cause: 'killed', adopted: true })
  model.applyRow(sampleOf('h/0/w', adopted, { writer: 'b', atMs: 5 }))
  t.match(model.workers(10, asOwnerIs(alive)), [{ liveliness: 'alive', inFlight: 1 }], 'the owner')
  t.match(model.nodes(10, asOwnerIs(alive)), [{ collector: { pid: 1, adopted: false } }])
  t.match(model.workers(10, asOwnerIs(stalled)), [{ liveliness: 'dead', cause: 'killed' }], 'the stand-in’s row')
  t.match(model.nodes(10, asOwnerIs(stalled)), [{ collector: { pid: 2, adopted: true } }])
  t.match(model.workers(10, asOwnerIs(undefined)), [{ liveliness: 'dead', cause: 'killed' }])
  model.applyRow(sampleOf('h/0/w', adopted, { writer: 'b', seq: 1, state: 'no-writers' }))
  t.match(model.workers(10, asOwnerIs(stalled)), [{ liveliness: 'alive' }], 'a withdrawn row counts less')
  t.end()
})

t.test('a worker whose collector is gone is unreachable; a dead worker stays dead', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: 1_000 })
  model.applyRow(sampleOf('h/0/w', row()))
  const dead = row({ workerId: 'v', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })
  model.applyRow(sampleOf('h/0/v', dead))
  model.observe(50, all('b'))
  t.match(model.workers(1_049, all('b')), [
    { workerId: 'v', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' },
    {
      workerId: 'w',
      liveliness: 'unreachable',
      cause: 'unserved',
      detail: 'its collector is gone',
      livelinessForMs: 999,
    },
  ])
  const policy = { liveliness: 'dead', cause: 'unserved', livelinessForMs: 0 }
  t.match(model.workers(1_050, all('b'))[1], policy, 'by policy')
  model.observe(1_060, allAlive)
  t.match(model.workers(1_060, allAlive)[1], { liveliness: 'alive' })
  t.end()
})

t.test('a worker that no server reports has the cause that is known of its server', async (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  model.applyRow(sampleOf('h/0/w', row()))
  const cases: readonly [Pick<Verdict, 'liveliness' | 'cause'>, string, string][] = [
    [{ liveliness: 'unreachable', cause: 'host-silent' }, 'host-silent', 'its host is silent'],
    [{ liveliness: 'unreachable', cause: 'lease-expired' }, 'unserved', 'its collector is unreachable'],
    [{ liveliness: 'dead', cause: 'killed' }, 'unserved', 'its collector is gone'],
  ]
  for (const [index, [verdict, cause, detail]] of cases.entries()) {
    const changed = { ...alive, ...verdict, sinceMs: index + 1 }
    t.match(
      model.workers(10, () => changed),
      [{ liveliness: 'unreachable', cause, detail }],
    )
  }
})

t.test('rows of a stalled collector age and then count as unreachable', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  const stalled = (): Verdict => ({ ...alive, liveliness: 'stalled', cause: 'stopped' })
  model.applyRow(sampleOf('h/0/w', row({ probationMs: 20_000 })))
  t.match(model.workers(staleRowMs - 1, stalled), [{ liveliness: 'alive', probationMs: 20_000 - staleRowMs + 1 }])
  t.match(model.workers(staleRowMs + 7, stalled), [
    {
      liveliness: 'unreachable',
      cause: 'unserved',
      detail: 'its collector stands still',
      livelinessForMs: 7,
      probationMs: 0,
    },
  ])
  t.end()
})

t.test('orphans are forgotten after their retention; rows with a collector are kept', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  model.applyNode(sampleOf('h/0', node()))
  model.applyRow(sampleOf('h/0/w', row()))
  model.applyRow(sampleOf('h/0/v', row({ workerId: 'v' }), { writer: 'b' }))
  t.strictSame(model.observe(0, all('b')).workers, [])
  t.strictSame(model.observe(orphanRetentionMs - 1, all('b')).workers, [])
  t.strictSame(model.observe(orphanRetentionMs, all('b')).workers, ['w'])
  t.strictSame(model.nodes(0, allAlive), [])
  t.match(model.workers(0, allAlive), [{ workerId: 'v' }])
  t.equal(model.hasNodes, false)
  t.end()
})

t.test('a repeated sample is not a change', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  model.applyNode(sampleOf('h/0', node(), { seq: 5 }))
  t.notOk(model.applyNode(sampleOf('h/0', node(), { seq: 5 })))
  model.applyRow(sampleOf('h/0/w', row(), { seq: 5 }))
  t.equal(model.applyRow(sampleOf('h/0/w', row(), { seq: 4 })), undefined)
  t.end()
})

t.test('statuses are cached for a millisecond, each server is judged once, and each change shows at once', (t) => {
  const model = new FleetModel({ unreachableDeadAfterMs: null })
  for (const workerId of ['v', 'w', 'x']) {
    model.applyRow(sampleOf(`b/0/${workerId}`, row({ workerId, sourceWriter: writerOf(workerId) })))
  }
  let asked = 0
  let verdict: Verdict = alive
  const verdictOf = (): Verdict => {
    asked++
    return verdict
  }
  const first = model.workers(10, verdictOf)
  t.equal(asked, 1, 'one server, three rows')
  const second = model.workers(10, verdictOf)
  t.ok(
    first.every((status, index) => status === second[index]),
    'shared',
  )
  t.match(model.workers(11, verdictOf), [{ ageMs: 31 }, { ageMs: 31 }, { ageMs: 31 }])

  model.applyRow(sampleOf('b/0/w', row({ sourceWriter: writerOf('w'), inFlight: 1 }), { seq: 2 }))
  t.match(model.workers(11, verdictOf)[1], { workerId: 'w', inFlight: 1 }, 'a changed row')
  verdict = { ...alive, liveliness: 'unreachable', cause: 'host-silent', sinceMs: 11 }
  t.match(
    model.workers(11, verdictOf)[0],
    { liveliness: 'unreachable', detail: 'its host is silent' },
    'a changed verdict',
  )
  verdict = alive
  const end = { workerId: 'v', incarnation: 1, pid: 10, bootId: 'b', host: 'h', numaNode: 0, endedForMs: 0 } as const
  model.applyEnd(sampleOf('v/1', { ...end, cause: 'killed', detail: null, evidence: 'kernel' } as const))
  t.match(model.workers(11, verdictOf)[0], { workerId: 'v', liveliness: 'dead', cause: 'killed' }, 'a recorded end')
  t.end()
})
