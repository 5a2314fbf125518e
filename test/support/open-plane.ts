import type { Test } from 'tap'
import { MemoryPlane } from '../../src/testing/memory-plane.js'

/** A plane that closes with the test, and fails it when a timer is left then. */
export function openPlane(t: Test, seed = 1): MemoryPlane {
  const plane = new MemoryPlane(seed)
  t.teardown(async () => {
    await plane.close()
    // What is still under way in the network arrives at nobody.
    await plane.clock.advance(2_000)
    if (plane.clock.pendingTimers > 0) throw new Error(`${plane.clock.pendingTimers} timers are left`)
  })
  return plane
}
