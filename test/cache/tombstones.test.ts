import fc from 'fast-check'
import t from 'tap'
import type { Arrival, IncomingChange } from '../../src/cache/instance.js'
import type { InstanceRow } from '../../src/cache/instance-row.js'
import { InstanceTable } from '../../src/cache/instance-table.js'
import { Precedence } from '../../src/cache/precedence.js'
import type { UnseenEnd } from '../../src/cache/tombstones.js'
import { Tombstones } from '../../src/cache/tombstones.js'
import type { EntityGuid } from '../../src/core/ids.js'

const [A, B, R, S] = ['a.1', 'b.1', 'r.1', 's.1'] as EntityGuid[] as [EntityGuid, EntityGuid, EntityGuid, EntityGuid]

function at(nowMs: number): Arrival {
  return { nowMs, wallMs: 0 }
}

function change(owner: EntityGuid, seq: number, more: Partial<IncomingChange> = {}): IncomingChange {
  return {
    key: 'k',
    disposed: false,
    outOfView: false,
    token: { writer: owner, seq },
    via: owner,
    viaSeq: seq,
    originTimeMs: seq,
    sourceTimeMs: seq,
    bytes: Buffer.from('value'),
    start: 0,
    end: 5,
    fields: [],
    value: undefined,
    ...more,
  }
}

function newTable(hasHistory = false): InstanceTable {
  return new InstanceTable({
    maxInstances: 100_000,
    precedence: new Precedence({
      ownership: 'shared',
      destinationOrder: 'by-reception',
      standingOf: () => undefined,
    }),
    hasHistory,
    isPaced: false,
    hasRoom: () => true,
    forgotten: () => undefined,
  })
}

/** Forgets everything that has ended. */
function purge(table: InstanceTable): void {
  table.purge(Infinity, Infinity)
}

t.test('a relay does not revive an instance that its owner disposed, however long ago', async (t) => {
  for (const hasHistory of [false, true]) {
    const table = newTable(hasHistory)
    table.apply(change(A, 1), at(0))
    table.apply(change(A, 2, { disposed: true }), at(0))
    purge(table)
    t.equal(table.get('k'), undefined)
    t.equal(table.apply(change(A, 1, { via: R, viaSeq: 7 }), at(1)), 'outlived')
    t.equal(table.apply(change(A, 2, { via: R, viaSeq: 8, disposed: true }), at(1)), 'outlived')
    t.equal(table.get('k'), undefined)
    t.equal(table.apply(change(A, 3, { via: R, viaSeq: 9 }), at(1)), 'applied', 'a newer change is applied')
  }
})

t.test('an end implied by a bootstrap is remembered with the sequence number of the value', async (t) => {
  const table = newTable()
  table.apply(change(A, 5), at(0))
  table.withdraw('k', A, 'disposed', at(0))
  purge(table)
  t.equal(table.apply(change(A, 5, { via: R }), at(1)), 'outlived')
})

t.test('an instance that only lost its writer returns by a relay, but with no older value', async (t) => {
  const table = newTable()
  table.apply(change(A, 1), at(0))
  table.apply(change(A, 2), at(0))
  table.withdraw('k', A, 'no-writers', at(0))
  purge(table)
  t.equal(table.get('k'), undefined)
  t.equal(table.apply(change(A, 1, { via: R }), at(1)), 'outlived')
  t.equal(table.apply(change(A, 2, { via: S }), at(1)), 'applied')
})

t.test('a forgotten value out of view is not replaced by an older one', async (t) => {
  const table = newTable()
  table.apply(change(A, 1), at(0))
  table.apply(change(A, 2, { outOfView: true }), at(0))
  purge(table)
  t.equal(table.get('k'), undefined)
  t.equal(table.apply(change(A, 1, { via: R }), at(1)), 'outlived')
})

t.test('a disposal beats earlier values of another owner, and loses to its later ones', async (t) => {
  const table = newTable()
  table.apply(change(A, 1, { originTimeMs: 100 }), at(0))
  table.apply(change(B, 1, { originTimeMs: 200, disposed: true }), at(0))
  purge(table)
  t.equal(table.apply(change(A, 1, { originTimeMs: 100, via: R }), at(1)), 'outlived')
  t.equal(table.apply(change(A, 2, { originTimeMs: 300 }), at(1)), 'applied')
})

