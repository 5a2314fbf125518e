import type { ReceivedIntent } from '../../plane/intents.js'
import type { Transition } from '../../plane/transitions.js'

/** What a worker has in flight. */
export interface Load {
  readonly inFlight: number
  readonly byQueue: ReadonlyMap<string, number>
}

/**
 * How far an intent that a worker obeys has got: `completed` once what it asks for holds, `aborted` once a drain's
 * deadline has passed before that, else `admitted`.
 */
export function intentProgress(claim: ReceivedIntent, load: Load, nowMs: number): Transition {
  if (claim.intent.action === 'lift' || isReached(claim, load)) return 'completed'
  const deadline = deadlineAtMs(claim)
  return deadline !== undefined && deadline <= nowMs ? 'aborted' : 'admitted'
}

function isReached(claim: ReceivedIntent, load: Load): boolean {
  switch (claim.kind) {
    case 'drain':
      return load.inFlight === 0
    case 'rebalance':
      return load.inFlight <= claim.intent.maxInFlight
    case 'throttle-queue':
      return (load.byQueue.get(claim.intent.target) ?? 0) <= claim.intent.maxInFlight
    case 'pause-node':
    case 'prefer-shard':
      return true
  }
}

/** When a drain is given up, on this process's monotonic clock. */
export function deadlineAtMs(claim: ReceivedIntent): number | undefined {
  if (claim.kind !== 'drain' || claim.intent.action === 'lift' || claim.intent.deadlineMs === null) return undefined
  return claim.originTimeMs + claim.intent.deadlineMs
}
