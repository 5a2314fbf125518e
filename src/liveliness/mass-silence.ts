/** Fewer than these are no crowd: that most of three are silent means little. */
const minWatched = 4
/** More than this share late at once. */
const lateShare = 0.5
/** With somebody still heard, this many leases of abstaining are enough: then the many are really gone. */
const maxLeases = 10

/** Who is late among those that are watched. Another host counts as one, however many of its peers are watched. */
export interface Survey {
  readonly watched: number
  /** Of these, those that are silent without an explanation by the kernel. */
  readonly late: number
}

/**
 * When most of those that an observer watches fall silent at once, it is more likely that it has gone deaf than that
 * they all died in the same moment: then it buries nobody. For as long as nobody at all is heard; and for ten leases
 * when some are, because those prove that it can hear. Kubernetes' node controller distinguishes alike (partial and full
 * disruption: nodes are evicted slower, or not at all).
 */
export class MassSilence {
  readonly #leaseMs: number
  #sinceMs: number | undefined

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  /** Whether to abstain now. */
  look({ watched, late }: Survey, nowMs: number): boolean {
    if (watched < minWatched || late <= lateShare * watched) {
      this.#sinceMs = undefined
      return false
    }
    this.#sinceMs ??= nowMs
    return late === watched || nowMs - this.#sinceMs < maxLeases * this.#leaseMs
  }

  /** The observer was late itself. */
  credit(lateMs: number, nowMs: number): void {
    if (this.#sinceMs !== undefined) this.#sinceMs = Math.min(nowMs, this.#sinceMs + lateMs)
  }
}