t.test('an ended instance offered by a relay, and an end of an unknown instance, are passed to relays', async (t) => {
  const table = newTable()
  const ends: UnseenEnd[] = []
  const stop = table.onUnseenEnd((end) => ends.push(end))
  table.apply(change(A, 1), at(0))
  table.apply(change(A, 2, { disposed: true }), at(0))
  t.strictSame(ends, [], 'the user has seen it')
  purge(table)
  table.apply(change(A, 1, { via: R }), at(1))
  table.apply(change(A, 9, { key: 'other', disposed: true }), at(1))
  table.apply(change(A, 2, { via: R, disposed: true }), at(1))
  t.match(ends, [
    { key: 'k', end: { owner: A, seq: 2, disposed: true }, isUnknownToRelay: true },
    { key: 'other', end: { owner: A, seq: 9 }, isUnknownToRelay: false },
  ])
  t.equal(ends.length, 2, 'a relay that knows the end is not notified')
  stop()
  table.apply(change(A, 1, { via: R }), at(1))
  t.equal(ends.length, 2)
})

t.test('by any paths, in any order, with any purges between: the highest sequence number is held', (t) => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ seq: fc.integer({ min: 1, max: 12 }), via: fc.constantFrom(A, R, S) }) },
    { weight: 2, arbitrary: fc.constant('purge' as const) },
    { weight: 1, arbitrary: fc.constantFrom(A, R, S) },
  )
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
      (steps, ends) => {
        const table = newTable()
        let highest = 0
        for (const step of steps) {
          if (step === 'purge') purge(table)
          else if (typeof step === 'string') table.withdraw('k', step, 'no-writers', at(0))
          else {
            const { seq, via } = step
            table.apply(change(A, seq, { via, viaSeq: seq, disposed: ends[seq] === true }), at(0))
            highest = Math.max(highest, seq)
          }
          const row = table.get('k')
          if (row === undefined) continue
          if (row.current.seq !== highest) throw new Error(`${row.current.seq} is held, ${highest} came`)
          if (row.state === 'alive' && ends[highest] === true) throw new Error(`${highest} ended it`)
        }
      },
    ),
    { seed: 3, numRuns: 3_000 },
  )
  t.end()
})

t.test('tombstones are bounded, and a relay revives nothing below an owner’s floor', async (t) => {
  const tombstones = new Tombstones()
  for (let seq = 1; seq <= 100_000; seq++) {
    tombstones.add(`k${seq}`, { owner: A, seq, disposed: true, originTimeMs: seq, sourceTimeMs: seq })
  }
  t.equal(tombstones.size, 16_384)
  t.equal(tombstones.floors, 1)
  t.equal(tombstones.get('k100000')?.seq, 100_000)
  t.equal(tombstones.get('k5'), undefined)
  t.ok(tombstones.isBelowFloor(change(A, 5, { key: 'k5', via: R })))
  t.notOk(tombstones.isBelowFloor(change(A, 5, { key: 'k5' })), 'its owner may deliver it')
  t.notOk(tombstones.isBelowFloor(change(A, 100_000 - 16_384 + 1, { via: R })), 'above the floor')
  t.notOk(tombstones.isBelowFloor(change(B, 5, { via: R })), 'another owner')
  for (let n = 0; n < 30_000; n++) {
    tombstones.add(`n${n}`, {
      owner: `o${n}.1` as EntityGuid,
      seq: 1,
      disposed: true,
      originTimeMs: 0,
      sourceTimeMs: 0,
    })
  }
  t.equal(tombstones.size, 16_384)
  t.equal(tombstones.floors, 4_096)
})

t.test('an instance that only lost its writer raises no floor', async (t) => {
  const tombstones = new Tombstones()
  for (let seq = 1; seq <= 20_000; seq++) {
    tombstones.add(`k${seq}`, { owner: A, seq, disposed: false, originTimeMs: seq, sourceTimeMs: seq })
  }
  t.equal(tombstones.size, 16_384)
  t.equal(tombstones.floors, 0)
})

t.test('an instance with a history remembers the sequence numbers of its latest owners only', async (t) => {
  const table = newTable(true)
  for (let n = 1; n <= 1_000; n++) table.apply(change(`o${n}.1` as EntityGuid, 1, { originTimeMs: n }), at(n))
  const row = table.get('k') as InstanceRow
  t.equal(row.appliedSeqs?.size, 64)
  t.ok(row.appliedSeqs?.has('o1000.1' as EntityGuid))
})
