import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import type { ZoneRow } from '../../views/snapshot/zone-row.js'
import { availableShare } from './available-memory.js'
import { atRest, checkGap, type Hysteresis, step } from './hysteresis.js'
import type { Policy } from './policy.js'
import { decideByZone, type ZoneStates } from './zone-decision.js'

export interface MemoryPressureOptions {
  /**
   * A zone is paused when less than this share of its memory is available: of what its cgroup allows, or of all
   * that it has, whichever is scarcer.
   * @default 0.1
   */
  readonly pauseBelowAvailable?: number
  /**
   * It is released when more than this share is available again. The gap to `pauseBelowAvailable` keeps a zone
   * that hovers at the limit from being switched to and fro.
   * @default 0.2
   */
  readonly liftAboveAvailable?: number
  /**
   * A zone is paused, too, when its tasks waited for memory in more than this percentage of the last ten seconds
   * (PSI `some avg10`), where the kernel reports it.
   * @default 20
   */
  readonly pauseAbovePressurePercent?: number
  /** @default 5 */
  readonly liftBelowPressurePercent?: number
  /**
   * Scarcity must last for this time before a zone is paused: one large allocation is not pressure.
   * @default 2000
   */
  readonly sustainedMs?: number
  /**
   * A paused zone stays paused for at least this time.
   * @default 30000
   */
  readonly minHoldMs?: number
  /**
   * A reading older than this decides nothing.
   * @default 5000
   */
  readonly maxAgeMs?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultMemoryPressureOptions: Required<MemoryPressureOptions> = Object.freeze({
  pauseBelowAvailable: 0.1,
  liftAboveAvailable: 0.2,
  pauseAbovePressurePercent: 20,
  liftBelowPressurePercent: 5,
  sustainedMs: 2_000,
  minHoldMs: 30_000,
  maxAgeMs: 5_000,
  ttlMs: 60_000,
})

/**
 * Pauses scheduling to a zone under memory pressure and lifts the pause with hysteresis and a minimum hold.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the thresholds leave no gap
 */
export function memoryPressurePolicy(options: MemoryPressureOptions = {}): Policy<ZoneStates<Hysteresis>> {
  const resolved = resolveMemoryPressureOptions(options)
  const { maxAgeMs, ttlMs } = resolved
  return {
    name: 'memory-pressure',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      decideByZone(snapshot, states, nowMs, maxAgeMs, ({ zone: { target }, row }, before) => {
        const state = judge(row, before ?? atRest, nowMs, resolved)
        if (state.overSinceMs === null) return {}
        if (state.actingSinceMs === null) return { state }
        return { state, wanted: [{ kind: 'pause-node', target, terms: {}, reason: state.reason, ttlMs }] }
      }),
  }
}

export function resolveMemoryPressureOptions(options: MemoryPressureOptions): Required<MemoryPressureOptions> {
  const resolved = { ...defaultMemoryPressureOptions, ...withoutUndefined(options) }
  const { pauseBelowAvailable, liftAboveAvailable, pauseAbovePressurePercent, liftBelowPressurePercent } = resolved
  checkGap({ pauseBelowAvailable, liftAboveAvailable }, 1)
  checkGap({ liftBelowPressurePercent, pauseAbovePressurePercent }, Number.POSITIVE_INFINITY)
  for (const name of ['sustainedMs', 'minHoldMs', 'maxAgeMs'] as const) {
    checkDurationMs(name, resolved[name], { allowInfinity: true })
  }
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return Object.freeze(resolved)
}

function judge(row: ZoneRow, before: Hysteresis, nowMs: number, options: Required<MemoryPressureOptions>): Hysteresis {
  const available = availableShare(row)
  const pressure = row.memoryPressurePercent ?? 0
  const isScarce = available < options.pauseBelowAvailable
  const isOver = isScarce || pressure > options.pauseAbovePressurePercent
  const isUnder = available > options.liftAboveAvailable && pressure < options.liftBelowPressurePercent
  const reason = (): string =>
    isScarce
      ? `${Math.round(available * 100)} % of the memory is available, less than ${Math.round(options.pauseBelowAvailable * 100)} %`
      : `tasks waited for memory in ${Math.round(pressure)} % of the last 10 s, more than ${options.pauseAbovePressurePercent} %`
  return step(before, isOver ? 'over' : isUnder ? 'under' : 'between', nowMs, options, reason)
}
