/** What an observer holds of a participant. Only `dead` may make a scheduler reassign. */
export const Liveliness = {
  alive: 'alive',
  /** The process exists and its loop does not run, or runs late. */
  stalled: 'stalled',
  /** Overdue, and nobody could be asked why. */
  suspect: 'suspect',
  /** Its host is silent: it may well be working. */
  unreachable: 'unreachable',
  dead: 'dead',
} as const
export type Liveliness = (typeof Liveliness)[keyof typeof Liveliness]

export const LivelinessCause = {
  exited: 'exited',
  killed: 'killed',
  goodbye: 'goodbye',
  leaseExpired: 'lease-expired',
  loopBusy: 'loop-busy',
  stopped: 'stopped',
  ioWait: 'io-wait',
  hostSilent: 'host-silent',
  replaced: 'replaced',
} as const
export type LivelinessCause = (typeof LivelinessCause)[keyof typeof LivelinessCause]

export interface Verdict {
  readonly liveliness: Liveliness
  /** Null while alive. */
  readonly cause: LivelinessCause | null
  /** For people: `SIGKILL`, `exit code 1`, … */
  readonly detail: string | null
  /** Monotonic time at which liveliness or cause last changed. */
  readonly sinceMs: number
}

/** What the kernel says of a process, when it can be asked. */
export const ProcessProbe = {
  running: 'running',
  stopped: 'stopped',
  ioWait: 'io-wait',
  gone: 'gone',
  /** Another host or another PID namespace. */
  unknown: 'unknown',
} as const
export type ProcessProbe = (typeof ProcessProbe)[keyof typeof ProcessProbe]
