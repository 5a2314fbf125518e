/** Fewer than these are no crowd: that most of three are silent means little. */
const minWatched = 4
/** More than this share late at once. */
const lateShare = 0.5
/** With somebody still heard, this many leases of abstaining are enough: then the many are really gone. */
const maxLeases = 10

/** Who is late among those that are watched. Another host counts as one, however many of its peers are watched. */
export interface SilenceSurvey {
  readonly watched: number
  /** Of these, those that are silent without an explanation by the kernel. */
  readonly late: number
}

export const MassSilence = {
  none: 'none',
  /** Nobody is to be found dead for silence alone. */
  abstain: 'abstain',
  /** Most are late still, but the observer hears others: the silence is theirs. */
  outlived: 'outlived',
} as const
export type MassSilence = (typeof MassSilence)[keyof typeof MassSilence]

/**
 * When most of those that an observer watches fall silent at once, it is more likely that it has gone deaf than that
 * they all died in the same moment: then it buries nobody. For as long as nobody at all is heard; and for ten leases
 * when some are, because those prove that it can hear. Kubernetes' node controller distinguishes alike (partial and full
 * disruption: nodes are evicted slower, or not at all).
 */
export class CorrelatedFailureGuard {
  readonly #leaseMs: number
  /** Most are late, and some are heard, since then. */
  #partialSinceMs: number | undefined

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  look({ watched, late }: SilenceSurvey, nowMs: number): MassSilence {
    if (watched < minWatched || late <= lateShare * watched) {
      this.#partialSinceMs = undefined
      return MassSilence.none
    }
    if (late === watched) {
      this.#partialSinceMs = undefined
      return MassSilence.abstain
    }
    this.#partialSinceMs ??= nowMs
    return nowMs - this.#partialSinceMs < maxLeases * this.#leaseMs ? MassSilence.abstain : MassSilence.outlived
  }

  /** The observer was late itself. */
  credit(lateMs: number, nowMs: number): void {
    if (this.#partialSinceMs !== undefined) this.#partialSinceMs = Math.min(nowMs, this.#partialSinceMs + lateMs)
  }
}
