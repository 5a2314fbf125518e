import t from 'tap'
import { workerEndRetentionMs } from '../../../src/plane/worker/worker-end.js'
import { inheritedClaimant } from '../../../src/roles/node/names/claimant.js'
import { maxWorkerEnds, WorkerEnds } from '../../../src/roles/node/worker-ends.js'
import { rosterRow } from '../../views/samples.js'

const origin = { bootId: 'b' }

function dead(incarnation: number, sinceMs = 0) {
  const verdict = { liveliness: 'dead', cause: 'killed', detail: 'SIGKILL', evidence: 'kernel' } as const
  return inheritedClaimant(rosterRow({ incarnation }), 0, { ...verdict, sinceMs, reliableFromMs: null })
}

t.test('an end is reported once, with the time since its detection', (t) => {
  const ends = new WorkerEnds(origin)
  ends.record(dead(1, 100))
  ends.record(dead(1, 200))
  t.ok(ends.hasChanges)
  t.match(ends.takeChanges(150), {
    ended: [{ workerId: 'w', incarnation: 1, bootId: 'b', cause: 'killed', detail: 'SIGKILL', endedForMs: 50 }],
    withdrawn: [],
  })
  ends.record(dead(1, 100))
  t.notOk(ends.hasChanges)
  t.end()
})

t.test('an end is withdrawn once its process proves alive or its retention has passed', (t) => {
  const ends = new WorkerEnds(origin)
  ends.record(dead(1))
  ends.withdraw({ workerId: 'w', incarnation: 1 })
  t.strictSame(ends.takeChanges(0), { ended: [], withdrawn: [] }, 'nothing was written')
  ends.record(dead(1))
  ends.record(dead(2, 10))
  ends.takeChanges(10)
  ends.withdraw({ workerId: 'w', incarnation: 1 })
  t.strictSame(ends.takeChanges(10), { ended: [], withdrawn: ['w/1'] })
  ends.expire(workerEndRetentionMs + 9)
  t.notOk(ends.hasChanges)
  ends.expire(workerEndRetentionMs + 10)
  t.strictSame(ends.takeChanges(workerEndRetentionMs + 10), { ended: [], withdrawn: ['w/2'] })
  t.equal(ends.size, 0)
  t.end()
})

t.test('an end that another server reported is not reported again', (t) => {
  const ends = new WorkerEnds(origin)
  const other = new WorkerEnds(origin)
  other.record(dead(1))
  for (const end of other.takeChanges(0).ended) ends.applyForeign(end, 0)
  t.equal(ends.size, 1)
  ends.record(dead(1))
  t.notOk(ends.hasChanges)
  t.end()
})

t.test('the number of ends is bounded; the oldest is dropped and counted', (t) => {
  const ends = new WorkerEnds(origin)
  for (let incarnation = 0; incarnation < maxWorkerEnds; incarnation++) ends.record(dead(incarnation))
  t.equal(ends.takeChanges(0).ended.length, maxWorkerEnds)
  ends.record(dead(maxWorkerEnds))
  t.match(ends.takeChanges(0), { ended: [{ incarnation: maxWorkerEnds }], withdrawn: ['w/0'] })
  t.equal(ends.dropped, 1)
  t.end()
})
