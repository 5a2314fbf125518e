import fc from 'fast-check'
import t from 'tap'
import type { IncomingChange } from '../../src/cache/instance.js'
import { InstanceTable, type Outcome } from '../../src/cache/instance-table.js'
import { Precedence, type Standing } from '../../src/cache/precedence.js'
import type { EntityGuid } from '../../src/core/ids.js'

const [A, B, R, S] = ['a.1', 'b.1', 'r.1', 's.1'] as EntityGuid[] as [EntityGuid, EntityGuid, EntityGuid, EntityGuid]

function change(owner: EntityGuid, seq: number, more: Partial<IncomingChange> = {}): IncomingChange {
  const bytes = Buffer.from(`[${owner} ${seq}]`)
  return {
    key: 'k',
    disposed: false,
    outOfView: false,
    token: { writer: owner, seq },
    via: owner,
    viaSeq: seq,
    originTimeMs: 1000,
    sourceTimeMs: 1000,
    bytes,
    start: 1,
    end: bytes.length - 1,
    fields: [],
    value: undefined,
    ...more,
  }
}

interface Sketch {
  readonly maxInstances?: number
  readonly standings?: Readonly<Record<string, Standing>>
  readonly bySource?: boolean
  readonly hasHistory?: boolean
}

function newTable(sketch: Sketch = {}): InstanceTable {
  const { maxInstances = 10, standings, bySource = false, hasHistory = false } = sketch
  return new InstanceTable({
    maxInstances,
    precedence: new Precedence({
      ownership: standings === undefined ? 'shared' : 'exclusive',
      destinationOrder: bySource ? 'by-source' : 'by-reception',
      standingOf: (writer) => standings?.[writer],
    }),
    hasHistory,
    isPaced: false,
    hasRoom: () => true,
    forgotten: () => undefined,
  })
}

function shown(table: InstanceTable): string {
  const row = table.get('k')
  if (row === undefined) return 'nothing'
  const { bytes, byteLength, via } = row.current
  return `${row.state} ${bytes.subarray(0, byteLength)} via ${via}`
}

