import { invalidArgument } from '../errors.js'
import { longestTimerMs } from './duration.js'

/** A pending timer. `cancel()` is idempotent. */
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
  /**
   * Calls `fire` once after `delayMs`, however long that is; after `Infinity` never. Does not keep the process alive.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the delay is not a number
   */
  after(delayMs: number, fire: () => void): Timer
  /** Calls `fire` once the event loop has polled its sockets again, in the same turn of it. */
  afterPoll(fire: () => void): Timer
}

/** The timer of an event that never comes. Holds nothing. */
export const neverTimer: Timer = Object.freeze({ cancel: () => undefined })

export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Timer {
    mustBeDelay(delayMs)
    if (delayMs === Infinity) return neverTimer
    // No setTimeout waits less than a millisecond.
    if (delayMs <= 0) return systemClock.afterPoll(fire)
    if (delayMs > longestTimerMs) return afterLong(delayMs, fire)
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

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT when the delay is not a number: Node would wait 1 ms */
export function mustBeDelay(delayMs: number): void {
  if (typeof delayMs !== 'number' || Number.isNaN(delayMs)) {
    throw invalidArgument(`the delay of a timer must be a number of milliseconds, not ${String(delayMs)}`)
  }
}

/** Waits in steps that a timer of Node can take. */
function afterLong(delayMs: number, fire: () => void): Timer {
  const dueMs = systemClock.nowMs() + delayMs
  let timer = neverTimer
  const step = (): void => {
    const leftMs = dueMs - systemClock.nowMs()
    timer = leftMs > longestTimerMs ? systemClock.after(longestTimerMs, step) : systemClock.after(leftMs, fire)
  }
  step()
  return { cancel: () => timer.cancel() }
}
