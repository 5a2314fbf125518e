import t from 'tap'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import type { LivelinessChange } from '../../src/views/status/liveliness-history.js'
import { deferred } from '../support/deferred.js'

t.setTimeout(120_000)

const aWhileMs = 4_000

t.test('of two live workers of one name the later takes it; the other stands by and regains it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const first = await fleet.worker('w')
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(aWhileMs)
  const changes: LivelinessChange[] = []
  view.onChange((change) => {
    if (change.kind === 'liveliness') changes.push(change)
  })
  const told: (number | null)[] = []
  first.onReplaced((by) => told.push(by?.pid ?? null))
  const job = deferred()
  const running = first.run('1', () => job.promise)

  const second = await fleet.worker('w')
  const [pidOne, pidTwo] = [first, second].map(({ participant }) => participant.identity.pid)
  await fleet.clock.advance(1_000)
  t.strictSame(told, [pidTwo])
  t.match(first.replacedBy, { workerId: 'w', pid: pidTwo })
  t.match(first.admission, { open: false, reason: `replaced: pid ${pidTwo} on memory/0 is w now` })
  t.equal(second.replacedBy, null)
  t.equal(second.admission.open, true)
  t.match(view.status().workers, [{ pid: pidTwo, liveliness: 'alive', state: 'available', probationMs: /^2\d{4}/ }])
  t.match(changes.splice(0), [
    {
      pid: pidOne,
      before: { liveliness: 'alive' },
      after: { liveliness: 'dead', cause: 'replaced' },
      mayReassign: false,
    },
    { pid: pidTwo, before: null, after: { liveliness: 'alive' }, mayReassign: false },
  ])
  job.resolve()
  await running

  fleet.kill(second)
  await fleet.clock.advance(1_000)
  t.strictSame(told, [pidTwo, null])
  t.equal(first.admission.open, true)
  t.match(view.status().workers, [{ pid: pidOne, liveliness: 'alive', state: 'available', jobsCompleted: 1 }])
  t.match(changes.splice(0), [
    { pid: pidTwo, before: { liveliness: 'alive' }, after: { liveliness: 'dead', cause: 'killed' }, mayReassign: true },
    { pid: pidOne, before: { liveliness: 'dead', cause: 'replaced' }, after: { liveliness: 'alive' } },
  ])
  await leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('the stronger claim wins in either order of joining; the loser may close instead of standing by', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const strong = await fleet.worker('w', { ownershipStrength: 2 })
  await fleet.clock.advance(aWhileMs)
  const weak = await fleet.worker('w', { ownershipStrength: 1, whenReplaced: 'close' })
  await fleet.clock.advance(aWhileMs)
  t.equal(strong.replacedBy, null)
  await t.rejects(weak.slot(), { code: 'NUMACAST_CLOSED' })
  await fleet.plane.settle(weak.close())
  await fleet.clock.advance(aWhileMs)
  const seen = await fleet.lateView((view) => view.status().workers)
  t.match(seen, [{ pid: strong.participant.identity.pid, liveliness: 'alive', state: 'available' }])
  await fleet.close()
})

t.test('a worker that restarts on another node replaces the old one; a late joiner sees the same', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({ numaNode: 0 })
  await fleet.collector({ numaNode: 1 })
  const old = await fleet.worker('w', { numaNode: 0 })
  await fleet.clock.advance(aWhileMs)
  const now = await fleet.worker('w', { numaNode: 1 })
  await fleet.clock.advance(8_000)
  t.match(old.replacedBy, { numaNode: 1, pid: now.participant.identity.pid })
  t.equal(now.replacedBy, null)
  const seen = await fleet.lateView((view) => view.status().workers)
  t.match(seen, [{ numaNode: 1, pid: now.participant.identity.pid, liveliness: 'alive' }])
  await fleet.plane.settle(now.close())
  await fleet.clock.advance(20_000)
  t.equal(old.replacedBy, null)
  t.match(await fleet.lateView((view) => view.status().workers), [{ numaNode: 0, liveliness: 'alive' }])
  await fleet.close()
})

