import { invalidArgument } from '../../core/errors.js'
import { nativeAddonOrReason } from '../addon/addon.js'
import { HandleWatch } from '../addon/handle-watch.js'
import type { NativeWatch } from '../addon/native-addon.js'
import { checkPid } from '../addon/pid.js'
import { decodeWaitStatus } from '../model/exit-status.js'
import type { Watch } from '../model/watch.js'

export interface ProcessTarget {
  readonly pid: number
  /**
   * `processStartTime(pid)` taken when the process was known to be the right one: a pid that was reused since then
   * counts as gone. Pass it whenever the pid came from somewhere else.
   */
  readonly startTime?: number | null
}

export interface ProcessExit {
  /** `unknown`: it is gone, but the kernel no longer says how. */
  readonly cause: 'exited' | 'killed' | 'unknown'
  readonly exitCode: number | null
  /** Name of the signal that killed it, like `SIGKILL`; `SIG34` where it has no name. */
  readonly signal: string | null
  readonly coreDumped: boolean
  /** When this process learned it, on `performance.now()`. */
  readonly atMs: number
}

/**
 * Calls `onExit` once, within milliseconds of the process's end, whether it is a child or not: a pidfd, no polling.
 * A process that is already gone, or a zombie, is reported too, on a later turn of the event loop.
 *
 * On Linux 6.9, if we may trace it and it has other threads when the watch begins, a process has ended when none of its
 * threads can run any more: what it did is done, and what it did not do it never will. Its memory, sockets and locks
 * may be its own for some moments yet, until the kernel has freed them (100 ms per GB are usual), and its parent is told
 * after that. Elsewhere the call comes when all of that is over.
 *
 * Needs Linux 5.3. The exit code of a process that is not our child comes from PIDFD_GET_INFO (Linux 6.15) or, while
 * it is a zombie and if we may trace it, from `/proc/<pid>/stat`; otherwise the cause is `unknown`.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `pid` is not a process id.
 */
export function watchProcess(target: ProcessTarget, onExit: (exit: ProcessExit) => void): Watch {
  const pid = checkPid(target.pid)
  const startTime = target.startTime ?? null
  if (startTime !== null && !(Number.isSafeInteger(startTime) && startTime >= 0)) {
    throw invalidArgument(`startTime must be what processStartTime() returned, not ${startTime}`, { startTime })
  }
  const addon = nativeAddonOrReason()
  if (typeof addon === 'string') return HandleWatch.unavailable(addon)
  return HandleWatch.open((watch) => {
    const exited = (waitStatus: number | null): void => {
      if (watch.status.state !== 'watching') return
      watch.end()
      onExit(describeExit(waitStatus))
    }
    return addon.watchProcess(pid, startTime ?? -1, exited) ?? laterCall(() => exited(null))
  })
}

/** For a process that is gone already: the call comes on a later turn, like any other. */
function laterCall(call: () => void): NativeWatch {
  const immediate = setImmediate(call)
  return {
    close: () => clearImmediate(immediate),
    ref: () => immediate.ref(),
    unref: () => immediate.unref(),
  }
}

function describeExit(waitStatus: number | null): ProcessExit {
  const atMs = performance.now()
  if (waitStatus === null) return { cause: 'unknown', exitCode: null, signal: null, coreDumped: false, atMs }
  return { ...decodeWaitStatus(waitStatus), atMs }
}
