import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { ZoneRow } from '../../views/snapshot/zone-row.js'
import type { ZoneEntry } from '../../views/snapshot/zone-table.js'
import type { Decision, WantedIntent } from './policy.js'
import { stateOf } from './state-of.js'

/** A zone with a reading. */
export interface ReadZone {
  readonly zone: ZoneEntry
  readonly row: ZoneRow
}

/** What is remembered of each zone, by the target that names it. */
export type ZoneStates<S> = Readonly<Record<string, S>>

/**
 * Judges each zone by itself. A zone whose reading is older than `maxAgeMs` keeps its state and stays undecided; a zone
 * that is gone is forgotten, and so is one at rest, for which `judge` returns no state.
 */
export function decideByZone<S>(
  snapshot: PlacementSnapshot,
  states: ZoneStates<S>,
  nowMs: number,
  maxAgeMs: number,
  judge: (zone: ReadZone, before: S | undefined) => { readonly state?: S; readonly wanted?: readonly WantedIntent[] },
): Decision<ZoneStates<S>> {
  const wanted: WantedIntent[] = []
  const undecided: string[] = []
  const next: Record<string, S> = {}
  for (const zone of snapshot.zones) {
    const row = zone?.row
    if (zone === undefined || row === null || row === undefined) continue
    const before = stateOf(states, zone.target)
    if (nowMs - row.observedMs > maxAgeMs) {
      undecided.push(zone.target)
      if (before !== undefined) next[zone.target] = before
      continue
    }
    const judged = judge({ zone, row }, before)
    if (judged.state !== undefined) next[zone.target] = judged.state
    if (judged.wanted !== undefined) wanted.push(...judged.wanted)
  }
  return { wanted, undecided, state: next }
}
