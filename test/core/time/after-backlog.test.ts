import t from 'tap'
import { afterBacklog } from '../../../src/core/time/after-backlog.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'

/** A socket that yields up to 32 of its queued datagrams to each poll. */
function reading(clock: FakeClock, inSocket: number): { left: number; received: number } {
  const socket = { left: inSocket, received: 0 }
  const poll = (): void => {
    const taken = Math.min(32, socket.left)
    socket.left -= taken
    socket.received += taken
    if (socket.left > 0) clock.afterPoll(poll)
  }
  clock.afterPoll(poll)
  return socket
}

t.test('the callback runs after a whole poll without a datagram', async (t) => {
  for (const inSocket of [0, 1, 32, 33, 1_000]) {
    const clock = new FakeClock()
    const socket = reading(clock, inSocket)
    const left: number[] = []
    afterBacklog(
      clock,
      () => socket.received,
      () => left.push(socket.left),
    )
    await clock.advance(0)
    t.same(left, [0], `${inSocket} datagrams`)
    t.equal(clock.pendingTimers, 0)
  }
})

t.test('a poll already in progress at the start does not count', async (t) => {
  const clock = new FakeClock()
  let received = 0
  let fired = 0
  afterBacklog(
    clock,
    () => received,
    () => fired++,
  )
  clock.afterPoll(() => {
    t.equal(fired, 0)
    received += 32
  })
  await clock.advance(0)
  t.equal(fired, 1)
})

t.test('a flood does not delay the callback forever', async (t) => {
  const clock = new FakeClock()
  const socket = reading(clock, 1_000_000)
  let readBefore = 0
  afterBacklog(
    clock,
    () => socket.received,
    () => {
      readBefore = socket.received
    },
  )
  await clock.advance(0)
  t.ok(readBefore >= 16_000, 'the content of a full buffer')
  t.ok(readBefore < 1_000_000)
})

t.test('a callback cancelled in any turn is not called', async (t) => {
  for (let turn = 0; turn < 5; turn++) {
    const clock = new FakeClock()
    const socket = reading(clock, 1_000)
    const timer = afterBacklog(
      clock,
      () => socket.received,
      () => t.fail('cancelled'),
    )
    let turns = 0
    const next = (): void => {
      if (turns++ === turn) timer.cancel()
      else clock.afterPoll(next)
    }
    clock.afterPoll(next)
    await clock.advance(0)
    timer.cancel()
    t.equal(clock.pendingTimers, 0)
  }
})
