import t from 'tap'
import { RepeatingTimer } from '../../../src/core/repeating-timer.js'
import { PacedPublisher } from '../../../src/roles/shared/paced-publisher.js'
import { PublishInterval } from '../../../src/roles/shared/publish-interval.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

t.test('due at once the first time, then by change and by refresh', (t) => {
  const pace = new PublishInterval({ minIntervalMs: 100, refreshMs: 3_000 })
  t.equal(pace.dueInMs(5), 0)
  pace.published(5)
  t.equal(pace.dueInMs(5), 3_000)
  pace.changed()
  t.equal(pace.dueInMs(45), 60)
  t.equal(pace.dueInMs(500), 0)
  t.end()
})

t.test('however often it changes, it goes out once per interval, and the last change goes out', async (t) => {
  const clock = new FakeClock()
  let value = 0
  const published: [number, number][] = []
  const startMs = clock.nowMs()
  const publisher = new PacedPublisher(clock, { minIntervalMs: 100, refreshMs: 1_000 }, () => {
    published.push([clock.nowMs() - startMs, value])
  })
  for (value = 1; value <= 25; value++) {
    publisher.touch()
    await clock.advance(10)
  }
  value = 26
  publisher.touch()
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
  publisher.touch()
  publisher.now()
  await clock.advance(10_000)
  t.equal(published.length, 6)
  t.equal(clock.pendingTimers, 0)
})

t.test('a repetition ends with its owner', async (t) => {
  const clock = new FakeClock()
  let fired = 0
  const repeating = new RepeatingTimer(clock, 10, () => fired++)
  await clock.advance(35)
  t.equal(fired, 3)
  repeating.close()
  await clock.advance(100)
  t.equal(fired, 3)
  t.equal(clock.pendingTimers, 0)
})

t.test('a repetition can be ended from within', async (t) => {
  const clock = new FakeClock()
  let fired = 0
  const repeating: RepeatingTimer = new RepeatingTimer(clock, 10, () => {
    fired++
    repeating.close()
  })
  await clock.advance(100)
  t.equal(fired, 1)
})
