import t from 'tap'
import { LivelinessLease, SharedLiveliness } from '../../../src/pubsub/writer/liveliness-lease.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

t.test('a lease that is lost is watched again from the next assertion on', async (t) => {
  const clock = new FakeClock()
  const shared = new SharedLiveliness()
  let lost = 0
  const lease = new LivelinessLease(clock, 100, shared, () => lost++)
  await clock.advance(500)
  t.equal(lost, 1, 'once, however long it is not asserted')
  lease.assert()
  await clock.advance(99)
  t.equal(lost, 1)
  await clock.advance(1)
  t.equal(lost, 2)
  lease.close()
})

t.test('leases that were lost and closed leave nothing behind in what their participant shares', async (t) => {
  const clock = new FakeClock()
  const shared = new SharedLiveliness()
  for (let round = 0; round < 100; round++) {
    const lease = new LivelinessLease(clock, 100, shared, () => {})
    await clock.advance(200)
    t.equal(shared.waiting, 1)
    lease.close()
    lease.close()
    if (shared.waiting > 0) t.fail(`${shared.waiting} callbacks wait after round ${round}`)
  }
})
