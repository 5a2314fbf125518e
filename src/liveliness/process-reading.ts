/** What the kernel reports of a process, where it can be asked. */
export const ProcessProbe = {
  /** Its main thread computes, or would if it got a CPU. */
  running: 'running',
  /** Its main thread waits for something, as that of an idle process does. */
  sleeping: 'sleeping',
  stopped: 'stopped',
  ioWait: 'io-wait',
  /** The cgroup freezer holds it: its container is paused. */
  frozen: 'frozen',
  /** There is a process of its pid, but the kernel does not show what it is doing (`hidepid`). */
  exists: 'exists',
  gone: 'gone',
  /** Another host, another PID namespace, or a kernel that does not tell. */
  unknown: 'unknown',
} as const
export type ProcessProbe = (typeof ProcessProbe)[keyof typeof ProcessProbe]

/** How a process ended. */
export interface ProcessEnd {
  readonly cause: 'exited' | 'killed'
  /** For people: `SIGKILL`, `exit code 1`, … */
  readonly detail: string
}

/** One look at a process. */
export interface ProcessReading {
  readonly state: ProcessProbe
  /** CPU time that all its threads have spent; null where it is unknown. */
  readonly cpuTimeMs: number | null
  /** Only of a process that is `gone`, and where the kernel still reports it. */
  readonly end: ProcessEnd | null
}

export const unknownReading: ProcessReading = Object.freeze({
  state: ProcessProbe.unknown,
  cpuTimeMs: null,
  end: null,
})
