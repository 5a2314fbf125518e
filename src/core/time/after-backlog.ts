import type { Clock, Timer } from './clock.js'

/** libuv reads 32 datagrams of each socket in one poll. This number of polls empties the largest buffer requested. */
const maxPolls = 512

/**
 * Calls `fire` once everything that waits in the sockets has been read. One poll takes only some datagrams of each
 * socket, so this repeats while a whole poll still brings any. An endless stream of datagrams does not postpone it
 * forever: after {@link maxPolls}, everything that waited at first has been read.
 *
 * @param received datagrams read so far, for any reader
 */
export function afterBacklog(clock: Clock, received: () => number, fire: () => void): Timer {
  let polls = 0
  let before: number
  const check = (): void => {
    if (++polls > maxPolls || received() === before) fire()
    else poll()
  }
  const poll = (): void => {
    before = received()
    timer = clock.afterPoll(check)
  }
  // The current poll may already have passed a socket that holds more.
  let timer = clock.afterPoll(poll)
  return { cancel: () => timer.cancel() }
}
