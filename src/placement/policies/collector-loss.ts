import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import { atRest, type Hysteresis, step } from './hysteresis.js'
import type { Policy } from './policy.js'
import { decideByZone, type ZoneStates } from './zone-decision.js'

export interface CollectorLossOptions {
  /** A zone must be without a collector for this time: a restart is no loss. @default 5000 */
  readonly sustainedMs?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultCollectorLossOptions: Required<CollectorLossOptions> = Object.freeze({
  sustainedMs: 5_000,
  ttlMs: 60_000,
})

/**
 * Pauses scheduling to a zone that no collector serves, neither its own nor a stand-in: what is known of its workers
 * grows old, and what they are to do does not reach them. It ends at once when a collector serves the zone again.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option
 */
export function collectorLossPolicy(options: CollectorLossOptions = {}): Policy<ZoneStates<Hysteresis>> {
  const resolved = { ...defaultCollectorLossOptions, ...withoutUndefined(options) }
  const { sustainedMs, ttlMs } = resolved
  checkDurationMs('sustainedMs', sustainedMs)
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return {
    name: 'collector-loss',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      // The last reading of such a zone is old by nature: it decides nevertheless.
      decideByZone(snapshot, states, nowMs, Number.POSITIVE_INFINITY, ({ zone: { target }, row }, before) => {
        const { collectorLiveliness: liveliness } = row
        const isLost = liveliness === Liveliness.dead || liveliness === Liveliness.unreachable
        const reading = isLost ? 'over' : liveliness === Liveliness.alive ? 'under' : 'between'
        const reason = (): string => `no collector serves the node: the last is ${liveliness}`
        const state = step(before ?? atRest, reading, nowMs, { sustainedMs, minHoldMs: 0 }, reason)
        if (state.overSinceMs === null) return {}
        if (state.actingSinceMs === null) return { state }
        return { state, wanted: [{ kind: 'pause-node', target, terms: {}, reason: state.reason, ttlMs }] }
      }),
  }
}
