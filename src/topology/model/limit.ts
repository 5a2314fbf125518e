/**
 * Why a reading is missing.
 *
 * - `unreadable`: the file is there, but could not be read or holds something that is not a reading.
 * - `not-mounted`: no visible mount carries the controller.
 * - `outside-mount`: the process's cgroup lies above or beside everything that is mounted here.
 * - `unsupported`: this platform has no cgroups, or the addon is not compiled (see `addonStatus()`).
 */
export type UnknownReason = 'unreadable' | 'not-mounted' | 'outside-mount' | 'unsupported'

/** A limit, no limit, and not known are three different answers. */
export type Limit =
  | {
      readonly state: 'limited'
      readonly value: number
      /** Directory of the cgroup that sets it, the tightest on the way from the process's own to the mount's root. */
      readonly levelPath: string
    }
  | { readonly state: 'unlimited' }
  | { readonly state: 'unknown'; readonly reason: UnknownReason }

/** The limit as one number: `Infinity` when unlimited, `NaN` when unknown. */
export function limitValue(limit: Limit): number {
  if (limit.state === 'limited') return limit.value
  return limit.state === 'unlimited' ? Number.POSITIVE_INFINITY : Number.NaN
}
