import { invalidArgument } from '../core/errors.js'
import { defaultPhiOptions, type PhiOptions, type ResolvedPhiOptions, resolvePhiOptions } from './phi-accrual.js'

/** How patient an observer is with its peers. */
export interface LivelinessOptions {
  /** Silence after which a peer of this host or of this network is given up, unless the kernel knows better. @default 3000 */
  readonly leaseMs?: number
  /** How long a peer that came back must stay before it counts as reliable. @default 30000 */
  readonly probationMs?: number
  /**
   * How long a peer may be `unreachable` before that is taken for its death. Null: never, because one that cannot be
   * heard may well be working, and what was given to somebody else is then done twice. @default null
   */
  readonly unreachableDeadAfterMs?: number | null
  /** For peers across hosts that are not heard by multicast. */
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
  const resolved: ResolvedLivelinessOptions = {
    leaseMs: options.leaseMs ?? defaultLivelinessOptions.leaseMs,
    probationMs: options.probationMs ?? defaultLivelinessOptions.probationMs,
    unreachableDeadAfterMs: options.unreachableDeadAfterMs ?? defaultLivelinessOptions.unreachableDeadAfterMs,
    phi: resolvePhiOptions(options.phi),
  }
  if (!(resolved.leaseMs >= 2 * beaconIntervalMs)) {
    throw invalidArgument(`leaseMs must be at least two beacon intervals, not ${resolved.leaseMs}`)
  }
  if (!(resolved.probationMs >= 0)) {
    throw invalidArgument(`probationMs must be 0 or more, not ${resolved.probationMs}`)
  }
  if (resolved.unreachableDeadAfterMs !== null && !(resolved.unreachableDeadAfterMs > 0)) {
    throw invalidArgument(`unreachableDeadAfterMs must be above 0, or null, not ${resolved.unreachableDeadAfterMs}`)
  }
  return Object.freeze(resolved)
}
