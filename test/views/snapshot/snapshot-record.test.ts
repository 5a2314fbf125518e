import fc from 'fast-check'
import t from 'tap'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'
import { changesFrom, recordSnapshot, restoreSnapshot } from '../../../src/views/snapshot/snapshot-record.js'
import { FleetSource } from '../../placement/support/random-fleet.js'

t.test('a snapshot recorded as one line is restored unchanged', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(80), (seed, workers) => {
      const source = new FleetSource(seed, 2, 2)
      const builder = new SnapshotBuilder()
      for (const change of source.fleet(workers, 5_000)) if (source.chance(0.9)) builder.apply(change)
      const terms = { maxInFlight: 2, shards: ['s'], reason: 'why', expiresMs: 6_000 }
      for (const kind of ['drain', 'prefer-shard'] as const) {
        builder.apply({ kind: 'intent', intent: { kind, target: 'worker-1', ...terms } })
      }
      builder.apply({ kind: 'config', config: { kind: 'concurrency-limit', scope: 'all', maxInFlight: 3 } })
      const line = recordSnapshot(builder.snapshot(), 5_000)
      t.notMatch(line, /\n/)
      const { snapshot, nowMs } = restoreSnapshot(line)
      t.equal(nowMs, 5_000)
      const sorted = (changes: Iterable<unknown>): string[] =>
        [...changes].map((change) => JSON.stringify(change)).sort()
      t.strictSame(sorted(changesFrom(snapshot)), sorted(changesFrom(builder.snapshot())))
      t.strictSame(snapshot.fleet, builder.snapshot().fleet)
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('a malformed record is refused', (t) => {
  for (const line of ['', 'x', 'null', '[]', '{}', '{"format":"numacast-snapshot-1","nowMs":1}']) {
    t.throws(() => restoreSnapshot(line), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
  t.end()
})
