import t, { type Test } from 'tap'
import { openFleet } from '../../../../src/roles/fleet/fleet.js'
import { MemoryFleet } from '../../../../src/testing/memory-fleet.js'
import type { JobRecord } from '../../../../src/views/jobs/job-record.js'

async function openAll(t: Test) {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const worker = await memory.worker('w', { concurrency: 4, jobRetentionMs: 1_000 })
  const fleet = await memory.plane.settle(openFleet({ issuer: 'ada' }, { join: memory.join }))
  t.teardown(() => memory.plane.settle(fleet.close()))
  const changes: JobRecord[] = []
  fleet.onJob((record) => changes.push(record))
  const jobOf = (jobId: string, queue = '') => fleet.jobs.get({ queue, jobId })
  return { memory, worker, fleet, changes, jobOf }
}

t.test('a job that was begun reports its progress, joined, and its end, and then releases its slot', async (t) => {
  const { memory, worker, changes, jobOf } = await openAll(t)
  const job = await worker.begin('1', { queue: 'mail', attempt: 3 })
  t.equal(worker.inFlight, 1)
  t.match(job, { queue: 'mail', jobId: '1', attempt: 3, hasEnded: false })
  for (let done = 1; done <= 100; done++) job.progress(done / 200, `${done} of 200`)
  await memory.clock.advance(1_000)
  t.match(jobOf('1', 'mail'), {
    state: 'running',
    runs: [{ attempt: 3, workerId: 'w', progress: 0.5, note: '100 of 200' }],
  })
  t.ok(changes.length <= 3, `${changes.length} reports of 101`)
  job.complete('all sent')
  t.equal(worker.inFlight, 0)
  await memory.clock.advance(100)
  t.match(jobOf('1', 'mail'), { state: 'completed', runs: [{ progress: 1, note: 'all sent', durationMs: 1_000 }] })
  job.fail(new Error('too late'))
  job.progress(0.1)
  await memory.clock.advance(5_000)
  t.match(jobOf('1', 'mail'), { state: 'completed' }, 'the ledger keeps a job that the worker has disposed')
  t.equal(worker.participant.counters.get('worker.job-ended-again'), 1)
})

t.test('a failure tells whether a retry may help, and a retry numbers its attempt', async (t) => {
  const { memory, worker, jobOf } = await openAll(t)
  const job = await worker.begin('1')
  job.fail(new Error('out of ink'), { retryable: false })
  await memory.clock.advance(100)
  t.match(jobOf('1'), { state: 'failed', runs: [{ attempt: 1, error: 'out of ink', retryable: false }] })
  const again = await worker.begin('1')
  t.equal(again.attempt, 2)
  again.requestRetry({ afterMs: 5_000, reason: 'the printer is busy' })
  await memory.clock.advance(100)
  t.match(jobOf('1'), {
    state: 'failed',
    runs: [{ attempt: 2, error: 'the printer is busy', retryable: true, retryAfterMs: 5_000 }, { attempt: 1 }],
  })
  t.throws(() => again.progress(2), { code: 'NUMACAST_INVALID_ARGUMENT', message: /from 0 to 1/ })
  await t.rejects(worker.begin('2', { attempt: 0 }), { code: 'NUMACAST_INVALID_ARGUMENT', message: /attempt/ })
  t.equal(worker.inFlight, 0, 'a job that was refused leaves its slot')
})

t.test('a retry of a job that was only offered is no run', async (t) => {
  const { memory, worker, jobOf } = await openAll(t)
  worker.requestRetry('1', { reason: 'wrong shard' })
  await memory.clock.advance(100)
  t.match(jobOf('1'), { state: 'unstarted', runs: [{ error: 'wrong shard', retryAfterMs: 0 }] })
  worker.requestRetry('1', { reason: 'still the wrong shard' })
  await memory.clock.advance(100)
  t.match(jobOf('1'), { runs: [{ error: 'still the wrong shard', attempt: 1 }] })
})

t.test('work may report progress and another end than its own', async (t) => {
  const { memory, worker, jobOf } = await openAll(t)
  const result = await worker.run('1', (_signal, job) => {
    job.progress(0.5)
    job.requestRetry({ afterMs: 100 })
    return 42
  })
  t.equal(result, 42)
  await memory.clock.advance(100)
  t.match(jobOf('1'), { state: 'failed', runs: [{ retryAfterMs: 100, progress: 0.5 }] })
  t.equal(worker.completed, 0)
})

t.test(
  'a job that runs for longer than reports are kept is known to a late joiner, and lost with its worker',
  async (t) => {
    const { memory, worker, jobOf } = await openAll(t)
    await worker.begin('long')
    await memory.clock.advance(25 * 60_000)
    const late = await memory.plane.settle(openFleet({ issuer: 'bob' }, { join: memory.join }))
    t.match(late.jobs.get({ queue: '', jobId: 'long' }), { state: 'running' })
    memory.kill(worker)
    await memory.clock.advance(2_000)
    t.match(jobOf('long'), { state: 'lost', runs: [{ processEnd: { cause: 'killed', mayReassign: true } }] })
    t.match(late.jobs.get({ queue: '', jobId: 'long' }), { state: 'lost' })
    await memory.plane.settle(late.close())
    const later = await memory.plane.settle(openFleet({ issuer: 'eve' }, { join: memory.join }))
    t.match(later.jobs.get({ queue: '', jobId: 'long' }), { state: 'lost' }, 'a fleet that was opened after the death')
    await memory.plane.settle(later.close())
  },
)

t.test('the signal of a job aborts when its worker closes and the grace is over', async (t) => {
  const { memory, worker } = await openAll(t)
  const job = await worker.begin('1')
  const closing = worker.close({ graceMs: 100 })
  await memory.clock.advance(99)
  t.notOk(job.signal.aborted)
  await memory.clock.advance(2_000)
  t.ok(job.signal.aborted)
  await memory.plane.settle(closing)
  job.complete()
})

t.test('an invalid time to wait before a retry is refused, and the job goes on', async (t) => {
  const { worker } = await openAll(t)
  const job = await worker.begin('1')
  for (const afterMs of [-1, Number.NaN, Infinity]) {
    t.throws(
      () => job.requestRetry({ afterMs }),
      { code: 'NUMACAST_INVALID_ARGUMENT', message: /afterMs/ },
      `${afterMs}`,
    )
  }
  t.notOk(job.hasEnded)
  job.complete()
})

t.test('a job that throws a value without a text has failed', async (t) => {
  const { memory, worker, jobOf } = await openAll(t)
  const thrown: unknown = Object.create(null)
  await t.rejects(worker.run('1', () => Promise.reject(thrown)))
  await memory.clock.advance(500)
  t.match(jobOf('1'), { state: 'failed', runs: [{ error: 'a value without a text' }] })
  t.equal(worker.inFlight, 0)
})
