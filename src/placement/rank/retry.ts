import type { WorkerRow } from '../../views/snapshot/worker-row.js'
import { lastingBits, refusalBit } from '../filter/refusal.js'
import type { Evaluation } from './evaluation.js'

/** Reasons of which nothing tells when they end. */
const openEnded =
  refusalBit.noProfile |
  refusalBit.notAlive |
  refusalBit.unhealthy |
  refusalBit.throttled |
  refusalBit.admissionClosed |
  refusalBit.saturated |
  refusalBit.noHeadroom |
  refusalBit.headroomUnknown

/**
 * When to look at a refused worker again; null when waiting does not help. A pause and a probation end at a known
 * time, though a pause may be lifted before; everything else is worth another look after `recheckMs`. Of several
 * reasons the last to end counts.
 */
export function retryAfterMs({ snapshot, options }: Evaluation, row: WorkerRow, bits: number): number | null {
  if ((bits & lastingBits) !== 0) return null
  const { nowMs, recheckMs, maxRetryAfterMs } = options
  let waitMs = (bits & openEnded) === 0 ? 0 : recheckMs
  if ((bits & refusalBit.onProbation) !== 0) waitMs = Math.max(waitMs, (row.load.reliableFromMs ?? nowMs) - nowMs)
  if ((bits & refusalBit.paused) !== 0) {
    const zone = snapshot.zone(row.load.bootId, row.load.numaNode)
    for (const pause of [snapshot.fleet.pause, zone?.pause])
      waitMs = Math.max(waitMs, (pause?.expiresMs ?? nowMs) - nowMs)
  }
  return Math.min(waitMs, maxRetryAfterMs)
}
