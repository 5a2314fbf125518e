import { invalidArgument } from '../../core/errors.js'

/** Whether a process could have this pid. The kernel's own ceiling (PID_MAX_LIMIT) on 64-bit machines is 2^22. */
export function isPid(pid: number): boolean {
  return Number.isInteger(pid) && pid >= 1 && pid <= 0x400000
}

/** @throws NumacastError `NUMACAST_INVALID_ARGUMENT`, also for the `undefined` of a child that could not be spawned. */
export function checkPid(pid: number): number {
  if (!isPid(pid)) {
    throw invalidArgument(`pid must be an integer from 1 to 4194304, not ${String(pid)}`, { pid })
  }
  return pid
}

/** As {@link checkPid}; for the addon, 0 stands for this process. */
export function pidOrSelf(pid: number | undefined): number {
  return pid === undefined ? 0 : checkPid(pid)
}
