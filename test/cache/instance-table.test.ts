import fc from 'fast-check'
import t from 'tap'
import type { ApplyResult } from '../../src/cache/apply-result.js'
import type { Arrival, IncomingChange } from '../../src/cache/instance.js'
import { InstanceTable } from '../../src/cache/instance-table.js'
import { type OwnerRank, Precedence } from '../../src/cache/precedence.js'
import type { EntityGuid } from '../../src/core/ids.js'

const [A, B, R, S] = ['a.1', 'b.1', 'r.1', 's.1'] as EntityGuid[] as [EntityGuid, EntityGuid, EntityGuid, EntityGuid]

function at(nowMs: number): Arrival {
  return { nowMs, wallMs: 0 }
}

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
  readonly standings?: Readonly<Record<string, OwnerRank>>
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

t.test('apply decides which of two changes wins', (t) => {
  const end = { disposed: true }
  const cases: { name: string; changes: IncomingChange[]; outcomes: ApplyResult[]; shown: string }[] = [
    {
      name: 'one owner: the higher sequence number wins',
      changes: [change(A, 1), change(A, 2)],
      outcomes: ['applied', 'applied'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'one owner: the lower sequence number loses',
      changes: [change(A, 2), change(A, 1)],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'the same change is a duplicate',
      changes: [change(A, 2), change(A, 2)],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'a lower sequence number by another path',
      changes: [change(A, 2), change(A, 1, { via: R })],
      outcomes: ['applied', 'duplicate'],
      shown: 'alive a.1 2 via a.1',
    },
    {
      name: 'the same sequence number by another path',
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
      name: 'a disposal with the held sequence number wins',
      changes: [change(A, 1), change(A, 1, { ...end, via: R })],
      outcomes: ['applied', 'applied'],
      shown: 'disposed  via r.1',
    },
    {
      name: 'a value with a disposed sequence number loses',
      changes: [change(A, 2, end), change(A, 2)],
      outcomes: ['unknownInstance', 'duplicate'],
      shown: 'disposed  via a.1',
    },
    {
      name: 'a value from before a disposal loses',
      changes: [change(A, 2, end), change(A, 1)],
      outcomes: ['unknownInstance', 'duplicate'],
      shown: 'disposed  via a.1',
    },
    {
      name: 'a value from after a disposal wins',
      changes: [change(A, 2, end), change(A, 3)],
      outcomes: ['unknownInstance', 'applied'],
      shown: 'alive a.1 3 via a.1',
    },
    {
      name: 'two owners: the later wins',
      changes: [change(B, 9), change(A, 1, { originTimeMs: 1001 })],
      outcomes: ['applied', 'applied'],
      shown: 'alive a.1 1 via a.1',
    },
    {
      name: 'two owners: the earlier loses',
      changes: [change(A, 1), change(B, 9, { originTimeMs: 999 })],
      outcomes: ['applied', 'older'],
      shown: 'alive a.1 1 via a.1',
    },
    {
      name: 'two owners within a millisecond: the greater GUID wins',
      changes: [change(B, 1), change(A, 1, { originTimeMs: 1000.4 })],
      outcomes: ['applied', 'older'],
      shown: 'alive b.1 1 via b.1',
    },
    {
      name: 'two owners within a millisecond: in either order of arrival',
      changes: [change(A, 1, { originTimeMs: 1000.4 }), change(B, 1)],
      outcomes: ['applied', 'applied'],
      shown: 'alive b.1 1 via b.1',
    },
  ]
  for (const { name, changes, outcomes, shown: expected } of cases) {
    const table = newTable()
    t.same(
      changes.map((next) => table.apply(next, at(5))),
      outcomes,
      name,
    )
    t.equal(shown(table), expected, name)
  }
  t.end()
})

t.test('the carriers of an instance are its owner and its present relays', (t) => {
  const table = newTable()
  table.apply(change(A, 1), at(0))
  table.apply(change(A, 1, { via: R, viaSeq: 40 }), at(0))
  table.apply(change(A, 1, { via: S, viaSeq: 50 }), at(0))
  t.same(
    [A, R, S, B].map((writer) => table.deliveredSeq('k', writer)),
    [1, 40, 50, undefined],
  )
  t.equal(table.withdraw('k', A, 'no-writers', at(1)), 'kept', 'relays still carry it')
  t.equal(shown(table), 'alive a.1 1 via r.1')
  t.equal(table.deliveredSeq('k', R), 40)
  t.equal(table.withdraw('k', S, 'disposed', at(1)), 'kept')
  t.equal(table.withdraw('k', R, 'no-writers', at(7)), 'ended')
  t.equal(shown(table), 'no-writers a.1 1 via r.1', 'the last value stays')
  t.equal(table.withdraw('k', R, 'no-writers', at(8)), 'kept', 'once')
  t.equal(table.withdraw('k', R, 'disposed', at(8)), 'ended', 'the relay is back and reports the end')
  t.equal(shown(table), 'disposed  via r.1')
  t.equal(table.withdraw('k', R, 'no-writers', at(9)), 'kept')

  t.equal(table.apply(change(A, 2), at(10)), 'applied')
  table.withdraw('k', A, 'no-writers', at(11))
  t.equal(table.apply(change(A, 2), at(12)), 'applied', 'its writer is back')
  t.equal(table.apply(change(A, 2, { via: R, viaSeq: 41 }), at(12)), 'duplicate')
  t.equal(table.apply(change(A, 1, { via: R, viaSeq: 42, disposed: true }), at(12)), 'duplicate')
  t.equal(table.deliveredSeq('k', R), undefined, 'a relay that ends it no longer carries it')
  t.equal(table.withdraw('unknown', A, 'no-writers', at(1)), 'kept')
  t.end()
})

t.test('the table refuses instances over its limit, purges, and reuses buffers', (t) => {
  const table = newTable({ maxInstances: 2 })
  table.apply(change(A, 1, { key: 'one' }), at(100))
  table.apply(change(A, 2, { key: 'two' }), at(100))
  t.equal(table.apply(change(A, 3, { key: 'three' }), at(100)), 'refused')
  t.equal(table.apply(change(A, 4, { key: 'two' }), at(100)), 'applied')
  const buffer = table.get('two')?.current.bytes
  table.apply(change(A, 5, { key: 'two' }), at(100))
  t.equal(table.get('two')?.current.bytes, buffer, 'a value that fits reuses the buffer')
  table.apply(change(A, 6, { key: 'one', disposed: true }), at(110))
  table.withdraw('two', A, 'no-writers', at(120))
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

t.test('one owner, any paths, any order: the highest sequence number is held', (t) => {
  const delivery = fc.record({ seq: fc.integer({ min: 1, max: 30 }), via: fc.constantFrom(A, R, S) })
  fc.assert(
    fc.property(
      fc.array(delivery, { minLength: 1, maxLength: 80 }),
      fc.array(fc.boolean(), { minLength: 31, maxLength: 31 }),
      (deliveries, ends) => {
        const table = newTable()
        const told: number[] = []
        for (const { seq, via } of deliveries) {
          const outcome = table.apply(change(A, seq, { via, viaSeq: seq, disposed: ends[seq] === true }), at(0))
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

t.test('under exclusive ownership the strongest live writer owns the instance', (t) => {
  const standings: Record<string, OwnerRank> = {
    [A]: { strength: 5, incarnation: 1 },
    [B]: { strength: 9, incarnation: 1 },
    [R]: { strength: 5, incarnation: 2 },
    [S]: { strength: 5, incarnation: 2 },
  }
  const table = newTable({ standings })
  const late = { originTimeMs: 9999 }
  t.equal(table.apply(change(A, 1), at(0)), 'applied')
  t.equal(table.apply(change(R, 1), at(0)), 'applied', 'equally strong, and its participant is younger')
  t.equal(table.apply(change(A, 2, late), at(0)), 'weaker', 'although it is newer')
  t.equal(table.apply(change(S, 1), at(0)), 'applied', 'the higher GUID')
  t.equal(table.apply(change(R, 2, late), at(0)), 'weaker')
  t.equal(
    table.apply(change(B, 1, { originTimeMs: 1 }), at(0)),
    'applied',
    'the stronger owner wins although its value is older',
  )
  t.equal(
    table.apply(change(S, 2, { ...late, disposed: true }), at(0)),
    'weaker',
    'an end by a weaker owner is ignored',
  )
  t.same(table.carriers('k'), [B])
  t.same(table.rivals('k'), [R], 'the strongest rival')

  t.equal(table.withdraw('k', B, 'no-writers', at(1)), 'orphaned')
  t.equal(shown(table), 'alive b.1 1 via b.1', 'until the next owner’s value arrives')
  t.same(table.carriers('k'), [])
  t.equal(table.apply(change(R, 2), at(2)), 'applied')
  t.equal(shown(table), 'alive r.1 2 via r.1')
  t.equal(table.deliveredSeq('k', B), undefined)

  t.equal(table.demote('k', R), true, 'it has missed its deadline')
  t.equal(table.demote('k', R), false)
  t.equal(table.demote('k', A), false, 'not the owner')
  t.equal(table.apply(change(A, 3), at(3)), 'applied', 'a weaker owner may write')
  t.equal(table.apply(change(R, 3), at(4)), 'applied', 'until the stronger owner is back')
  t.equal(table.apply(change(A, 4), at(4)), 'weaker')

  t.equal(table.apply(change(R, 4, { disposed: true }), at(5)), 'applied')
  t.equal(table.apply(change(A, 5, { originTimeMs: 900 }), at(5)), 'weaker', 'the owner has ended it')
  t.equal(table.withdraw('k', R, 'no-writers', at(6)), 'orphaned', 'now the value of A is wanted')
  t.equal(table.apply(change(A, 5, { originTimeMs: 900 }), at(6)), 'weaker', 'but it is older than the end')
  t.equal(table.apply(change(A, 6, { originTimeMs: 1100 }), at(7)), 'applied')
  t.equal(shown(table), 'alive a.1 6 via a.1')
  t.end()
})

t.test('exclusive ownership uses the strongest path', (t) => {
  const standings: Record<string, OwnerRank> = {
    [A]: { strength: 9, incarnation: 1 },
    [B]: { strength: 5, incarnation: 1 },
    [R]: { strength: 0, incarnation: 1 },
  }
  const table = newTable({ standings })
  table.apply(change(A, 1), at(0))
  t.equal(table.apply(change(A, 2, { via: R, viaSeq: 7 }), at(0)), 'applied', 'the relay was faster')
  t.equal(table.apply(change(B, 1), at(0)), 'weaker', 'A still carries it')
  delete standings[A]
  t.equal(table.withdraw('k', A, 'no-writers', at(1)), 'kept', 'the relay still carries it')
  t.equal(table.apply(change(B, 2), at(2)), 'applied', 'with the strength of the relay')
  t.end()
})

t.test('an instance is without writers when its last rival leaves or has ended it', (t) => {
  for (const [end, state] of [
    ['no-writers', 'no-writers'],
    ['disposed', 'disposed'],
  ] as const) {
    const table = newTable()
    table.apply(change(B, 1), at(0))
    t.equal(table.apply(change(A, 1), at(0)), 'older')
    t.equal(table.withdraw('k', B, 'no-writers', at(1)), 'orphaned')
    t.equal(table.withdraw('k', B, 'no-writers', at(1)), 'kept', 'once')
    t.equal(table.withdraw('k', A, end, at(2)), 'ended')
    t.equal(table.get('k')?.state, state)
  }
  const table = newTable()
  table.apply(change(B, 1), at(0))
  table.apply(change(A, 1), at(0))
  table.withdraw('k', B, 'no-writers', at(1))
  t.equal(table.apply(change(B, 1), at(2)), 'duplicate', 'it is back before the rival’s value arrives')
  t.same(table.carriers('k'), [B])
  t.end()
})

t.test('a user sees view states and generations, and no value out of view', (t) => {
  const table = newTable()
  const told: string[] = []
  const apply = (next: IncomingChange): void => {
    if (table.apply(next, at(0)) !== 'applied') return
    const row = table.get('k')
    if (row === undefined || !table.makeVisible(row)) return
    const { shown, shownState, viewed, disposedCount, noWritersCount } = row
    const value = shown.bytes.subarray(0, shown.byteLength)
    told.push(`${shownState} ${value} ${viewed ? 'seen' : 'new'} ${disposedCount}/${noWritersCount}`)
    row.viewed = true
  }
  apply(change(A, 1, { outOfView: true }))
  t.same([table.size, told], [0, []], 'never seen, so there is nothing to withdraw')
  apply(change(A, 2))
  apply(change(A, 3))
  apply(change(A, 4, { outOfView: true }))
  apply(change(A, 5, { outOfView: true }))
  apply(change(A, 6))
  apply(change(A, 7, { disposed: true }))
  apply(change(A, 8, { outOfView: true }))
  apply(change(A, 9))
  t.same(told, [
    'alive a.1 2 new 0/0',
    'alive a.1 3 seen 0/0',
    'no-writers  seen 0/0',
    'alive a.1 6 new 0/1',
    'disposed  seen 0/1',
    'no-writers  seen 0/1',
    'alive a.1 9 new 0/2',
  ])
  t.end()
})

t.test('with a history, superseded values are kept too, and no change is applied twice', (t) => {
  const table = newTable({ hasHistory: true })
  t.equal(table.apply(change(B, 1), at(0)), 'applied')
  t.equal(table.apply(change(A, 1), at(0)), 'beside')
  t.equal(table.apply(change(A, 1), at(0)), 'duplicate')
  t.equal(table.apply(change(B, 1, { via: R, viaSeq: 5 }), at(0)), 'duplicate')
  table.withdraw('k', B, 'no-writers', at(1))
  t.equal(table.withdraw('k', R, 'no-writers', at(1)), 'orphaned')
  t.equal(table.apply(change(A, 1), at(2)), 'restored', 'known, and current again')
  t.equal(shown(table), 'alive a.1 1 via a.1')
  t.equal(table.apply(change(A, 2), at(2)), 'applied')
  table.withdraw('k', A, 'no-writers', at(3))
  t.equal(table.apply(change(A, 2), at(4)), 'restored')
  const bySource = newTable({ hasHistory: true, bySource: true })
  bySource.apply(change(B, 1), at(0))
  t.equal(bySource.apply(change(A, 1), at(0)), 'older', 'it would be out of order')
  t.end()
})

/** Changes of each owner, with times that rise with its sequence numbers. Readers get them in any order by any path. */
const owners = [A, B, 'c.1' as EntityGuid] as const
const written = fc.array(
  fc.record({ owner: fc.nat(2), stepMs: fc.nat(3), disposed: fc.nat(5).map((die) => die === 0), key: fc.nat(1) }),
  { minLength: 1, maxLength: 25 },
)

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const rest = [...items]
  for (let at = rest.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const [one, two] = [rest[at] as T, rest[other] as T]
    rest[at] = two
    rest[other] = one
  }
  return rest
}

/** A small generator, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

t.test('by source all readers converge, in any order and by any path', (t) => {
  fc.assert(
    fc.property(written, fc.array(fc.nat(), { minLength: 3, maxLength: 6 }), (steps, seeds) => {
      const clocks = [1000, 1000, 1000]
      const seqs = [0, 0, 0]
      const changes = steps.map(({ owner, stepMs, disposed, key }) => {
        clocks[owner] = (clocks[owner] ?? 0) + stepMs
        seqs[owner] = (seqs[owner] ?? 0) + 1
        const sourceTimeMs = clocks[owner] ?? 0
        return change(owners[owner] ?? A, seqs[owner] ?? 0, { key: `${key}`, disposed, sourceTimeMs })
      })
      const ends = seeds.map((seed) => {
        const random = seeded(seed)
        const table = newTable({ bySource: true })
        for (const next of shuffled([...changes, ...changes], random)) {
          // A relay carries one owner's value at a time. By sending another owner's value it gives up the first.
          const via = random() < 0.3 ? (`relay-of-${next.token.writer}` as EntityGuid) : next.via
          table.apply({ ...next, originTimeMs: random() * 1000, via }, at(0))
        }
        const held = [...table.values()].map(({ key, state, current }) => {
          return `${key} ${state} ${current.owner} ${current.seq}`
        })
        return held.sort().join('\n')
      })
      for (const end of ends) if (end !== ends[0]) throw new Error(`${end}\nis not\n${ends[0]}`)
      const newest = new Map<string, IncomingChange>()
      for (const next of changes) {
        const best = newest.get(next.key)
        const isLater =
          best === undefined ||
          next.sourceTimeMs > best.sourceTimeMs ||
          (next.sourceTimeMs === best.sourceTimeMs && next.token.writer > best.token.writer) ||
          (next.token.writer === best.token.writer && next.token.seq > best.token.seq)
        if (isLater) newest.set(next.key, next)
      }
      const expected = [...newest.values()].map(({ key, disposed, token }) => {
        return `${key} ${disposed ? 'disposed' : 'alive'} ${token.writer} ${token.seq}`
      })
      if (ends[0] !== expected.sort().join('\n')) throw new Error(`${ends[0]}\nis not the newest:\n${expected}`)
    }),
    { seed: 1, numRuns: 500 },
  )
  t.end()
})

t.test('exclusive: in any order, the strongest owner’s last value is held', (t) => {
  fc.assert(
    fc.property(
      written,
      fc.array(fc.record({ strength: fc.nat(2), incarnation: fc.nat(2) }), { minLength: 3, maxLength: 3 }),
      fc.nat(),
      (steps, ranks, seed) => {
        const standings = Object.fromEntries(owners.map((owner, at) => [owner, ranks[at] as OwnerRank]))
        const table = newTable({ standings })
        const seqs = new Map<EntityGuid, number>()
        const changes = steps.map(({ owner }) => {
          const guid = owners[owner] ?? A
          seqs.set(guid, (seqs.get(guid) ?? 0) + 1)
          return change(guid, seqs.get(guid) ?? 0)
        })
        const random = seeded(seed)
        for (const next of shuffled(changes, random)) table.apply(next, at(0))
        const [strongest] = [...seqs.keys()].sort((one, two) => {
          const [a, b] = [standings[one] as OwnerRank, standings[two] as OwnerRank]
          return b.strength - a.strength || b.incarnation - a.incarnation || (two > one ? 1 : -1)
        })
        const held = table.get('k')?.current
        if (held?.owner !== strongest) throw new Error(`${held?.owner} owns it, ${strongest} is stronger`)
        if (held?.seq !== seqs.get(held?.owner ?? A)) throw new Error('the held value is not its last')
      },
    ),
    { seed: 1, numRuns: 500 },
  )
  t.end()
})
