import { withoutUndefined } from '../core/options.js'
import { checkDurationMs, longestTimerMs } from '../core/time/duration.js'
import { defaultPhiOptions, type PhiOptions, type ResolvedPhiOptions, resolvePhiOptions } from './phi-accrual.js'
import { resolveUnreachableDeadAfterMs } from './unreachable-dead-after.js'

/** How long an observer waits for its peers. */
export interface LivelinessOptions {
  /** Silence after which a peer of this host or network counts as lost, unless the kernel reports otherwise. @default 3000 */
  readonly leaseMs?: number
  /** How long a peer that came back must stay alive before it counts as reliable. @default 30000 */
  readonly probationMs?: number
  /**
   * How long a peer may be `unreachable` before it is declared dead. Null or `Infinity`: never, because an unreachable
   * peer may well be working, and work that is given to another peer would be done twice. @default null
   */
  readonly unreachableDeadAfterMs?: number | null
  /** For peers on other hosts that multicast does not reach. */
  readonly phi?: PhiOptions
}

export type ResolvedLivelinessOptions = Required<Omit<LivelinessOptions, 'phi'>> & { readonly phi: ResolvedPhiOptions }

export const defaultLivelinessOptions: ResolvedLivelinessOptions = Object.freeze({
  leaseMs: 3_000,
  probationMs: 30_000,
  unreachableDeadAfterMs: null,
  phi: defaultPhiOptions,
})

/**
 * @param beaconIntervalMs the participant's own
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option
 */
export function resolveLivelinessOptions(
  options: LivelinessOptions,
  beaconIntervalMs: number,
): ResolvedLivelinessOptions {
  const { leaseMs, probationMs, unreachableDeadAfterMs } = { ...defaultLivelinessOptions, ...withoutUndefined(options) }
  const resolved: ResolvedLivelinessOptions = {
    leaseMs: checkDurationMs('leaseMs', leaseMs, { leastMs: 2 * beaconIntervalMs, mostMs: longestTimerMs }),
    probationMs: checkDurationMs('probationMs', probationMs, { mostMs: longestTimerMs }),
    unreachableDeadAfterMs: resolveUnreachableDeadAfterMs(unreachableDeadAfterMs),
    phi: resolvePhiOptions(options.phi),
  }
  return Object.freeze(resolved)
}
