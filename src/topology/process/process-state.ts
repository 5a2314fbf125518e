import { nativeAddon } from '../addon/addon.js'
import { checkPid } from '../addon/pid.js'
import { decodeWaitStatus } from '../model/exit-status.js'
import type { ProcessState } from '../model/process-stat.js'

/** What a process is doing; `null` when there is none of that pid, or this is not Linux with the addon. */
export function readProcessState(pid: number): ProcessState | null {
  const checked = checkPid(pid)
  const found = nativeAddon()?.readProcessState(checked) ?? null
  if (found === null) return null
  const { waitStatus, ...state } = found
  return { ...state, exit: waitStatus === null ? null : decodeWaitStatus(waitStatus) }
}

/**
 * When a process began, in clock ticks since boot: with the pid it names a process for as long as the machine runs.
 * `null` when there is none of that pid, or this is not Linux with the addon.
 */
export function processStartTime(pid: number): number | null {
  return readProcessState(pid)?.startTime ?? null
}
