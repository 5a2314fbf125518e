import t from 'tap'
import { RepeatingTimer } from '../../../src/core/time/repeating-timer.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

t.test('a closed repeating timer does not fire', async (t) => {
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

t.test('a repeating timer can be closed from its own callback', async (t) => {
  const clock = new FakeClock()
  let fired = 0
  const repeating: RepeatingTimer = new RepeatingTimer(clock, 10, () => {
    fired++
    repeating.close()
  })
  await clock.advance(100)
  t.equal(fired, 1)
})

t.test('a repeating timer of Infinity never fires', async (t) => {
  const clock = new FakeClock()
  new RepeatingTimer(clock, Infinity, () => t.fail())
  await clock.advance(2 ** 40)
  t.equal(clock.pendingTimers, 0)
})
