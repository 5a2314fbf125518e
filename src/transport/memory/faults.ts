import { invalidArgument } from '../../core/errors.js'
import { checkDurationMs } from '../../core/time/duration.js'

/** The faults of one direction of a link of the memory network. */
export interface FaultOptions {
  /** Share of datagrams that are lost, 0 … 1. Streams lose nothing, because they retransmit. @default 0 */
  readonly lossRatio?: number
  /** Share of datagrams that arrive twice, 0 … 1. @default 0 */
  readonly duplicateRatio?: number
  /**
   * Each datagram is delayed by a uniformly distributed time of this range, so a wide range reorders datagrams. A
   * stream frame is delayed likewise but never overtakes the previous one. @default 0
   */
  readonly minDelayMs?: number
  /** @default minDelayMs */
  readonly maxDelayMs?: number
}

export interface ResolvedFaults {
  readonly lossRatio: number
  readonly duplicateRatio: number
  readonly minDelayMs: number
  readonly maxDelayMs: number
}

export const defaultFaults: ResolvedFaults = Object.freeze({
  lossRatio: 0,
  duplicateRatio: 0,
  minDelayMs: 0,
  maxDelayMs: 0,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function resolveFaults(options: FaultOptions = {}): ResolvedFaults {
  const minDelayMs = checkDurationMs('minDelayMs', options.minDelayMs ?? defaultFaults.minDelayMs)
  const resolved: ResolvedFaults = {
    lossRatio: options.lossRatio ?? defaultFaults.lossRatio,
    duplicateRatio: options.duplicateRatio ?? defaultFaults.duplicateRatio,
    minDelayMs,
    maxDelayMs: options.maxDelayMs ?? Math.max(minDelayMs, defaultFaults.maxDelayMs),
  }
  for (const name of ['lossRatio', 'duplicateRatio'] as const) {
    const ratio = resolved[name]
    if (!(ratio >= 0 && ratio <= 1)) throw invalidArgument(`${name} must be from 0 to 1, not ${ratio}`)
  }
  checkDurationMs('maxDelayMs', resolved.maxDelayMs, { leastMs: minDelayMs })
  return Object.freeze(resolved)
}
