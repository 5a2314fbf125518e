import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { type Fleet, openFleet } from '../../../src/roles/fleet/fleet.js'
import type { FleetOptions } from '../../../src/roles/fleet/fleet-options.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { JobMissing } from '../../../src/views/jobs/job-ledger.js'

t.setTimeout(300_000)

/** Long enough for a worker to dispose the reports on jobs that have ended. */
const disposedAfterMs = 15_000

function open(memory: MemoryFleet, options: FleetOptions = {}): Promise<Fleet> {
  return memory.plane.settle(openFleet(options, { join: memory.join }))
}

t.test('a fleet that opens late learns of ended and lost jobs from the ledger of a scheduler', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const collector = await memory.collector()
  const scheduler = await memory.scheduler({ ledger: { retentionMs: 60_000 } })
  const worker = await memory.worker('w1', { concurrency: 2 })
  const other = await memory.worker('w2')
  const mail = await memory.plane.settle(worker.begin('done', { queue: 'mail', attempt: 2 }))
  mail.complete('100 sent')
  const broken = await memory.plane.settle(worker.begin('broken'))
  broken.fail(new Error('no route'), { retryable: true })
  await memory.plane.settle(other.begin('open'))
  await memory.clock.advance(1_000)
  memory.kill(other)
  await memory.clock.advance(disposedAfterMs)
  // What it relayed of the dead worker goes with it.
  memory.kill(collector)
  await memory.collector()
  await memory.clock.advance(5_000)
  t.match(scheduler.jobs.get({ queue: 'mail', jobId: 'done' }), { state: 'completed' })

  const late = await open(memory, { ledger: { retentionMs: 60_000 } })
  t.match(late.jobs.get({ queue: 'mail', jobId: 'done' }), {
    state: 'completed',
    runs: [{ workerId: 'w1', attempt: 2, note: '100 sent' }],
  })
  t.match(late.jobs.get({ queue: '', jobId: 'broken' }), {
    state: 'failed',
    runs: [{ error: 'no route', retryable: true }],
  })
  t.match(late.jobs.get({ queue: '', jobId: 'open' }), {
    state: 'lost',
    runs: [{ processEnd: { cause: 'killed', detail: 'SIGKILL', mayReassign: true } }],
  })
  await memory.clock.advance(50_000)
  t.equal(late.jobs.size, 0, 'the age of a job counts from its last report, not from the arrival of the copy')
  t.strictSame(late.jobs.evictions, { byCount: 0, byAge: 3 })
  await memory.plane.settle(late.close())
})

t.test('a scheduler that starts later takes over what the ledger of another holds', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const first = await memory.scheduler()
  const worker = await memory.worker('w1')
  await memory.plane.settle(worker.run('done', () => undefined))
  await memory.plane.settle(worker.begin('open'))
  await memory.clock.advance(1_000)
  memory.kill(worker)
  await memory.clock.advance(disposedAfterMs)
  const second = await memory.scheduler()
  await memory.clock.advance(2_000)
  memory.kill(first)
  await memory.clock.advance(10_000)

  t.same(
    second.jobs
      .list()
      .map(({ jobId, state }) => [jobId, state])
      .sort(),
    [
      ['done', 'completed'],
      ['open', 'lost'],
    ],
  )
  const late = await open(memory)
  t.equal(late.jobs.get({ queue: '', jobId: 'done' })?.state, 'completed')
  await memory.plane.settle(late.close())
})

t.test('a ledger that takes a job over does not prolong how long the job is held', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const options = { ledger: { retentionMs: 60_000 } }
  const first = await memory.scheduler(options)
  const worker = await memory.worker('w1')
  await memory.plane.settle(worker.run('done', () => undefined))
  const done = { queue: '', jobId: 'done' }
  // Each scheduler starts within the retention of what the last one has published.
  await memory.clock.advance(25_000)
  const second = await memory.scheduler(options)
  await memory.clock.advance(20_000)
  const third = await memory.scheduler(options)
  await memory.clock.advance(2_000)
  for (const { jobs } of [first, second, third]) t.equal(jobs.get(done)?.state, 'completed')
  await memory.clock.advance(30_000)
  for (const { jobs } of [first, second, third]) t.equal(jobs.whyMissing(done), JobMissing.evictedByAge)
})

