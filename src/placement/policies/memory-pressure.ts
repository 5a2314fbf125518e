import { checkDurationMs } from '../../core/time/duration.js'
import { maxIntentTtlMs } from '../../plane/intents.js'
import {
  calm,
  judgeMemory,
  type MemoryPressureOptions,
  type NodeMemory,
  resolveMemoryPressureOptions,
} from '../memory-pressure.js'
import type { SnapshotPolicy } from './snapshot-policy.js'
import { decideByZone, type ZoneStates } from './zone-decision.js'

/**
 * Pauses scheduling to a zone while its memory is scarce: `memoryPressurePolicy` on snapshots, with the same options,
 * thresholds and reasons.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the thresholds leave no gap
 */
export function zoneMemoryPressurePolicy(
  options: MemoryPressureOptions & { readonly ttlMs?: number } = {},
): SnapshotPolicy<ZoneStates<NodeMemory>> {
  const { ttlMs = 60_000, ...rest } = options
  checkDurationMs('ttlMs', ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  const resolved = resolveMemoryPressureOptions(rest)
  return {
    name: 'memory-pressure',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      decideByZone(snapshot, states, nowMs, resolved.maxAgeMs, ({ zone: { target }, row }, before) => {
        const state = judgeMemory(row, before ?? calm, nowMs, resolved)
        if (state === calm) return {}
        if (state.pausedSinceMs === null) return { state }
        return { state, wanted: [{ kind: 'pause-node', target, terms: {}, reason: state.reason, ttlMs }] }
      }),
  }
}
