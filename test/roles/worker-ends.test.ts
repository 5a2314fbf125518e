import t from 'tap'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import type { LivelinessChange } from '../../src/views/status/liveliness-history.js'

t.setTimeout(240_000)

const untilSettledMs = 4_000

t.test('of three processes of one name the end of the first allows reassigning its jobs', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const first = await fleet.worker('w')
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(untilSettledMs)
  const second = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  const third = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  const [pidOne, pidTwo, pidThree] = [first, second, third].map(({ participant }) => participant.identity.pid)
  const changes: LivelinessChange[] = []
  view.onChange((change) => {
    if (change.kind === 'liveliness') changes.push(change)
  })
  fleet.kill(first)
  await fleet.clock.advance(1_000)
  t.match(changes.splice(0), [{ pid: pidOne, after: { cause: 'killed', detail: 'SIGKILL' }, mayReassign: true }])
  t.match(view.status().workers, [{ pid: pidThree, liveliness: 'alive' }])
  t.match(view.fate('w', first.participant.incarnation), { fate: 'dead', cause: 'killed', evidence: 'kernel' })
  t.match(view.fate('w', second.participant.incarnation), { fate: 'alive' })
  t.match(view.fate('w', third.participant.incarnation), { fate: 'alive' })
  fleet.kill(second)
  await fleet.clock.advance(1_000)
  t.match(changes, [{ pid: pidTwo, mayReassign: true }])
  await leave()
  await fleet.close()
})

t.test('a view that joins after the name was taken again reads the end of the earlier process', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const first = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  fleet.kill(first)
  await fleet.clock.advance(500)
  const second = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  fleet.kill(second, { cause: 'exited', exitCode: 3, signal: null })
  await fleet.clock.advance(500)
  const third = await fleet.worker('w')
  await fleet.clock.advance(60_000)

  const { view, leave } = await fleet.operator('late')
  await fleet.plane.settle(view.synced())
  const incarnations = [first, second, third].map(({ participant }) => participant.incarnation)
  const [one = 0, two = 0, three = 0] = incarnations
  t.match(view.fate('w', one), { fate: 'dead', cause: 'killed', detail: 'SIGKILL', deadForMs: /^6\d{4}$/ })
  t.match(view.fate('w', two), { fate: 'dead', cause: 'exited', detail: 'exit code 3' })
  t.strictSame(view.fate('w', three), { fate: 'alive', liveliness: 'alive' })
  t.strictSame(view.fate('w', 1), { fate: 'unknown', reason: 'no-record' }, 'absence is not a death')
  t.strictSame(view.fate('x', one), { fate: 'unknown', reason: 'no-record' })
  const stop = new AbortController()
  const deaths: unknown[] = []
  const reading = (async () => {
    for await (const { incarnation, mayReassign } of view.deaths({ signal: stop.signal })) {
      deaths.push([incarnation, mayReassign])
    }
  })()
  await fleet.clock.advance(10)
  t.strictSame(deaths, [
    [one, true],
    [two, true],
  ])
  stop.abort()
  await reading
  await leave()
  await fleet.close()
})

t.test('ends outlive the collector that detected them; its successor and a scheduler keep them', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ numaNode: 0 })
  await fleet.collector({ numaNode: 1 })
  await fleet.scheduler({ adopts: false })
  const first = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  fleet.kill(first)
  await fleet.clock.advance(500)
  const second = await fleet.worker('w')
  await fleet.clock.advance(untilSettledMs)
  const fateOfFirst = () => fleet.lateView((view) => view.fate('w', first.participant.incarnation))
  fleet.kill(collector)
  await fleet.clock.advance(untilSettledMs)
  t.match(await fateOfFirst(), { fate: 'dead', cause: 'killed' }, 'adopted')
  await fleet.collector({ numaNode: 0 })
  await fleet.clock.advance(20_000)
  t.match(await fateOfFirst(), { fate: 'dead', cause: 'killed' }, 'restarted')
  fleet.kill(second)
  await fleet.clock.advance(1_000)
  const ends = await fleet.lateView((view) => view.ends().map(({ pid, cause }) => [pid, cause]))
  t.strictSame(ends, [
    [first.participant.identity.pid, 'killed'],
    [second.participant.identity.pid, 'killed'],
  ])
  await fleet.close()
})

t.test('the fate of a process on an unserved node is unknown, not dead', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('w')
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(untilSettledMs)
  const { incarnation } = worker.participant
  t.strictSame(view.fate('w', incarnation), { fate: 'alive', liveliness: 'alive' })
  fleet.kill(collector)
  await fleet.clock.advance(untilSettledMs)
  t.strictSame(view.fate('w', incarnation), { fate: 'unknown', reason: 'unreachable' })
  await fleet.collector()
  await fleet.clock.advance(untilSettledMs)
  t.strictSame(view.fate('w', incarnation), { fate: 'alive', liveliness: 'alive' })
  await leave()
  await fleet.close()
})

t.test('an end decided by silence is withdrawn when the process is received from again', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w')
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(untilSettledMs)
  fleet.setState(worker, 'unknown')
  fleet.cutOff(worker)
  await fleet.clock.advance(20_000)
  const { incarnation } = worker.participant
  t.match(view.fate('w', incarnation), { fate: 'dead', cause: 'lease-expired' })
  fleet.reconnect(worker)
  await fleet.clock.advance(20_000)
  t.strictSame(view.fate('w', incarnation), { fate: 'alive', liveliness: 'alive' })
  t.strictSame(view.ends(), [])
  await leave()
  await fleet.close()
})
