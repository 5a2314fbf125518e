import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import type { ZoneRow } from '../../views/snapshot/zone-row.js'
import { atRest, checkGap, type Hysteresis, step } from './hysteresis.js'
import type { Policy } from './policy.js'
import { decideByZone, type ZoneStates } from './zone-decision.js'

export interface MemoryStallOptions {
  /**
   * A zone is paused when its tasks waited for memory in more than this percentage of the last 10 s and of the last
   * 60 s (PSI `some`): a burst alone raises only the first, and a burst that has ended only the second.
   * @default 10
   */
  readonly pauseAbovePercent?: number
  /** It is released when the 60 s average is below this. @default 5 */
  readonly liftBelowPercent?: number
  /** @default 10000 */
  readonly minHoldMs?: number
  /** A reading older than this decides nothing. @default 5000 */
  readonly maxAgeMs?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultMemoryStallOptions: Required<MemoryStallOptions> = Object.freeze({
  pauseAbovePercent: 10,
  liftBelowPercent: 5,
  minHoldMs: 10_000,
  maxAgeMs: 5_000,
  ttlMs: 60_000,
})

export interface MemoryStallState {
  readonly hysteresis: Hysteresis
  /** The 60 s average, estimated where the zone's row has none. */
  readonly avg60: number
  /** The reading that was taken in last. */
  readonly observedMs: number
}

/**
 * Pauses scheduling to a zone whose tasks wait for memory, by both of the kernel's averages.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the thresholds leave no gap
 */
export function memoryStallPolicy(options: MemoryStallOptions = {}): Policy<ZoneStates<MemoryStallState>> {
  const resolved = { ...defaultMemoryStallOptions, ...withoutUndefined(options) }
  const { pauseAbovePercent, liftBelowPercent, minHoldMs, maxAgeMs, ttlMs } = resolved
  checkGap({ liftBelowPercent, pauseAbovePercent }, 100)
  for (const name of ['minHoldMs', 'maxAgeMs'] as const) checkDurationMs(name, resolved[name])
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return {
    name: 'memory-stall',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      decideByZone(snapshot, states, nowMs, maxAgeMs, ({ zone: { target }, row }, before) => {
        const avg10 = row.memoryPressurePercent ?? 0
        const avg60 = longAverage(row, avg10, before)
        const isOver = avg10 > pauseAbovePercent && avg60 > pauseAbovePercent
        const reading = isOver ? 'over' : avg60 < liftBelowPercent ? 'under' : 'between'
        const reason = (): string =>
          `tasks waited for memory in ${Math.round(avg10)} % of the last 10 s and ${Math.round(avg60)} % of the last 60 s, more than ${pauseAbovePercent} %`
        const hysteresis = step(before?.hysteresis ?? atRest, reading, nowMs, { sustainedMs: 0, minHoldMs }, reason)
        const state = { hysteresis, avg60, observedMs: row.observedMs }
        if (hysteresis.actingSinceMs === null) return { state }
        return { state, wanted: [{ kind: 'pause-node', target, terms: {}, reason: hysteresis.reason, ttlMs }] }
      }),
  }
}

/**
 * The kernel's own 60 s average, or one made of the 10 s averages as they came, which decays as the kernel's does:
 * by e^(−t/60 s).
 */
function longAverage(row: ZoneRow, avg10: number, before: MemoryStallState | undefined): number {
  if (row.memoryPressureAvg60Percent !== null) return row.memoryPressureAvg60Percent
  if (before === undefined) return 0
  const elapsedMs = Math.max(0, row.observedMs - before.observedMs)
  return avg10 + (before.avg60 - avg10) * Math.exp(-elapsedMs / 60_000)
}
