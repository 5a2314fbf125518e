import { nativeAddon } from './addon.js'
import { checkPid } from './pid.js'

export interface ProcessState {
  /** As in `/proc/<pid>/stat`: `R` running, `S` sleeping, `D` waiting for a device, `T` stopped, `Z` zombie, … */
  readonly state: string
  /** CPU time spent by all its threads, user and system. */
  readonly cpuTimeMs: number
  readonly threads: number
  readonly residentBytes: number
  /** The CPU that it ran on last. */
  readonly lastCpu: number
  /** Clock ticks since boot, as {@link processStartTime}. */
  readonly startTime: number
}

/** What a process is doing; `null` when there is none of that pid, or this is not Linux with the addon. */
export function readProcessState(pid: number): ProcessState | null {
  const checked = checkPid(pid)
  return nativeAddon()?.readProcessState(checked) ?? null
}

/**
 * When a process began, in clock ticks since boot: with the pid it names a process for as long as the machine runs.
 * `null` when there is none of that pid, or this is not Linux with the addon.
 */
export function processStartTime(pid: number): number | null {
  return readProcessState(pid)?.startTime ?? null
}