t.test('a fleet that opens late can tell an evicted job from an unknown one', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const scheduler = await memory.scheduler({ ledger: { maxJobs: 2, retentionMs: 60_000 } })
  const worker = await memory.worker('w1')
  for (const jobId of ['a', 'b', 'c']) {
    await memory.plane.settle(worker.run(jobId, () => undefined))
    await memory.clock.advance(500)
  }
  await memory.clock.advance(disposedAfterMs)
  t.strictSame(scheduler.jobs.evictions, { byCount: 1, byAge: 0 })
  const late = await open(memory, { ledger: { retentionMs: 60_000 } })
  t.equal(late.jobs.whyMissing({ queue: '', jobId: 'a' }), JobMissing.evictedByCount)
  t.match(late.jobs.evictedWithId('a'), [{ queue: '', jobId: 'a', evicted: 'evicted-by-count' }])
  t.equal(late.jobs.whyMissing({ queue: '', jobId: 'd' }), JobMissing.unknown)
  t.equal(late.jobs.get({ queue: '', jobId: 'c' })?.state, 'completed')

  await memory.clock.advance(70_000)
  t.strictSame(scheduler.jobs.evictions, { byCount: 1, byAge: 2 })
  t.equal(late.jobs.whyMissing({ queue: '', jobId: 'c' }), JobMissing.evictedByAge)
  await memory.plane.settle(late.close())
})

t.test('an entry that cannot be written does not hold up those of other jobs', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const scheduler = await memory.scheduler()
  const worker = await memory.worker('w1', { concurrency: 3 })
  // Three bytes a character: the key of the report is short enough, and with the GUID of a scheduler it is too long.
  const long = { queue: '列'.repeat(84), jobId: '件'.repeat(256) }
  await memory.plane.settle(worker.run('a', () => undefined))
  await memory.clock.advance(50)
  // Both are published together, after the interval that began with the first.
  await memory.plane.settle(worker.run(long.jobId, () => undefined, { queue: long.queue }))
  await memory.plane.settle(worker.run('b', () => undefined))
  await memory.clock.advance(disposedAfterMs)
  t.equal(scheduler.jobs.get(long)?.state, 'completed')
  t.ok(scheduler.participant.counters.get('scheduler.ledger-publish-failed') >= 1)
  const late = await open(memory)
  for (const jobId of ['a', 'b']) t.equal(late.jobs.get({ queue: '', jobId })?.state, 'completed')
  await memory.plane.settle(late.close())
})

/** Workers end jobs in every way while datagrams are lost, repeated and reordered. */
for (const seed of [1, 2, 3, 4]) {
  t.test(`no ledger loses the end of a job to lost, repeated and reordered reports (seed ${seed})`, async (t) => {
    const faults = { lossRatio: 0.25, duplicateRatio: 0.25, minDelayMs: 0, maxDelayMs: 60 }
    const memory = new MemoryFleet(seed, { faults })
    t.teardown(() => memory.close())
    const random = seededRandom(seed)
    await memory.collector()
    const schedulers = [await memory.scheduler(), await memory.scheduler()]
    const early = await open(memory)
    const workers = [await memory.worker('a', { concurrency: 8 }), await memory.worker('b', { concurrency: 8 })]
    const expected = new Map<string, string>()
    for (let number = 0; number < 40; number++) {
      const jobId = `job-${number}`
      const worker = workers[number % 2]
      const job = await memory.plane.settle(
        worker?.begin(jobId, { queue: random() < 0.5 ? 'q' : '' }) ?? Promise.reject(),
      )
      if (random() < 0.5) job.progress(random())
      await memory.clock.advance(Math.floor(random() * 200))
      if (random() < 0.5) job.complete('well')
      else job.fail(new Error('badly'))
      expected.set(`${job.queue} ${jobId}`, job.report.state)
    }
    // Less than the time for which a worker repeats the end of a job, and enough for repair.
    await memory.clock.advance(8_000)
    memory.kill(workers[0] as (typeof workers)[number])
    await memory.clock.advance(disposedAfterMs)
    const late = await open(memory)
    for (const { jobs } of [...schedulers, early, late]) {
      const states = jobs.list().map(({ queue, jobId, state }): [string, string] => [`${queue} ${jobId}`, state])
      t.same(new Map(states), expected)
    }
    for (const fleet of [early, late]) await memory.plane.settle(fleet.close())
  })
}