t.test('a restarted collector settles a contest of names that it finds', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const first = await fleet.worker('w')
  const second = await fleet.worker('w')
  await fleet.clock.advance(aWhileMs)
  t.not(first.replacedBy, null)
  fleet.kill(collector)
  await fleet.clock.advance(1_000)
  t.not(first.replacedBy, null, 'silence of the other does not return the name')
  fleet.kill(second)
  await fleet.clock.advance(5_000)
  t.not(first.replacedBy, null, 'no collector is there to report that the other has gone')
  await fleet.collector()
  await fleet.clock.advance(aWhileMs)
  t.equal(first.replacedBy, null)
  t.equal(first.admission.open, true)
  await fleet.close()
})

t.test('deaths() yields each death once, earlier deaths included', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(aWhileMs)
  fleet.kill(a)
  await fleet.clock.advance(100)
  const stop = new AbortController()
  const deaths: unknown[] = []
  const reading = (async () => {
    for await (const { workerId, after, mayReassign } of view.deaths({ signal: stop.signal })) {
      deaths.push([workerId, after.cause, mayReassign])
    }
  })()
  await fleet.clock.advance(10)
  fleet.kill(b, { cause: 'exited', exitCode: 3, signal: null })
  await fleet.clock.advance(100)
  t.strictSame(deaths, [
    ['a', 'killed', true],
    ['b', 'exited', true],
  ])
  stop.abort()
  await reading
  await leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test(
  'an unreachable worker becomes dead after the time in the scheduler’s policy, and never without a policy',
  async (t) => {
    const fleet = new MemoryFleet()
    const collector = await fleet.collector()
    const patient = await fleet.scheduler({ adopts: false })
    const impatient = await fleet.scheduler({ adopts: false, unreachableDeadAfterMs: 10_000 })
    await fleet.worker('w')
    await fleet.clock.advance(aWhileMs)
    const changes: LivelinessChange[] = []
    impatient.view.onChange((change) => {
      if (change.kind === 'liveliness') changes.push(change)
    })
    fleet.kill(collector)
    await fleet.clock.advance(30_000)
    t.match(patient.view.status().workers, [{ liveliness: 'unreachable' }])
    t.match(impatient.view.status().workers, [{ liveliness: 'dead', cause: 'unserved' }])
    await fleet.collector()
    await fleet.clock.advance(aWhileMs)
    t.match(impatient.view.status().workers, [{ liveliness: 'alive' }])
    t.match(
      changes.map(({ before, after, mayReassign }) => [before?.liveliness, after.liveliness, mayReassign]),
      [
        ['alive', 'unreachable', false],
        ['unreachable', 'dead', true],
        ['dead', 'alive', false],
      ],
    )
    await t.rejects(fleet.scheduler({ unreachableDeadAfterMs: -1 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
    await fleet.close()
  },
)

t.test('when forty workers restart at once their rows are batched and each restart is reported', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const names = Array.from({ length: 40 }, (_, index) => `w${index}`)
  const old = await Promise.all(names.map((name) => fleet.worker(name)))
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(aWhileMs)
  const ends = new Map<string, string | null>()
  let nodes = 0
  view.onChange((change) => {
    if (change.kind === 'node') nodes++
    if (change.kind === 'liveliness' && change.mayReassign)
      ends.set(`${change.workerId} ${change.pid}`, change.after.cause)
  })
  for (const worker of old) fleet.kill(worker)
  await fleet.clock.advance(100)
  t.equal(ends.size, 40)
  t.strictSame([...new Set(ends.values())], ['killed'])
  t.ok(nodes <= 25, `${nodes} publications, one in five milliseconds at most`)
  await Promise.all(names.map((name) => fleet.worker(name)))
  await fleet.clock.advance(aWhileMs)
  t.equal(ends.size, 40, 'no other death')
  const { workers } = view.status()
  t.strictSame(new Set(workers.map(({ liveliness }) => liveliness)), new Set(['alive']))
  t.ok(workers.every(({ probationMs }) => probationMs > 0))
  await leave()
  await fleet.close()
})
