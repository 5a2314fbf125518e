import type { ExitStatus } from './exit-status.js'

export interface ProcessState {
  /** As in `/proc/<pid>/stat`: `R` running, `S` sleeping, `D` waiting for a device, `T` stopped, `Z` zombie, … */
  readonly state: string
  /**
   * None of its threads can run any more. It may be a zombie, or running or waiting by its `state` and using CPU still:
   * that is the kernel, which frees its memory.
   */
  readonly ended: boolean
  /** How it ended; `null` before, and where the kernel does not tell: this process must be allowed to trace it. */
  readonly exit: ExitStatus | null
  /** CPU time spent by all its threads, user and system. */
  readonly cpuTimeMs: number
  readonly threads: number
  readonly residentBytes: number
  /** The CPU that it ran on last. */
  readonly lastCpu: number
  /** As `processStartTime` returns it. */
  readonly startTime: number | null
}
