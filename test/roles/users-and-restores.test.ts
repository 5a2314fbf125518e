import t from 'tap'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import { MemoryKernel } from '../../src/testing/memory-kernel.js'
import type { LivelinessChange } from '../../src/views/status/liveliness-history.js'
import { deferred } from '../support/deferred.js'

t.setTimeout(120_000)

const alpha = memoryHost('alpha')
const beta = memoryHost('beta')
const aWhileMs = 4_000
/** Longer than any lease. */
const untilSilentMs = 30_000
/** Longer than a process takes to notice that it was restored. */
const untilNoticedMs = 1_200

t.test('a hidden process of another user that answers nothing exists, for an unknown reason', async (t) => {
  const cases = [
    { collector: 'ops', cause: 'unknown' },
    { collector: 'app', cause: 'stopped' },
    { collector: 'root', cause: 'stopped' },
  ]
  for (const { collector, cause } of cases) {
    const fleet = new MemoryFleet(1, { kernel: new MemoryKernel({ hidesProcesses: true }) })
    await fleet.collector({}, undefined, { user: collector })
    const worker = await fleet.worker('w', {}, { user: 'app' })
    const { view, leave } = await fleet.operator()
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(aWhileMs)
    const changes: LivelinessChange[] = []
    view.onChange((change) => {
      if (change.kind === 'liveliness') changes.push(change)
    })
    const { identity } = worker.participant
    fleet.plane.kernel?.setState(identity, 'T')
    fleet.cutOff(worker)
    await fleet.clock.advance(untilSilentMs)
    t.match(view.status().workers, [{ liveliness: 'stalled', cause, evidence: 'kernel' }], collector)
    fleet.plane.kernel?.setState(identity, 'S')
    fleet.reconnect(worker)
    await fleet.clock.advance(aWhileMs)
    t.match(view.status().workers, [{ liveliness: 'alive' }], collector)
    fleet.kill(worker)
    await fleet.clock.advance(aWhileMs)
    t.match(view.status().workers, [{ liveliness: 'dead', cause: 'killed', evidence: 'kernel' }], collector)
    t.equal(changes.filter(({ mayReassign }) => mayReassign).length, 1, `${collector}: one death`)
    await leave()
    await fleet.close()
  }
})

t.test('a collector that cannot compare start times declares no stopped worker dead', async (t) => {
  const fleet = new MemoryFleet(1, { kernel: new MemoryKernel() })
  await fleet.collector({}, undefined, { knowsTimeOffset: false })
  const worker = await fleet.worker('w')
  await fleet.clock.advance(aWhileMs)
  fleet.plane.kernel?.setState(worker.participant.identity, 'T')
  fleet.cutOff(worker)
  await fleet.clock.advance(untilSilentMs)
  const workers = await fleet.lateView((view) => view.status().workers)
  t.match(workers, [{ liveliness: 'stalled', cause: 'unknown' }])
  await fleet.close()
})

for (const { where, bootId } of [
  { where: 'on its host', bootId: alpha.bootId },
  { where: 'on another host', bootId: beta.bootId },
]) {
  t.test(`a worker that is restored from a checkpoint ${where} aborts its jobs and leaves`, async (t) => {
    const kernel = new MemoryKernel()
    const fleet = new MemoryFleet(1, { kernel })
    await fleet.collector({}, undefined, alpha)
    const worker = await fleet.worker('w', {}, alpha)
    const { view, leave } = await fleet.operator('operator', alpha)
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(aWhileMs)
    const job = deferred()
    let isAborted = false
    const running = worker.run('1', (signal) => {
      signal.addEventListener('abort', () => {
        isAborted = true
        job.resolve()
      })
      return job.promise
    })
    kernel.restore(worker.participant.identity, bootId)
    await fleet.clock.advance(100)
    t.match(view.status().workers, [{ liveliness: 'dead', cause: 'killed' }], 'the process that was watched has ended')
    await fleet.clock.advance(untilNoticedMs)
    t.equal(isAborted, true, 'its jobs may have been given to others')
    await running
    await fleet.plane.settle(worker.ended)
    t.equal(worker.participant.counters.snapshot()['participant.restored'], 1)
    t.match(worker.participant.restored.reason, { code: 'NUMACAST_UNAVAILABLE', message: /restored from a checkpoint/ })
    await fleet.worker('w', {}, beta)
    await fleet.collector({}, undefined, beta)
    await fleet.clock.advance(aWhileMs)
    t.match(view.status().workers, [{ liveliness: 'alive', bootId: beta.bootId }], 'a new process has the name')
    await leave()
    await fleet.close()
    t.equal(fleet.clock.pendingTimers, 0)
  })
}

t.test('a living worker is not dead because its collector finds no process of its pid', async (t) => {
  const kernel = new MemoryKernel()
  const fleet = new MemoryFleet(1, { kernel })
  const { view, leave } = await fleet.operator('operator', alpha)
  const worker = await fleet.worker('w', {}, alpha)
  await fleet.clock.advance(untilSilentMs)
  kernel.restore(worker.participant.identity, beta.bootId)
  const collector = await fleet.collector({}, undefined, alpha)
  await fleet.clock.advance(500)
  t.equal(collector.participant.counters.snapshot()['kernel-watch.skipped.no-process'], 1)
  t.match(view.status().workers, [{ liveliness: 'alive' }])
  await fleet.clock.advance(aWhileMs)
  t.match(view.status().workers, [{ liveliness: 'dead', cause: 'goodbye' }])
  await leave()
  await fleet.close()
})

t.test('a collector or a scheduler that is restored on another host declares no worker dead', async (t) => {
  for (const role of ['collector', 'scheduler'] as const) {
    const kernel = new MemoryKernel()
    const fleet = new MemoryFleet(1, { kernel })
    const server =
      role === 'collector' ? await fleet.collector({}, undefined, alpha) : await fleet.scheduler({}, undefined, alpha)
    const worker = await fleet.worker('w', {}, alpha)
    const { view, leave } = await fleet.operator('operator', alpha)
    await fleet.clock.advance(untilSilentMs)
    t.match(view.status().workers, [{ liveliness: 'alive' }], role)
    const dead: LivelinessChange[] = []
    view.onChange((change) => {
      if (change.kind === 'liveliness' && change.after.liveliness === 'dead') dead.push(change)
    })
    kernel.restore(server.participant.identity, beta.bootId)
    // For longer than it takes to find the worker overdue, so that the kernel is asked about it.
    fleet.cutOff(worker)
    await fleet.clock.advance(3_000)
    fleet.reconnect(worker)
    await fleet.plane.settle(Promise.resolve(server.ended))
    await fleet.collector({}, undefined, alpha)
    await fleet.clock.advance(untilSilentMs)
    t.strictSame(dead, [], role)
    t.match(view.status().workers, [{ liveliness: 'alive' }], role)
    await leave()
    await fleet.close()
  }
})
