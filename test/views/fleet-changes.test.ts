import t from 'tap'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { FleetChangeLog, maxLoggedChanges } from '../../src/views/fleet-change-log.js'
import { type FleetUpdate, followChanges } from '../../src/views/fleet-changes.js'
import type { FleetView } from '../../src/views/fleet-view.js'

/** Collects what an iteration yields until it is told to stop. */
function collect(view: FleetView, since?: string) {
  const stop = new AbortController()
  const updates: FleetUpdate[] = []
  const ended = (async () => {
    const changes = view.changes({ ...(since !== undefined && { since }), signal: stop.signal })
    for await (const update of changes) updates.push(update)
  })()
  const end = async (): Promise<FleetUpdate[]> => {
    stop.abort()
    await ended
    return updates
  }
  return { updates, end }
}

const workersIn = (updates: readonly FleetUpdate[]): string[] =>
  updates.flatMap((update) => (update.kind === 'worker' && update.before === undefined ? [update.workerId] : []))

t.test('changes after the token of a read are yielded, however late they are asked for', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  await fleet.collector()
  await fleet.worker('w1')
  const { view, issuer } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  const { witness } = await view.read({ freshness: 'best-effort' })
  const live = collect(view)
  await fleet.worker('w2')
  await fleet.clock.advance(1_000)
  issuer.apply('drain', 'w2', { deadlineMs: null })
  await fleet.clock.advance(1_000)
  const late = collect(view, witness.servedToken)
  await fleet.clock.advance(10)
  const updates = await late.end()
  t.same(workersIn(updates), ['w2'])
  t.ok(updates.some(({ kind }) => kind === 'intent'))
  t.notOk(updates.some(({ kind }) => kind === 'reset'))
  t.same(
    updates.map(({ token: _, ...change }) => change),
    (await live.end()).map(({ token: _, ...change }) => change),
    'as a consumer received them that was there all the time',
  )
})

t.test('a consumer continues after any change by its token, and misses none', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  await fleet.collector()
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const live = collect(view, view.token())
  for (const workerId of ['w1', 'w2', 'w3']) {
    await fleet.worker(workerId)
    await fleet.clock.advance(200)
  }
  const all = await live.end()
  t.same(workersIn(all), ['w1', 'w2', 'w3'])
  const text = ({ token: _, ...change }: FleetUpdate): string => JSON.stringify(change)
  for (const [index, { token }] of all.entries()) {
    const rest = collect(view, token)
    await fleet.clock.advance(1)
    const continued = (await rest.end()).map(text)
    const missed = all.slice(index + 1).filter((update) => !continued.includes(text(update)))
    t.same(missed, [], `after change ${index}`)
  }
})

t.test('a token that the view has not handed out begins with a reset, and the changes go on', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  await fleet.collector()
  const { view } = await fleet.operator('ada')
  await fleet.plane.settle(view.synced())
  const foreign = collect(view, 'v1')
  await fleet.clock.advance(1)
  await fleet.worker('w1')
  await fleet.clock.advance(500)
  const updates = await foreign.end()
  t.match(updates[0], { kind: 'reset', token: /^v1;/ })
  t.equal(updates.filter(({ kind }) => kind === 'reset').length, 1)
  t.same(workersIn(updates), ['w1'])
  const again = collect(view, updates[0]?.token)
  await fleet.clock.advance(1)
  t.same(workersIn(await again.end()), ['w1'], 'the token of the reset is one to continue from')
  t.throws(() => view.changes({ since: 'nonsense' }), { code: 'NUMACAST_INVALID_ARGUMENT' })
})

t.test('a token is too old once changes after it have been dropped', async (t) => {
  const log = new FleetChangeLog()
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  log.add({ kind: 'node', key: 'before' })
  await turn()
  log.issued('old')
  t.equal(log.since('old'), 1)
  for (let n = 0; n < maxLoggedChanges - 1; n += 63) {
    for (let of = 0; of < 63; of++) log.add({ kind: 'node', key: `n${n + of}` })
    await turn()
  }
  log.issued('newer')
  t.equal(log.since('old'), 1, 'the log is full, and has all of them')
  for (const key of ['x', 'y']) {
    log.add({ kind: 'node', key })
    await turn()
  }
  t.equal(log.since('old'), undefined)
  t.equal(log.since('newer'), log.next - 2)
  t.equal(log.since('never handed out'), undefined)
  log.issued('newer', log.next - 1)
  t.equal(log.since('newer'), log.next - 2, 'another holder got it earlier')
  log.issued('newer', log.next - 3)
  t.equal(log.since('newer'), log.next - 3)
})

t.test('a consumer that is slower than the log is reset, and the iteration ends with its view', async (t) => {
  const log = new FleetChangeLog()
  const closing = new AbortController()
  const changes = followChanges({ log, servedToken: () => 'v1', closing: closing.signal }, {})
  const first = changes.next()
  log.add({ kind: 'node', key: 'a' })
  t.match(await first, { value: { kind: 'node', key: 'a', token: 'v1' } })
  for (let n = 0; n < maxLoggedChanges + 1; n++) {
    log.add({ kind: 'node', key: `n${n}` })
    if (n % 64 === 0) await Promise.resolve()
  }
  await new Promise((resolve) => setImmediate(resolve))
  t.match(await changes.next(), { value: { kind: 'reset' } })
  log.add({ kind: 'node', key: 'z' })
  t.match(await changes.next(), { value: { kind: 'node', key: 'z' } })
  const last = changes.next()
  closing.abort()
  t.same(await last, { done: true, value: undefined })
})
