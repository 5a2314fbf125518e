import t from 'tap'
import type { EntityGuid } from '../../src/core/ids.js'
import { aliveVerdict, type Verdict } from '../../src/liveliness/verdict.js'
import type { NodeCapacity } from '../../src/plane/node-capacity.js'
import type { RosterRow } from '../../src/plane/node-roster.js'
import { FleetModel, orphanRetentionMs } from '../../src/views/fleet-model.js'
import { sampleOf, writerOf } from './samples.js'

const alive: Verdict = aliveVerdict(0)
const everybody = (): Verdict | undefined => alive
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
    workers: { available: 1, busy: 0, unhealthy: 0, draining: 0 },
    rosterRows: 1,
    ...over,
  }
}

function row(over: Partial<RosterRow> = {}): RosterRow {
  return {
    workerId: 'w',
    host: 'h',
    numaNode: 0,
    pid: 10,
    incarnation: 1,
    state: 'available',
    liveliness: 'alive',
    cause: null,
    detail: null,
    livelinessForMs: 0,
    inFlight: 0,
    concurrency: 1,
    jobsCompleted: 0,
    jobsFailed: 0,
    admissionOpen: true,
    admissionReason: null,
    appliedIntents: [],
    eventLoopUtilization: null,
    memoryHeadroomBytes: null,
    sourceWriter: 'x',
    sourceSeq: 1,
    sourceAgeMs: 20,
    ...over,
  }
}

t.test('ages add up: of the source when the row was written, and of the row', (t) => {
  const model = new FleetModel()
  model.applyRow(sampleOf('w', row({ sourceAgeMs: 20, livelinessForMs: 5 }), { atMs: 1_000 }))
  t.match(model.workers(1_300, everybody), [{ ageMs: 320, livelinessForMs: 305 }])
  t.end()
})

t.test('the newer collector of a node wins, in whatever order they are heard', (t) => {
  for (const order of [
    ['old', 'new'],
    ['new', 'old'],
  ] as const) {
    const model = new FleetModel()
    for (const which of order) {
      const incarnation = which === 'old' ? 1 : 2
      const writer = which === 'old' ? 'a' : 'b'
      model.applyNode(
        sampleOf('h/0', node({ collectorIncarnation: incarnation, collectorPid: incarnation }), { writer }),
      )
    }
    t.match(model.nodes(0, everybody), [{ collector: { pid: 2 } }], order.join(', '))
    t.equal(model.nodes(0, everybody).length, 1)
  }
  t.end()
})

t.test('of two rows of one worker the newer incarnation wins; the old one’s end does not end it', (t) => {
  const model = new FleetModel()
  t.match(model.applyRow(sampleOf('w', row({ pid: 10 }))), { before: undefined, after: { pid: 10 } })
  t.match(model.applyRow(sampleOf('w', row({ pid: 11, incarnation: 2 }), { writer: 'b' })), { after: { pid: 11 } })
  t.equal(model.applyRow(sampleOf('w', row({ pid: 10, liveliness: 'dead' }), { seq: 2 })), undefined)
  t.equal(model.applyRow(sampleOf<RosterRow>('w', undefined, { seq: 3 })), undefined)
  t.match(model.workers(0, everybody), [{ pid: 11 }])
  t.match(model.applyRow(sampleOf<RosterRow>('w', undefined, { writer: 'b', seq: 2 })), {
    before: { pid: 11 },
    after: undefined,
  })
  t.strictSame(model.workers(0, everybody), [])
  t.end()
})

t.test('a worker whose collector is gone is unreachable; a dead one stays dead', (t) => {
  const model = new FleetModel()
  model.applyRow(sampleOf('w', row()))
  model.applyRow(sampleOf('v', row({ workerId: 'v', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })))
  t.match(model.workers(50, all('b')), [
    { workerId: 'v', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' },
    { workerId: 'w', liveliness: 'unreachable', cause: 'host-silent', detail: 'its collector is gone' },
  ])
  t.end()
})

t.test('orphans are kept for a while, then forgotten; what has a collector never is', (t) => {
  const model = new FleetModel()
  model.applyNode(sampleOf('h/0', node()))
  model.applyRow(sampleOf('w', row()))
  model.applyRow(sampleOf('v', row({ workerId: 'v' }), { writer: 'b' }))
  t.notOk(model.expire(orphanRetentionMs - 1, all('b')))
  t.ok(model.expire(orphanRetentionMs, all('b')))
  t.strictSame(model.nodes(0, everybody), [])
  t.match(model.workers(0, everybody), [{ workerId: 'v' }])
  t.equal(model.hasNodes, false)
  t.end()
})

t.test('a change heard twice is no change', (t) => {
  const model = new FleetModel()
  model.applyNode(sampleOf('h/0', node(), { seq: 5 }))
  t.notOk(model.applyNode(sampleOf('h/0', node(), { seq: 5 })))
  model.applyRow(sampleOf('w', row(), { seq: 5 }))
  t.equal(model.applyRow(sampleOf('w', row(), { seq: 4 })), undefined)
  t.end()
})
