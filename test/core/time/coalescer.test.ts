import t from 'tap'
import { Coalescer } from '../../../src/core/time/coalescer.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

t.test('a state that changes often runs once per interval, and the last change runs', async (t) => {
  const clock = new FakeClock()
  let value = 0
  const published: [number, number][] = []
  const startMs = clock.nowMs()
  const publisher = new Coalescer(clock, 100, () => published.push([clock.nowMs() - startMs, value]), {
    leading: 'after-poll',
    refreshMs: 1_000,
  })
  for (value = 1; value <= 25; value++) {
    publisher.request()
    await clock.advance(10)
  }
  value = 26
  publisher.request()
  await clock.advance(1_000)
  t.strictSame(published, [
    [0, 1],
    [100, 10],
    [200, 20],
    [300, 26],
  ])
  await clock.advance(300)
  t.equal(published.at(-1)?.[0], 1_300, 'refreshed without a change')
  publisher.now()
  t.equal(published.at(-1)?.[0], 1_550, 'at once when asked')
  publisher.close()
  publisher.request()
  publisher.now()
  await clock.advance(10_000)
  t.equal(published.length, 6)
  t.equal(clock.pendingTimers, 0)
})

t.test('a deferred run includes the events before the loop polled its sockets', async (t) => {
  const clock = new FakeClock()
  let value = 0
  const seen: number[] = []
  const coalescer = new Coalescer(clock, 20, () => seen.push(value), { leading: 'after-poll' })
  for (value = 1; value <= 3; value++) coalescer.request()
  t.strictSame(seen, [], 'not yet')
  await clock.advance(0)
  t.strictSame(seen, [4])
})

t.test('an event that a run causes is run one interval later', async (t) => {
  const clock = new FakeClock()
  const startMs = clock.nowMs()
  const ranMs: number[] = []
  const coalescer: Coalescer = new Coalescer(clock, 100, () => {
    ranMs.push(clock.nowMs() - startMs)
    if (ranMs.length < 3) coalescer.request()
  })
  coalescer.request()
  await clock.advance(1_000)
  t.strictSame(ranMs, [0, 100, 200])
  t.equal(clock.pendingTimers, 0, 'without a refresh no timer is left')
})

t.test('a coalescer closed by its own run keeps no timer', async (t) => {
  const clock = new FakeClock()
  const coalescer: Coalescer = new Coalescer(clock, 100, () => coalescer.close(), { refreshMs: 1_000 })
  coalescer.request()
  t.equal(clock.pendingTimers, 0)
})
