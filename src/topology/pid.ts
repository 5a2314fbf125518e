import { invalidArgument } from '../core/errors.js'

/** @throws NumacastError `NUMACAST_INVALID_ARGUMENT`, also for the `undefined` of a child that could not be spawned. */
export function checkPid(pid: number): number {
  // The kernel's own ceiling (PID_MAX_LIMIT) on 64-bit machines is 2^22.
  if (!Number.isInteger(pid) || pid < 1 || pid > 0x400000) {
    throw invalidArgument(`pid must be an integer from 1 to 4194304, not ${String(pid)}`, { pid })
  }
  return pid
}

/** As {@link checkPid}; for the addon, 0 stands for this process. */
export function pidOrSelf(pid: number | undefined): number {
  return pid === undefined ? 0 : checkPid(pid)
}
