import type { WantedIntent } from '../../placement/policies/policy.js'

/** Returns whether workers may do less under an intent than under what holds for the same kind and target, if anything. */
export function removesCapacity(intent: WantedIntent, holds: WantedIntent | undefined): boolean {
  switch (intent.kind) {
    case 'prefer-shard':
      return false
    case 'rebalance':
    case 'throttle-queue':
      return holds?.kind !== intent.kind || intent.terms.maxInFlight < holds.terms.maxInFlight
    default:
      return holds === undefined
  }
}
