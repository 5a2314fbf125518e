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
   * counts as gone. Pass it whenever the pid came from another process.
   */
  readonly startTime?: number | null
  /**
   * Set it when the process was known to be alive just now, for example because a frame of it has just arrived. The pid
   * then suffices where the start time cannot be compared: `/proc` hides the process (`hidepid`), or the offset of this
   * process's time namespace is unknown. Otherwise the watch is `unavailable` there.
   * @default false
   */
  readonly isAlive?: boolean
}

/** How a {@link ProcessExit} is known. */
export const ExitEvidence = {
  /** The kernel reported the end of the process that was watched. */
  pidfd: 'pidfd',
  /** There was no process of that pid when the watch began. */
  noProcess: 'no-process',
  /**
   * The process of that pid had another start time when the watch began. The pid was reused; or the process was
   * checkpointed and restored (CRIU), and is alive with a new start time.
   */
  otherStartTime: 'other-start-time',
} as const
export type ExitEvidence = (typeof ExitEvidence)[keyof typeof ExitEvidence]

export interface ProcessExit {
  /** `unknown`: it is gone, but the kernel no longer tells how. */
  readonly cause: 'exited' | 'killed' | 'unknown'
  readonly exitCode: number | null
  /** Name of the signal that killed it, like `SIGKILL`; `SIG34` where it has no name. */
  readonly signal: string | null
  readonly coreDumped: boolean
  readonly evidence: ExitEvidence
  /** When this process learned it, on `performance.now()`. */
  readonly atMs: number
}

/**
 * Calls `onExit` once, within milliseconds of the process's end, whether it is a child or not: a pidfd, no polling.
 * A process that is already gone, or a zombie, is reported too, on a later turn of the event loop.
 *
 * A process has ended when none of its threads can run any more. Its memory, sockets and locks may remain for a moment,
 * until the kernel has freed them (100 ms per GB are usual); its parent is told after that. This early notice needs
 * Linux 6.9, permission to trace the process, and threads beside the main one when the watch begins. Elsewhere `onExit`
 * is called when the kernel has freed everything.
 *
 * The watch holds one descriptor, and up to five more for the early notice. Once half of this process's descriptors
 * (RLIMIT_NOFILE) are in use, new watches do without it. When no descriptor is left, or for any other reason the watch
 * cannot be opened, its `status` is `unavailable` with the reason.
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
    const exited = (waitStatus: number | null, evidence: ExitEvidence): void => {
      if (watch.status.state !== 'watching') return
      watch.end()
      onExit(describeExit(waitStatus, evidence))
    }
    const handle = addon.watchProcess(pid, startTime ?? -1, target.isAlive === true, (waitStatus) =>
      exited(waitStatus, ExitEvidence.pidfd),
    )
    if (handle === null) return laterCall(() => exited(null, ExitEvidence.noProcess))
    if (handle === false) return laterCall(() => exited(null, ExitEvidence.otherStartTime))
    return handle
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

function describeExit(waitStatus: number | null, evidence: ExitEvidence): ProcessExit {
  const how =
    waitStatus === null
      ? ({ cause: 'unknown', exitCode: null, signal: null, coreDumped: false } as const)
      : decodeWaitStatus(waitStatus)
  return { ...how, evidence, atMs: performance.now() }
}
