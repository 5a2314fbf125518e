import { DegradedReason, type ObserverHealth } from '../../liveliness/observer-health.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'

/** Why a scheduler issues nothing at present that removes capacity. */
export const WithholdReason = {
  /** It has not received the plane's state yet, or has not listened for long enough. */
  tooYoung: 'too-young',
  /** Most peers or zones fell silent: more likely the scheduler is isolated than that all of them are gone. */
  isolated: 'isolated',
} as const
export type WithholdReason = (typeof WithholdReason)[keyof typeof WithholdReason]

export interface Withholding {
  readonly reason: WithholdReason
  /** For people. */
  readonly detail: string
}

/** What a scheduler knows about its view. */
export interface ViewFacts {
  readonly isSynced: boolean
  readonly listeningForMs: number
  readonly health: Pick<ObserverHealth, 'degraded' | 'reason'>
  readonly snapshot: PlacementSnapshot
  readonly nowMs: number
}

export interface CapacityGuardOptions {
  /** A view that has listened for less does not know the whole fleet. */
  readonly minViewAgeMs: number
  /** A zone whose last reading is older is silent. */
  readonly maxAgeMs: number
}

// As Kubernetes' node controller, which stops evictions beyond these numbers (`unhealthy-zone-threshold`).
const mostSilentShare = 0.55
const leastSilentZones = 3

/**
 * Decides whether a scheduler may remove capacity: pause, drain or limit. One silent zone does not prevent it, because
 * each policy decides on fresh readings alone; a view that lost most of the fleet does.
 */
export function withholding(facts: ViewFacts, options: CapacityGuardOptions): Withholding | null {
  const { isSynced, listeningForMs, health, snapshot, nowMs } = facts
  if (!isSynced) return { reason: WithholdReason.tooYoung, detail: 'the state of the plane has not arrived yet' }
  if (listeningForMs < options.minViewAgeMs) {
    const detail = `the view has listened for ${Math.round(listeningForMs)} ms, less than ${options.minViewAgeMs} ms`
    return { reason: WithholdReason.tooYoung, detail }
  }
  if (health.degraded && health.reason === DegradedReason.mostPeersLate) {
    return { reason: WithholdReason.isolated, detail: 'most of its peers fell silent at once' }
  }
  const { known, silent } = countZones(snapshot, nowMs, options.maxAgeMs)
  if (silent < leastSilentZones || silent <= mostSilentShare * known) return null
  return { reason: WithholdReason.isolated, detail: `${silent} of ${known} zones are silent` }
}

function countZones(snapshot: PlacementSnapshot, nowMs: number, maxAgeMs: number): { known: number; silent: number } {
  let [known, silent] = [0, 0]
  for (const zone of snapshot.zones) {
    if (zone?.row === null || zone === undefined) continue
    known++
    const { collectorLiveliness, observedMs } = zone.row
    if (collectorLiveliness !== Liveliness.alive || nowMs - observedMs > maxAgeMs) silent++
  }
  return { known, silent }
}
