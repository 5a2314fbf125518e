import t from 'tap'
import { concurrencyLimit, maintenanceMode, priorityWeights } from '../../../src/plane/intents/config.js'
import { planePartition } from '../../../src/plane/vocabulary/partitions.js'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import { jobLifecycle } from '../../../src/plane/worker/job-lifecycle.js'
import { Worker } from '../../../src/roles/worker/worker.js'
import type { WorkerOptions } from '../../../src/roles/worker/worker-options.js'
import { idleWorker } from '../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { deferred } from '../../support/deferred.js'

t.setTimeout(300_000)

t.test('a worker runs jobs, counts them, and rethrows their errors', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  t.equal(await worker.run('1', () => 42), 42)
  const job = deferred()
  const running = worker.run('2', () => job.promise)
  t.equal(worker.inFlight, 1)
  await t.rejects(
    worker.run('2', () => 1),
    { code: 'NUMACAST_INVALID_ARGUMENT', message: /job 2 is in flight/ },
  )
  await t.rejects(
    worker.run('', () => 1),
    { code: 'NUMACAST_INVALID_ARGUMENT' },
  )
  const tooLong = 'q'.repeat(257)
  await t.rejects(
    worker.run('4', () => 1, { queue: tooLong }),
    { code: 'NUMACAST_INVALID_ARGUMENT' },
  )
  t.throws(() => worker.requestRetry('4', { reason: '', afterMs: -1 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.equal(worker.inFlight, 1, 'a refused job is not in flight')
  job.reject(new Error('out of ink'))
  await t.rejects(running, { message: 'out of ink' })
  await t.rejects(
    worker.run('3', () => Promise.reject('a string')),
    'anything may be thrown',
  )
  t.equal(worker.inFlight, 0)
  await fleet.close()
})

t.test('every job that ends, in any way, is progress that its collector sees', async (t) => {
  const fleet = new MemoryFleet()
  const { participant } = await fleet.collector()
  const worker = await fleet.worker('w')
  const seen = () => participant.peer(worker.participant.guid)
  await fleet.clock.advance(2_000)
  t.match(seen(), { progress: 0, progressedMs: null })
  const job = deferred()
  const running = worker.run('1', () => job.promise)
  await fleet.clock.advance(2_000)
  t.equal(seen()?.progress, 0, 'a job that has begun is not progress')
  job.resolve()
  await running
  const endedMs = fleet.clock.nowMs()
  await fleet.clock.advance(2_000)
  t.equal(seen()?.progress, 1)
  t.ok((seen()?.progressedMs ?? 0) >= endedMs, 'the time of the last progress')
  await t.rejects(worker.run('2', () => Promise.reject(new Error('out of ink'))))
  await worker.run('3', () => 1)
  await fleet.clock.advance(2_000)
  t.equal(seen()?.progress, 3)
  await fleet.close()
})

t.test('each job’s start, end and retry is published, and forgotten after its retention', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { jobRetentionMs: 5_000 })
  const { view, leave } = await fleet.operator()
  const jobs = view.participant.reader(jobLifecycle, { partition: planePartition })
  await fleet.plane.settle(jobs.synced())
  const job = deferred()
  const running = worker.run('1', () => job.promise, { queue: 'q' })
  await fleet.clock.advance(100)
  t.match(jobs.get('q/1')?.value, { workerId: 'w', queue: 'q', event: 'started', durationMs: null })
  job.resolve()
  await running
  await t.rejects(worker.run('2', () => Promise.reject(new Error('x'.repeat(2_000)))))
  worker.requestRetry('3', { reason: 'lost the lock', afterMs: 500, queue: 'q' })
  await fleet.clock.advance(100)
  t.match(jobs.get('q/1')?.value, { event: 'completed', durationMs: 100, error: null })
  t.match(jobs.get('/2')?.value, { event: 'failed', error: /^x{511}…$/ })
  t.match(jobs.get('q/3')?.value, { event: 'retry-requested', error: 'lost the lock', retryAfterMs: 500 })
  await fleet.clock.advance(7_000)
  t.strictSame([...jobs.entries()], [])
  await leave()
  await fleet.close()
})

