import type { Test } from 'tap'
import { MemoryPlane } from '../../src/testing/memory-plane.js'

/** Opens a plane that closes with the test, and fails the test if a timer remains. */
export function openPlane(t: Test, seed = 1): MemoryPlane {
  const plane = new MemoryPlane(seed)
  t.teardown(async () => {
    await plane.close()
    // Frames that are still in flight are not delivered to any participant.
    await plane.clock.advance(2_000)
    if (plane.clock.pendingTimers > 0) throw new Error(`${plane.clock.pendingTimers} timers are left`)
  })
  return plane
}
