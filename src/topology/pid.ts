import { invalidArgument } from '../core/errors.js'

/** A process id for the addon, where 0 stands for this process. */
export function checkPid(pid: number | undefined): number {
  if (pid === undefined) return 0
  // The kernel's own ceiling (PID_MAX_LIMIT) on 64-bit machines is 2^22.
  if (!Number.isInteger(pid) || pid < 1 || pid > 0x400000) {
    throw invalidArgument(`pid must be an integer from 1 to 4194304, not ${pid}`, { pid })
  }
  return pid
}