t.test('slots are granted up to the concurrency, in order of asking, with or without a plane', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w', { concurrency: 2 })
  const jobs = [deferred(), deferred(), deferred()]
  const started: number[] = []
  const all = jobs.map(async (job, index) => {
    const slot = await worker.slot()
    started.push(index)
    await slot.run(`${index}`, () => job.promise)
  })
  await fleet.clock.advance(100)
  t.strictSame(started, [0, 1])
  t.match(worker.admission, { open: false, reason: /limit of 2/ })
  jobs[1]?.resolve()
  await fleet.clock.advance(100)
  t.strictSame(started, [0, 1, 2])
  for (const job of jobs) job.resolve()
  await fleet.plane.settle(Promise.all(all))
  await fleet.close()
})

t.test('listeners are called when admission opens, closes, and closes for another reason', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const reasons: (string | null)[] = []
  const subscription = worker.onAdmission(({ reason }) => reasons.push(reason))
  worker.onAdmission(() => {
    throw new Error('a broken listener')
  })
  worker.declareUnhealthy('no gpu')
  worker.declareUnhealthy('no gpu')
  worker.declareUnhealthy('no disk')
  worker.declareHealthy()
  subscription.close()
  worker.declareUnhealthy('unknownInstance')
  t.strictSame(reasons, ['unhealthy: no gpu', 'unhealthy: no disk', null])
  t.equal(worker.participant.counters.get('worker.listener-threw'), 4)
  await fleet.close()
})

t.test('a worker obeys the tightest limit in scope, maintenance and weights until they are disposed', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 8 })
  const { view, leave } = await fleet.operator()
  const { participant } = view
  const partition = planePartition
  const limits = participant.writer(concurrencyLimit, { partition })
  const maintenance = participant.writer(maintenanceMode, { partition })
  const weights = participant.writer(priorityWeights, { partition })
  limits.write({ scope: 'all', reason: '', maxInFlight: 4 })
  limits.write({ scope: nodeTarget({ bootId: 'boot', numaNode: 0 }), reason: '', maxInFlight: 2 })
  limits.write({ scope: 'another worker', reason: '', maxInFlight: 1 })
  weights.write({ scope: 'w', reason: '', weights: { q: 5 } })
  weights.write({ scope: 'all', reason: '', weights: { q: 1, r: 2 } })
  await fleet.clock.advance(2_000)
  t.equal(worker.concurrency, 2)
  t.strictSame(worker.priorityWeights, { q: 5, r: 2 })
  maintenance.write({ scope: 'w', reason: 'new disk', enabled: true })
  await fleet.clock.advance(200)
  t.strictSame(worker.admission, { open: false, code: 'maintenance', reason: 'maintenance: new disk' })
  maintenance.write({ scope: 'w', reason: 'new disk', enabled: false })
  limits.dispose(nodeTarget({ bootId: 'boot', numaNode: 0 }))
  await fleet.clock.advance(200)
  t.equal(worker.admission.open, true)
  t.equal(worker.concurrency, 4)
  await leave()
  await fleet.close()
})

t.test('a throttled queue waits, others do not; a rebalance lowers the limit; shards are advisory', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 4, queues: ['q', 'r'] })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.apply('throttle-queue', 'q', { maxInFlight: 1 })
  issuer.apply('prefer-shard', 'w', { shards: ['s1', 's2'] })
  await fleet.clock.advance(200)
  t.strictSame(worker.preferredShards, ['s1', 's2'])
  const job = deferred()
  const running = worker.run('1', () => job.promise, { queue: 'q' })
  let isGranted = false
  const waiting = worker.slot({ queue: 'q' }).then((slot) => {
    isGranted = true
    slot.release()
  })
  const other = await worker.slot({ queue: 'r' })
  await fleet.clock.advance(200)
  t.equal(isGranted, false)
  other.release()
  issuer.apply('rebalance', nodeTarget({ bootId: 'boot', numaNode: 0 }), { maxInFlight: 1 })
  await fleet.clock.advance(200)
  t.match(worker.admission, { open: false, reason: /limit of 1/ })
  job.resolve()
  await running
  await fleet.plane.settle(waiting)
  await leave()
  await fleet.close()
})

