import t from 'tap'
import type { WorkerEnd } from '../../../src/plane/worker/worker-end.js'
import { EndRecords } from '../../../src/views/rows/end-records.js'
import { sampleOf } from '../samples.js'

const end: WorkerEnd = {
  workerId: 'w',
  incarnation: 1,
  pid: 10,
  bootId: 'b',
  host: 'h',
  numaNode: 0,
  cause: 'killed',
  detail: null,
  evidence: 'kernel',
  endedForMs: 20,
}

t.test('an end is added once, outlives its writer, and is removed by disposal or after its retention', (t) => {
  const records = new EndRecords()
  t.match(records.apply(sampleOf('w/1', end, { atMs: 100 })), { kind: 'added', end: { pid: 10 } })
  t.equal(records.apply(sampleOf('w/1', { ...end, cause: 'exited' as const }, { writer: 'b' })), undefined)
  t.match(records.get({ workerId: 'w', incarnation: 1 }), { endedMs: 80, end: { cause: 'killed' } })
  t.equal(records.apply(sampleOf('w/1', end, { state: 'no-writers' })), undefined)
  t.equal(records.size, 1)
  t.match(records.apply(sampleOf<WorkerEnd>('w/1', undefined)), { kind: 'removed', end: { pid: 10 } })
  t.equal(records.apply(sampleOf<WorkerEnd>('w/1', undefined)), undefined)
  records.apply(sampleOf('w/1', end, { atMs: 100 }))
  t.strictSame(records.expire(1_079, 1_000), [])
  t.match(records.expire(1_080, 1_000), [{ workerId: 'w' }])
  t.equal(records.size, 0)
  t.end()
})
