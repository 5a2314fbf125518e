import t from 'tap'
import { InstanceState } from '../../src/cache/instance.js'
import { InstanceRow } from '../../src/cache/instance-row.js'
import { RetiredInstances } from '../../src/cache/retired-instances.js'
import type { EntityGuid } from '../../src/core/ids.js'

let visits = 0

/** A row that counts reads of its end time. */
class CountedRow extends InstanceRow {
  #endedMs = 0
  constructor(key: string) {
    const writer = 'a.1' as EntityGuid
    const bytes = Buffer.alloc(0)
    const times = { originTimeMs: 0, sourceTimeMs: 0 }
    const change = { key, disposed: false, outOfView: false, token: { writer, seq: 1 }, via: writer, viaSeq: 1 }
    super({ ...change, ...times, bytes, start: 0, end: 0, fields: [], value: undefined })
    // The base class has a field of this name, which would hide an accessor of this class.
    Object.defineProperty(this, 'endedMs', {
      get: () => {
        visits++
        return this.#endedMs
      },
      set: (value: number) => {
        this.#endedMs = value
      },
    })
  }
}

function retired(state: InstanceState, key: string): InstanceRow {
  const row = new CountedRow(key)
  row.state = state
  return row
}

t.test('a purge visits only due rows, and one more of each kind', async (t) => {
  const forgotten: string[] = []
  const instances = new RetiredInstances(({ key }) => forgotten.push(key))
  for (let n = 0; n < 5_000; n++) {
    instances.update(retired(InstanceState.disposed, `d${n}`), true, n)
    instances.update(retired(InstanceState.noWriters, `n${n}`), true, n)
  }
  visits = 0
  for (let sweep = 0; sweep < 100; sweep++) instances.purge(0, 0)
  t.strictSame(forgotten, [])
  t.ok(visits <= 200, `${visits} visits in 100 sweeps over 10,000 rows`)
  instances.purge(3, 2)
  t.strictSame(forgotten, ['d0', 'd1', 'd2', 'n0', 'n1'])
})

t.test('the oldest of any kind makes room first, and a row that ends again counts from then', async (t) => {
  const forgotten: string[] = []
  const instances = new RetiredInstances(({ key }) => forgotten.push(key))
  const again = retired(InstanceState.noWriters, 'again')
  instances.update(again, true, 1)
  instances.update(retired(InstanceState.disposed, 'second'), true, 2)
  instances.update(retired(InstanceState.noWriters, 'third'), true, 3)
  again.state = InstanceState.disposed
  instances.update(again, true, 4)
  while (instances.dropOldestEnded());
  t.strictSame(forgotten, ['second', 'third', 'again'])
  t.notOk(instances.hasEnded)
})

t.test('a row that is alive again is no longer retired', async (t) => {
  const instances = new RetiredInstances(() => t.fail())
  const row = retired(InstanceState.disposed, 'k')
  instances.update(row, true, 1)
  row.state = InstanceState.alive
  instances.update(row, false, 2)
  instances.purge(Infinity, Infinity)
  t.notOk(instances.dropOldestEnded())
})
