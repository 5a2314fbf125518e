export interface MemorySample {
  /** Of the zone's memory, or of what its cgroup allows. */
  readonly usedShare: number
  /** Jobs of the zone's workers. */
  readonly inFlight: number
  readonly observedMs: number
}

/** How much of a zone's memory is used, and by what. */
export interface MemoryUse {
  readonly observedMs: number
  readonly usedShare: number
  /** What is used without jobs. */
  readonly baseShare: number
  /** What a job comes to use. */
  readonly jobShare: number
  /** What is used, or what the jobs in flight will come to use, whichever is more. */
  readonly committedShare: number
}

/** A higher base is taken over within some of this time: memory that jobs use for long looks like it. */
const baseMs = 10 * 60_000
/** A smaller use by jobs is taken over within some of this time; a larger one at once. */
const jobMs = 2 * 60_000

/**
 * Estimates what a zone's memory is used for, from the use and the number of jobs over time. The base is the lowest use,
 * or the present one while there is no job. What is used beyond it is divided among the jobs in flight.
 */
export function estimateUse(
  { usedShare, inFlight, observedMs }: MemorySample,
  before: MemoryUse | undefined,
): MemoryUse {
  if (before === undefined) {
    return { observedMs, usedShare, baseShare: usedShare, jobShare: 0, committedShare: usedShare }
  }
  const elapsedMs = Math.max(0, observedMs - before.observedMs)
  const isIdle = inFlight === 0
  const baseShare =
    isIdle || usedShare <= before.baseShare ? usedShare : approach(before.baseShare, usedShare, elapsedMs / baseMs)
  const nowShare = isIdle ? 0 : (usedShare - baseShare) / inFlight
  const jobShare = Math.max(nowShare, approach(before.jobShare, nowShare, elapsedMs / jobMs))
  const committedShare = Math.max(usedShare, baseShare + inFlight * jobShare)
  return { observedMs, usedShare, baseShare, jobShare, committedShare }
}

function approach(from: number, to: number, times: number): number {
  return to + (from - to) * Math.exp(-times)
}
