/** What an observer holds of a participant. Only `dead` may make a scheduler reassign. */
export const Liveliness = {
  alive: 'alive',
  /** The process exists and its loop does not run, or runs late. */
  stalled: 'stalled',
  /** Overdue, and nothing is known yet of why. */
  suspect: 'suspect',
  /** Nothing of it arrives here, and it answers no request: it may well be working. */
  unreachable: 'unreachable',
  dead: 'dead',
} as const
export type Liveliness = (typeof Liveliness)[keyof typeof Liveliness]

export const LivelinessCause = {
  /** Its process ended by itself, or is gone and the kernel does not report how. */
  exited: 'exited',
  /** A signal ended it; the detail names the signal where it is known. */
  killed: 'killed',
  /** It announced that it was leaving. */
  goodbye: 'goodbye',
  /** Silent for its whole lease, and neither the kernel nor other peers of its host showed more. */
  leaseExpired: 'lease-expired',
  /** Its process exists and answers nothing, and the kernel does not show what it is doing. */
  unknown: 'unknown',
  /** Its main loop is occupied: by computing, or by a synchronous call. */
  loopBusy: 'loop-busy',
  /** Its process is stopped, as by SIGSTOP or a debugger. */
  stopped: 'stopped',
  /** Its main thread waits for a device and cannot be interrupted. */
  ioWait: 'io-wait',
  /** The cgroup freezer holds its process, as in a paused container. */
  frozen: 'frozen',
  /** No peer of its host, or of its network namespace, is received. */
  hostSilent: 'host-silent',
  /** Only of a worker in a fleet view: no server that runs reports it, so nothing is known of it now. */
  unserved: 'unserved',
  /** A later incarnation has taken its place. */
  replaced: 'replaced',
} as const
export type LivelinessCause = (typeof LivelinessCause)[keyof typeof LivelinessCause]

/** What a verdict rests on. */
export const VerdictEvidence = {
  /** The kernel of this host was asked, or reported it. */
  kernel: 'kernel',
  /** Frames of the participant, or of its replacement. */
  beacon: 'beacon',
  /** How long it has been silent, against its lease. */
  lease: 'lease',
  /** How unlikely its silence is, given how regular it was. */
  phi: 'phi',
  /** Its own goodbye. */
  goodbye: 'goodbye',
} as const
export type VerdictEvidence = (typeof VerdictEvidence)[keyof typeof VerdictEvidence]

export interface Verdict {
  readonly liveliness: Liveliness
  /** Null while alive, and while suspect. */
  readonly cause: LivelinessCause | null
  /** For people: `SIGKILL`, `exit code 1`, … */
  readonly detail: string | null
  /** Monotonic time at which liveliness or cause last changed. */
  readonly sinceMs: number
  readonly evidence: VerdictEvidence
  /**
   * Monotonic time from which it counts as reliable: after a return, when its probation ends. Null while it is
   * not alive. See {@link isReliable}.
   */
  readonly reliableFromMs: number | null
}

/** What follows from a piece of evidence, at any time. */
export type Finding = Pick<Verdict, 'liveliness' | 'cause' | 'detail' | 'evidence'>

/** The verdict on a participant that is received for the first time. */
export function aliveVerdict(nowMs: number): Verdict {
  return {
    liveliness: Liveliness.alive,
    cause: null,
    detail: null,
    sinceMs: nowMs,
    evidence: VerdictEvidence.beacon,
    reliableFromMs: nowMs,
  }
}

/** Whether both find the same: liveliness, cause and detail. When they were found makes no difference. */
export function sameVerdict(a: Verdict, b: Verdict | undefined): boolean {
  return a.liveliness === b?.liveliness && a.cause === b.cause && a.detail === b.detail
}

/** Alive, and not on probation. */
export function isReliable(verdict: Verdict, nowMs: number): boolean {
  return verdict.reliableFromMs !== null && nowMs >= verdict.reliableFromMs
}
