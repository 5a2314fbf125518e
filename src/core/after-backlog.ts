import type { Clock, Timer } from './clock.js'

/** libuv reads 32 datagrams of each socket in one poll: so many polls empty the largest buffer that we ask for. */
const maxPolls = 512

/**
 * Calls `fire` once everything that lies in the sockets has been read. One poll takes only some datagrams of each
 * socket, so it goes on for as long as a whole poll still brings any. Datagrams that come without end do not put it off
 * for ever: by then what lay there at first has been read.
 *
 * @param received datagrams read so far, whomever they were for
 */
export function afterBacklog(clock: Clock, received: () => number, fire: () => void): Timer {
  let polls = 0
  let before: number
  const look = (): void => {
    if (++polls > maxPolls || received() === before) fire()
    else poll()
  }
  const poll = (): void => {
    before = received()
    timer = clock.afterPoll(look)
  }
  // The poll in which this was called may have passed a socket already that holds more.
  let timer = clock.afterPoll(poll)
  return { cancel: () => timer.cancel() }
}
