export interface ProcessState {
  /** As in `/proc/<pid>/stat`: `R` running, `S` sleeping, `D` waiting for a device, `T` stopped, `Z` zombie, … */
  readonly state: string
  /** CPU time spent by all its threads, user and system. */
  readonly cpuTimeMs: number
  readonly threads: number
  readonly residentBytes: number
  /** The CPU that it ran on last. */
  readonly lastCpu: number
  /** Clock ticks since boot, as `processStartTime` gives them. */
  readonly startTime: number
}