t.test('which change wins', (t) => {
  const end = { disposed: true }
  const cases: { name: string; changes: IncomingChange[]; outcomes: Outcome[]; shown: string }[] = [
    {
      name: 'the higher number of one owner',
      changes: [change(A, 1), change(A, 2)],
      outcomes: ['applied', 'applied'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'not the lower',
      changes: [change(A, 2), change(A, 1)],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'not the same again',
      changes: [change(A, 2), change(A, 2)],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'a lower number by another path',
      changes: [change(A, 2), change(A, 1, { via: R })],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'the same number by another path',
      changes: [change(A, 2, { via: R }), change(A, 2)],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via r.1',
    },
    {
      name: 'a disposal',
      changes: [change(A, 1), change(A, 2, end)],
      outcomes: ['applied', 'applied'],
      shown: 'disposed  via a.1',
    },
    {
      name: 'a disposal under the number held',
      changes: [change(A, 1), change(A, 1, { ...end, via: R })],
      outcomes: ['applied', 'applied'],
      shown: 'disposed  via r.1',
    },
    {
      name: 'not a value under a disposed number',
      changes: [change(A, 2, end), change(A, 2)],
      outcomes: ['unheard', 'duplicate'],
      shown: 'disposed  via a.1',
    },
    {
      name: 'not what was before a disposal',
      changes: [change(A, 2, end), change(A, 1)],
      outcomes: ['unheard', 'duplicate'],
      shown: 'disposed  via a.1',
    },
    {
      name: 'what came after it',
      changes: [change(A, 2, end), change(A, 3)],
      outcomes: ['unheard', 'applied'],
      shown: 'alive a.1 3 via a.1',
    },
    {
      name: 'the later of two owners',
      changes: [change(B, 9), change(A, 1, { originTimeMs: 1001 })],
      outcomes: ['applied', 'applied'],
      shown: 'alive a.1 1 via a.1',
    },
    {
      name: 'not the earlier',
      changes: [change(A, 1), change(B, 9, { originTimeMs: 999 })],
      outcomes: ['applied', 'older'],
      shown: 'alive a.1 1 via a.1',
    },
    {
      name: 'within a millisecond the greater name',
      changes: [change(B, 1), change(A, 1, { originTimeMs: 1000.4 })],
      outcomes: ['applied', 'older'],
      shown: 'alive b.1 1 via b.1',
    },
    {
      name: 'whichever comes first',
      changes: [change(A, 1, { originTimeMs: 1000.4 }), change(B, 1)],
      outcomes: ['applied', 'applied'],
      shown: 'alive b.1 1 via b.1',
    },
  ]
  for (const { name, changes, outcomes, shown: expected } of cases) {
    const table = newTable()
    t.same(
      changes.map((next) => table.apply(next, 5)),
      outcomes,
      name,
    )
    t.equal(shown(table), expected, name)
  }
  t.end()
})

t.test('who carries an instance', (t) => {
  const table = newTable()
  table.apply(change(A, 1), 0)
  table.apply(change(A, 1, { via: R, viaSeq: 40 }), 0)
  table.apply(change(A, 1, { via: S, viaSeq: 50 }), 0)
  t.same(
    [A, R, S, B].map((writer) => table.carriedBy('k', writer)),
    [1, 40, 50, undefined],
  )
  t.equal(table.abandon('k', A, 'no-writers', 1), 'kept', 'relays carry it on')
  t.equal(shown(table), 'alive a.1 1 via r.1')
  t.equal(table.carriedBy('k', R), 40)
  t.equal(table.abandon('k', S, 'disposed', 1), 'kept')
  t.equal(table.abandon('k', R, 'no-writers', 7), 'ended')
  t.equal(shown(table), 'no-writers a.1 1 via r.1', 'the last value stays')
  t.equal(table.abandon('k', R, 'no-writers', 8), 'kept', 'once')
  t.equal(table.abandon('k', R, 'disposed', 8), 'ended', 'back, and says that it has ended')
  t.equal(shown(table), 'disposed  via r.1')
  t.equal(table.abandon('k', R, 'no-writers', 9), 'kept')

  t.equal(table.apply(change(A, 2), 10), 'applied')
  table.abandon('k', A, 'no-writers', 11)
  t.equal(table.apply(change(A, 2), 12), 'applied', 'its writer is back')
  t.equal(table.apply(change(A, 2, { via: R, viaSeq: 41 }), 12), 'duplicate')
  t.equal(table.apply(change(A, 1, { via: R, viaSeq: 42, disposed: true }), 12), 'duplicate')
  t.equal(table.carriedBy('k', R), undefined, 'whoever ends it carries it no more')
  t.equal(table.abandon('unknown', A, 'no-writers', 1), 'kept')
  t.end()
})

t.test('limit, purge, buffers', (t) => {
  const table = newTable({ maxInstances: 2 })
  table.apply(change(A, 1, { key: 'one' }), 100)
  table.apply(change(A, 2, { key: 'two' }), 100)
  t.equal(table.apply(change(A, 3, { key: 'three' }), 100), 'refused')
  t.equal(table.apply(change(A, 4, { key: 'two' }), 100), 'applied')
  const buffer = table.get('two')?.current.bytes
  table.apply(change(A, 5, { key: 'two' }), 100)
  t.equal(table.get('two')?.current.bytes, buffer, 'a value of no more bytes goes into the same buffer')
  table.apply(change(A, 6, { key: 'one', disposed: true }), 110)
  table.abandon('two', A, 'no-writers', 120)
  table.purge(110, 120)
  t.equal(table.size, 2, 'not yet')
  table.purge(111, 120)
  t.same(
    [...table.values()].map(({ key }) => key),
    ['two'],
  )
  table.purge(111, 121)
  t.equal(table.size, 0)
  t.end()
})

t.test('one owner, any paths, any order: the highest number is what is held', (t) => {
  const delivery = fc.record({ seq: fc.integer({ min: 1, max: 30 }), via: fc.constantFrom(A, R, S) })
  fc.assert(
    fc.property(
      fc.array(delivery, { minLength: 1, maxLength: 80 }),
      fc.array(fc.boolean(), { minLength: 31, maxLength: 31 }),
      (deliveries, ends) => {
        const table = newTable()
        const told: number[] = []
        for (const { seq, via } of deliveries) {
          const outcome = table.apply(change(A, seq, { via, viaSeq: seq, disposed: ends[seq] === true }), 0)
          if (outcome === 'applied') told.push(seq)
        }
        const highest = Math.max(...deliveries.map(({ seq }) => seq))
        const row = table.get('k')
        if (row?.current.seq !== highest) throw new Error(`${row?.current.seq} is held, ${highest} came`)
        if ((row.state === 'disposed') !== (ends[highest] === true)) throw new Error(row.state)
        if (told.some((seq, at) => at > 0 && seq <= (told[at - 1] ?? 0))) throw new Error(`told ${told}`)
      },
    ),
    { seed: 1, numRuns: 500 },
  )
  t.end()
})
