import t from 'tap'
import { type Fleet, openFleet, type WorkerDeath } from '../../../src/roles/fleet/fleet.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import { deferred } from '../../support/deferred.js'

const gone = { code: 'NUMACAST_UNAVAILABLE' }

async function open(memory: MemoryFleet): Promise<Fleet> {
  return memory.plane.settle(openFleet({ issuer: 'ada' }, { join: memory.join }))
}

t.test('a fleet lists workers, drains one until its job has ended, and resumes it', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  await memory.scheduler()
  const worker = await memory.worker('w1')
  const fleet = await open(memory)
  t.teardown(() => memory.plane.settle(fleet.close()))
  t.same(
    fleet.workers().map(({ workerId }) => workerId),
    ['w1'],
  )
  t.equal(fleet.nodes().length, 1)
  t.equal(fleet.witness().degradedMode, 'healthy')

  const job = deferred()
  const running = worker.run('j1', () => job.promise)
  let isDrained = false
  const draining = fleet.drain('w1', { reason: 'upgrade' }).then((result) => {
    isDrained = true
    return result
  })
  await memory.clock.advance(1_000)
  t.notOk(isDrained, 'the drain waits for its job')
  job.resolve()
  t.match(await memory.plane.settle(draining), { workerId: 'w1', transition: 'completed' })
  await running
  t.equal(fleet.worker('w1')?.state, 'draining')

  t.match(await memory.plane.settle(fleet.resume('w1')), { workerId: 'w1', transition: 'completed' })
})

t.test('a drain whose jobs outlast the deadline resolves as aborted', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const worker = await memory.worker('w1')
  const fleet = await open(memory)
  t.teardown(() => memory.plane.settle(fleet.close()))
  const job = deferred()
  const running = worker.run('j1', () => job.promise)
  t.match(await memory.plane.settle(fleet.drain('w1', { deadlineMs: 500 })), { transition: 'aborted' })
  job.resolve()
  await running
})

t.test('deaths() yields each death with its running jobs, and ends on abort and on close', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const worker = await memory.worker('w1', { concurrency: 2 })
  const other = await memory.worker('w2')
  const fleet = await open(memory)
  t.teardown(() => memory.plane.settle(fleet.close()))
  const job = deferred()
  void worker.run('lost', () => job.promise).catch(() => undefined)
  await memory.plane.settle(worker.run('done', async () => undefined))
  await memory.clock.advance(1_000)

  const deaths: WorkerDeath[] = []
  const stop = new AbortController()
  const collecting = (async () => {
    for await (const death of fleet.deaths({ signal: stop.signal })) deaths.push(death)
  })()
  memory.kill(worker)
  await memory.clock.advance(1_000)
  t.match(deaths, [{ workerId: 'w1', mayReassign: true, after: { cause: 'killed' } }])
  t.same(
    deaths[0]?.jobs.map(({ jobId }) => jobId),
    ['lost'],
  )
  stop.abort()
  await collecting

  const untilClosed = (async () => {
    for await (const _ of fleet.deaths());
  })()
  await memory.plane.settle(fleet.close())
  await untilClosed
  await fleet.ended
  t.equal(other.workerId, 'w2')
})

t.test('a command to a dead or unknown worker is refused; a worker that dies meanwhile ends the wait', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  await memory.collector()
  const worker = await memory.worker('w1')
  const fleet = await open(memory)
  t.teardown(() => memory.plane.settle(fleet.close()))
  await t.rejects(fleet.drain('absent'), { code: 'NUMACAST_NOT_FOUND', message: /no worker absent.*w1/ })

  const job = deferred()
  void worker.run('j1', () => job.promise).catch(() => undefined)
  const draining = fleet.drain('w1')
  const refused = t.rejects(draining, gone)
  await memory.clock.advance(500)
  memory.kill(worker)
  await memory.plane.settle(refused)
  await t.rejects(fleet.drain('w1'), gone)
  await t.rejects(fleet.resume('w1'), gone)
})

t.test('without a plane openFleet waits, and rejects with the reason of its signal', async (t) => {
  const memory = new MemoryFleet()
  t.teardown(() => memory.close())
  const stop = new AbortController()
  const opening = openFleet({ signal: stop.signal }, { join: memory.join })
  const rejected = t.rejects(opening, { message: 'enough' })
  await memory.clock.advance(5_000)
  stop.abort(new Error('enough'))
  await memory.plane.settle(rejected)
})
