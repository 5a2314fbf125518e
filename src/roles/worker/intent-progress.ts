import type { ReceivedIntent } from '../../plane/intents.js'
import type { Transition } from '../../plane/transitions.js'
import { takenOf } from './slot-limits.js'

/** What a worker has in flight. */
export interface Load {
  /** Slots in which a job runs. */
  readonly running: number
  /** Slots that are reserved and run no job yet: one may start at any moment. */
  readonly open: number
  /** Both, by queue; empty for those of no named queue. */
  readonly byQueue: ReadonlyMap<string, number>
}

/**
 * Returns how far an intent that a worker obeys has got: `completed` once what it asks for holds, `aborted` once a
 * drain's deadline has passed before that, else `admitted`.
 */
export function intentProgress(claim: ReceivedIntent, load: Load, nowMs: number): Transition {
  if (claim.intent.action === 'lift' || isReached(claim, load)) return 'completed'
  const deadline = deadlineAtMs(claim)
  return deadline !== undefined && deadline <= nowMs ? 'aborted' : 'admitted'
}

/** An open slot counts: until it is released, a job may start in it. */
function isReached(claim: ReceivedIntent, { running, open, byQueue }: Load): boolean {
  switch (claim.kind) {
    case 'drain':
      return running + open === 0
    case 'rebalance':
      return running + open <= claim.intent.maxInFlight
    case 'throttle-queue':
      return takenOf(claim.intent.target, byQueue) <= claim.intent.maxInFlight
    case 'pause-node':
      return open === 0
    case 'prefer-shard':
      return true
  }
}

/** When a drain is given up, on this process's monotonic clock. */
export function deadlineAtMs(claim: ReceivedIntent): number | undefined {
  if (claim.kind !== 'drain' || claim.intent.action === 'lift' || claim.intent.deadlineMs === null) return undefined
  return claim.originTimeMs + claim.intent.deadlineMs
}
