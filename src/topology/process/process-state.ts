import { nativeAddon } from '../addon/addon.js'
import { checkPid } from '../addon/pid.js'
import { decodeWaitStatus } from '../model/exit-status.js'
import type { ProcessState } from '../model/process-stat.js'

/** Returns what a process is doing; `null` when there is none of that pid, or this is not Linux with the addon. */
export function readProcessState(pid: number): ProcessState | null {
  const checked = checkPid(pid)
  const found = nativeAddon()?.readProcessState(checked) ?? null
  if (found === null) return null
  const { waitStatus, ...state } = found
  return { ...state, exit: waitStatus === null ? null : decodeWaitStatus(waitStatus) }
}

/**
 * Returns when a process began, in clock ticks since boot, on the host's clock: with the pid it names a process for as
 * long as the machine runs. The kernel shifts what it shows by the reader's time namespace (time_namespaces(7)); this
 * figure is shifted back, so readers in all time namespaces get the same. Compare two with {@link isSameStartTime}.
 *
 * `null` if there is no such process, or if this is not Linux with the addon. Also `null` if the offset of this
 * process's own time namespace cannot be read.
 */
export function processStartTime(pid: number): number | null {
  return readProcessState(pid)?.startTime ?? null
}

/**
 * Whether two start times are of one process. They may differ by one tick (10 ms): the offset of a time namespace need
 * not be a whole number of ticks, and the kernel rounds. No pid is used again that fast.
 */
export function isSameStartTime(one: number, other: number): boolean {
  return Math.abs(one - other) <= 1
}