t.test('close lets jobs end, then aborts them, then leaves without them', async (t) => {
  const fleet = new MemoryFleet()
  const obedient = await fleet.worker('obedient')
  let aborted = false
  const running = obedient.run('1', (signal) => {
    return new Promise<void>((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true
        reject(signal.reason)
      })
    })
  })
  const waiting = obedient.slot()
  const closing = obedient.close({ graceMs: 500 })
  await t.rejects(waiting, { code: 'NUMACAST_CLOSED' })
  await t.rejects(obedient.slot(), { code: 'NUMACAST_CLOSED' })
  await t.rejects(
    obedient.run('2', () => 1),
    { code: 'NUMACAST_CLOSED' },
  )
  await fleet.clock.advance(499)
  t.equal(aborted, false)
  const ending = t.rejects(running, { code: 'NUMACAST_CLOSED' })
  await fleet.plane.settle(closing)
  await ending
  t.equal(aborted, true)
  await obedient.close()

  const stubborn = await fleet.worker('stubborn')
  const late = deferred<string>()
  const outlasting = stubborn.run('1', () => late.promise)
  await fleet.plane.settle(stubborn.close({ graceMs: 100 }))
  late.resolve('done after all')
  t.equal(await outlasting, 'done after all')
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a job that ends in time closes the worker in time', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const job = deferred()
  const running = worker.run('1', (signal) => job.promise.then(() => signal.aborted))
  const closing = worker.close()
  await fleet.clock.advance(1_000)
  job.resolve()
  t.equal(await running, false)
  await fleet.plane.settle(closing)
  await fleet.close()
})

t.test('worker.state goes out at a bounded rate, however many jobs run', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('w')
  await fleet.clock.advance(1_000)
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  let rows = 0
  view.onChange(({ kind }) => {
    if (kind === 'worker') rows++
  })
  for (let index = 0; index < 400; index++) {
    await worker.run(`${index}`, () => undefined)
    await fleet.clock.advance(5)
  }
  t.ok(rows >= 10 && rows <= 25, `${rows} rows in two seconds`)
  t.match(view.status().workers, [{ jobsCompleted: /^3[89]\d$|^400$/ }])
  t.equal(collector.workers, 1)
  await leave()
  await fleet.close()
})

t.test('an invalid option is refused with its name', async (t) => {
  const bad: readonly [Partial<WorkerOptions>, RegExp][] = [
    [{ workerId: '' }, /workerId: must be a text of 1 to 256 characters/],
    [{ concurrency: 0 }, /concurrency/],
    [{ concurrency: 1.5 }, /concurrency/],
    [{ numaNode: -1 }, /numaNode/],
    [{ stateIntervalMs: 0 }, /stateIntervalMs/],
    [{ tags: Array(65).fill('t') }, /tags/],
    [{ labels: { zone: 5 as unknown as string } }, /labels.zone/],
  ]
  for (const [options, message] of bad) {
    await t.rejects(Worker.start({ workerId: 'w', ...options }), { code: 'NUMACAST_INVALID_ARGUMENT', message })
  }
})

