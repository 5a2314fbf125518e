/** A pending timer. `cancel()` twice is fine. */
export interface Timer {
  cancel(): void
}

/**
 * The only source of time below the roles, so that a test can own it.
 *
 * `nowMs` is monotonic: ages, leases and delays are measured on it. `wallMs` is for display and for ordering
 * by source time; it may jump.
 */
export interface Clock {
  /** Monotonic milliseconds, fractional, origin arbitrary. */
  nowMs(): number
  /** Unix time in milliseconds. */
  wallMs(): number
  /** Calls `fire` once after `delayMs`. Never keeps the process alive by itself. */
  after(delayMs: number, fire: () => void): Timer
  /** Calls `fire` once the event loop has polled its sockets again, in the same turn of it. */
  afterPoll(fire: () => void): Timer
}

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Timer {
    // No setTimeout waits less than a millisecond.
    if (delayMs <= 0) return systemClock.afterPoll(fire)
    const handle = setTimeout(fire, delayMs)
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
  afterPoll(fire: () => void): Timer {
    // Not unref'd: the loop would wait in its poll for something else to happen first. It is over within one turn.
    const handle = setImmediate(fire)
    return { cancel: () => clearImmediate(handle) }
  },
})
