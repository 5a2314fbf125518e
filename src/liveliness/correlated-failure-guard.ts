/** With fewer watched peers a silent majority means little. */
const minWatched = 4
/** More than this share late at once. */
const lateShare = 0.5
/** While some peers are received, abstaining ends after this many leases: the silent peers are really gone then. */
const maxLeases = 10

/** Counts the watched peers and the late ones. Another host counts as one, however many of its peers are watched. */
export interface SilenceSurvey {
  readonly watched: number
  /** Watched peers that are silent without an explanation by the kernel. */
  readonly late: number
}

export const MassSilence = {
  none: 'none',
  /** No peer is declared dead for silence alone. */
  abstain: 'abstain',
  /** Most peers are still late, but the observer receives from others: the silent peers are at fault. */
  outlived: 'outlived',
} as const
export type MassSilence = (typeof MassSilence)[keyof typeof MassSilence]

/**
 * Keeps an observer from declaring peers dead when most of them fall silent at once: more likely it is isolated itself.
 * While it receives from no peer at all, it declares none dead. While it receives from some, they prove that it is not
 * isolated, and it abstains for ten leases. Kubernetes' node controller makes the same distinction between partial and
 * full disruption: it evicts nodes more slowly, or not at all.
 */
export class CorrelatedFailureGuard {
  readonly #leaseMs: number
  /** Since when most peers are late while some are received. */
  #partialSinceMs: number | undefined

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  assess({ watched, late }: SilenceSurvey, nowMs: number): MassSilence {
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

  /** Discounts the time for which the observer itself was late. */
  discount(lateMs: number, nowMs: number): void {
    if (this.#partialSinceMs !== undefined) this.#partialSinceMs = Math.min(nowMs, this.#partialSinceMs + lateMs)
  }
}
