import { invalidArgument } from '../../core/errors.js'
import { nativeAddonOrReason } from '../addon/addon.js'
import { HandleWatch } from '../addon/handle-watch.js'
import type { Watch } from '../model/watch.js'
import { cgroupFile } from './cgroup-file.js'

export interface PressureTrigger {
  readonly resource: 'cpu' | 'memory' | 'io'
  /** `some`: any task stalled. `full`: all of them. */
  readonly kind: 'some' | 'full'
  /** Fires when the stall time within one window reaches this. */
  readonly stallUs: number
  /** From 500,000 to 10,000,000. Without CAP_SYS_RESOURCE the kernel takes multiples of 2,000,000 only. */
  readonly windowUs: number
  /**
   * The whole machine, this process's own cgroup (v2), or the directory of a cgroup.
   * @default 'system'
   */
  readonly scope?: 'system' | 'self' | { readonly directory: string }
}

export interface PressureEvent {
  /** Stall time since the kernel began counting. */
  readonly totalUs: number
  /** Stall time since the last event, or since arming. */
  readonly stalledUs: number
  /** On `performance.now()`. */
  readonly atMs: number
}

/**
 * Calls `onEvent` when the kernel reports that tasks were stalled for `stallUs` within `windowUs`, at most once per window
 * (a PSI trigger, no polling). Wake-ups without a grown `total`, which unprivileged triggers produce right after
 * arming, are dropped. The watch ends when the cgroup is removed.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when the kernel could never accept the trigger.
 */
export function watchPressure(trigger: PressureTrigger, onEvent: (event: PressureEvent) => void): Watch {
  checkTrigger(trigger)
  const { resource, kind, stallUs, windowUs, scope = 'system' } = trigger
  const addon = nativeAddonOrReason()
  if (typeof addon === 'string') return HandleWatch.unavailable(addon)
  const file =
    scope === 'system'
      ? `/proc/pressure/${resource}`
      : cgroupFile(`${resource}.pressure`, scope === 'self' ? undefined : scope.directory)
  if (file === null) return HandleWatch.unavailable('this process is in no visible cgroup v2: use scope "system"')
  return HandleWatch.open((watch) =>
    addon.watchPressure(file, kind, stallUs, windowUs, (totalUs, stalledUs) => {
      if (totalUs === null) watch.end()
      else onEvent({ totalUs, stalledUs, atMs: performance.now() })
    }),
  )
}

function checkTrigger({ resource, kind, stallUs, windowUs }: PressureTrigger): void {
  if (resource !== 'cpu' && resource !== 'memory' && resource !== 'io') {
    throw invalidArgument(`resource must be cpu, memory or io, not ${String(resource)}`)
  }
  if (kind !== 'some' && kind !== 'full') throw invalidArgument(`kind must be some or full, not ${String(kind)}`)
  if (!Number.isInteger(windowUs) || windowUs < 500_000 || windowUs > 10_000_000) {
    throw invalidArgument(`windowUs must be an integer from 500000 to 10000000, not ${windowUs}`, { windowUs })
  }
  if (!Number.isInteger(stallUs) || stallUs < 1 || stallUs > windowUs) {
    throw invalidArgument(`stallUs must be an integer from 1 to windowUs (${windowUs}), not ${stallUs}`, { stallUs })
  }
}
