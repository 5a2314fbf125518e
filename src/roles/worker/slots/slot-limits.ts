import type { ClosedAdmission } from '../admission.js'
import type { QueueThrottles } from '../intents/queue-throttles.js'
import type { SlotNeed } from './slot.js'

/** What bounds the slots of a worker now. */
export interface SlotLimits {
  /** Why no slot is granted, and open ones should end; null while slots are granted. */
  readonly pause: ClosedAdmission | null
  /** Slots at once. */
  readonly concurrency: number
  /** Device memory over all slots; infinite unless the worker admits by it. */
  readonly vramBudgetBytes: number
  readonly throttles: QueueThrottles
}

/** How many slots are taken, open or running. */
export interface SlotUse {
  readonly taken: number
  /** Device memory that they count for. */
  readonly vramUsedBytes: number
  /** By queue; empty for those of no named queue. */
  readonly byQueue: ReadonlyMap<string, number>
}

/** Slots that may hold a job of the queue. One of no named queue may hold a job of any. */
export function takenOf(queue: string, byQueue: ReadonlyMap<string, number>): number {
  const unnamed = byQueue.get('') ?? 0
  return queue === '' ? unnamed : unnamed + (byQueue.get(queue) ?? 0)
}

/** Whether one more slot is within the limits. */
export function admitsSlot({ queue, vramBytes }: SlotNeed, use: SlotUse, limits: SlotLimits): boolean {
  const { taken, vramUsedBytes, byQueue } = use
  const { pause, concurrency, vramBudgetBytes, throttles } = limits
  if (pause !== null || taken >= concurrency || vramUsedBytes + vramBytes > vramBudgetBytes) return false
  if (queue !== '') return takenOf(queue, byQueue) < throttles.limitOf(queue)
  if (takenOf('', byQueue) >= throttles.tightest) return false
  for (const used of byQueue.keys()) if (takenOf(used, byQueue) >= throttles.limitOf(used)) return false
  return true
}
