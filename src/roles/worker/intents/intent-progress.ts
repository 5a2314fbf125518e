import type { ReceivedIntent } from '../../../plane/intents/intents.js'
import type { Transition } from '../../../plane/intents/transitions.js'
import { takenOf } from '../slots/slot-limits.js'

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
 * Returns how far an intent that a worker obeys has got: `completed` once what it asks for holds, `aborted` once jobs
 * have outlasted a drain's deadline, else `admitted`. At the deadline the worker takes open slots back.
 */
export function intentProgress(claim: ReceivedIntent, load: Load, nowMs: number): Transition {
  if (claim.intent.action === 'lift' || isReached(claim, load)) return 'completed'
  return load.running > 0 && isOverdue(claim, nowMs) ? 'aborted' : 'admitted'
}

/** Whether it is a drain whose deadline has passed. */
export function isOverdue(claim: ReceivedIntent, nowMs: number): boolean {
  const deadline = deadlineAtMs(claim)
  return deadline !== undefined && deadline <= nowMs
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

/** Returns what an intent waits for, for people; null if it waits for nothing. */
export function awaited(claim: ReceivedIntent, { running, open, byQueue }: Load): string | null {
  switch (claim.kind) {
    case 'drain':
      return `waits for ${inFlightText(running, open)}`
    case 'pause-node':
      return `waits for ${inFlightText(0, open)}`
    case 'rebalance':
      return `waits until ${claim.intent.maxInFlight} of ${running + open} jobs and open slots are left`
    case 'throttle-queue': {
      const taken = takenOf(claim.intent.target, byQueue)
      return `waits until ${claim.intent.maxInFlight} of ${taken} jobs and open slots are left`
    }
    case 'prefer-shard':
      return null
  }
}

/** `2 jobs and 1 open slot`. */
export function inFlightText(running: number, open: number): string {
  const jobs = running === 0 ? [] : [running === 1 ? '1 job' : `${running} jobs`]
  const slots = open === 0 ? [] : [open === 1 ? '1 open slot' : `${open} open slots`]
  return [...jobs, ...slots].join(' and ')
}

/** When a drain is given up, on this process's monotonic clock. */
export function deadlineAtMs(claim: ReceivedIntent): number | undefined {
  if (claim.kind !== 'drain' || claim.intent.action === 'lift' || claim.intent.deadlineMs === null) return undefined
  return claim.originTimeMs + claim.intent.deadlineMs
}