t.test('a role survives when the owner of its participant closes it first', async (t) => {
  const fleet = new MemoryFleet()
  const participant = await fleet.plane.join('shared')
  const worker = await fleet.plane.settle(
    Worker.start({ workerId: 'w', numaNode: 0 }, { participant, readings: { read: () => idleWorker, close() {} } }),
  )
  await fleet.clock.advance(1_000)
  await fleet.plane.settle(participant.close())
  t.equal(await worker.run('1', () => 42), 42)
  await fleet.clock.advance(10_000)
  t.ok(participant.counters.get('worker.publish-failed.NUMACAST_CLOSED') > 0)
  await fleet.plane.settle(worker.close())
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('roles may share a participant, which they leave open', async (t) => {
  const fleet = new MemoryFleet()
  const participant = await fleet.plane.join('shared')
  const readings = { read: () => idleWorker, close() {} }
  const one = await fleet.plane.settle(Worker.start({ workerId: 'one', numaNode: 0 }, { participant, readings }))
  const two = await fleet.plane.settle(Worker.start({ workerId: 'two', numaNode: 0 }, { participant, readings }))
  await fleet.collector()
  await fleet.clock.advance(1_000)
  t.match(await fleet.lateView((view) => view.status().workers.map(({ workerId }) => workerId)), ['one', 'two'])
  await fleet.plane.settle(one.close())
  t.equal(await two.run('1', () => 1), 1)
  await fleet.clock.advance(500)
  t.match(await fleet.lateView((view) => view.status().workers[1]), { workerId: 'two', jobsCompleted: 1 })
  await fleet.plane.settle(two.close())
  await fleet.plane.settle(participant.close())
  await fleet.close()
})

t.test('a worker whose transport fails to close still ends, and its error is counted', async (t) => {
  const fleet = new MemoryFleet()
  const participant = await fleet.plane.join('w')
  const stop = new AbortController()
  const join = async (): Promise<typeof participant> =>
    new Proxy(participant, {
      get: (target, name) => {
        if (name === 'close') return () => Promise.reject(new Error('the socket is stuck'))
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  const readings = { read: () => idleWorker, close() {} }
  const starting = Worker.start({ workerId: 'w', numaNode: 0, signal: stop.signal }, { join, readings })
  const worker = await fleet.plane.settle(starting)
  stop.abort()
  await fleet.plane.settle(worker.ended)
  t.equal(participant.counters.get('worker.close-failed'), 1)
  await t.rejects(worker.close(), { message: 'the socket is stuck' })
  await fleet.plane.settle(participant.close())
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a worker reports when no collector serves it, and when a collector does', async (t) => {
  const fleet = new MemoryFleet()
  const worker = await fleet.worker('w')
  const told: boolean[] = []
  worker.onUnserved((unserved) => told.push(unserved))
  t.equal(worker.unserved, false, 'a collector may still come')
  await fleet.clock.advance(10_000)
  t.equal(worker.unserved, true)
  await fleet.collector()
  await fleet.clock.advance(5_000)
  t.equal(worker.unserved, false)
  t.strictSame(told, [true, false])
  await fleet.close()
})

t.test('a signal closes the worker; a signal that is already aborted keeps it from starting', async (t) => {
  const fleet = new MemoryFleet()
  const stop = new AbortController()
  const worker = await fleet.worker('w', { signal: stop.signal })
  stop.abort()
  await fleet.plane.settle(worker.ended)
  await t.rejects(worker.slot(), { code: 'NUMACAST_CLOSED' })
  await t.rejects(Worker.start({ workerId: 'v', signal: AbortSignal.abort(new Error('too late')) }), {
    message: 'too late',
  })
  await fleet.close()
})

t.test('an infinite duration is accepted where it has a meaning, and refused elsewhere', async (t) => {
  const fleet = new MemoryFleet()
  const forever = { capacityIntervalMs: Infinity, stateRefreshMs: Infinity, jobRetentionMs: Infinity }
  const worker = await fleet.worker('w', forever)
  await worker.run('1', () => 1)
  await fleet.clock.advance(60_000)
  t.equal(worker.completed, 1)
  for (const option of ['stateIntervalMs', 'stateRefreshMs', 'capacityIntervalMs', 'jobRetentionMs']) {
    for (const ms of [Number.NaN, -1, 0, ...(option === 'stateIntervalMs' ? [Infinity, 2 ** 31] : [])]) {
      await t.rejects(Worker.start({ workerId: 'w', [option]: ms }), {
        code: 'NUMACAST_INVALID_ARGUMENT',
        message: new RegExp(option),
      })
    }
  }
  await fleet.close()
})
