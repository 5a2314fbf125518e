import type { Seq } from '../core/ids.js'

/** State of a copy relative to its owner. */
export const CatchUpState = {
  /** The token equals the writer's last known seq. */
  fresh: 'fresh',
  /** The copy is behind, and a repair is due. */
  lagging: 'lagging',
  /** Nothing is applied yet, or the token is older than what the writer remembers. */
  bootstrapRequired: 'bootstrap-required',
  /** A catch-up is under way. */
  recovering: 'recovering',
  /** No request can reach the writer. */
  unavailable: 'unavailable',
} as const
export type CatchUpState = (typeof CatchUpState)[keyof typeof CatchUpState]

interface Run {
  readonly prevSeq: Seq
  lastSeq: Seq
}

const maxRuns = 64

/**
 * Tracks how far a copy is behind one writer. The token (`appliedSeq`) only rises, and only over changes that were all
 * received. Frames that arrive beyond a gap are remembered as runs, so that one repair closes the gap.
 */
export class WriterProgress {
  #appliedSeq: Seq = 0
  #headSeq: Seq = 0
  /**
   * Runs received beyond the token, in order and disjoint. If there are too many, the oldest is forgotten. That costs a
   * repair, never a change.
   */
  readonly #runs: Run[] = []

  get appliedSeq(): Seq {
    return this.#appliedSeq
  }
  /** The writer's last seq, as far as is known. */
  get headSeq(): Seq {
    return this.#headSeq
  }
  get lagSamples(): number {
    return this.#headSeq - this.#appliedSeq
  }
  /** Number of changes up to the head that have not been received. */
  get missing(): number {
    let missing = this.#headSeq - this.#appliedSeq
    let fromSeq = this.#appliedSeq
    for (const { prevSeq, lastSeq } of this.#runs) {
      missing -= Math.max(0, lastSeq - Math.max(prevSeq, fromSeq))
      fromSeq = Math.max(fromSeq, lastSeq)
    }
    return missing
  }
  /** Whether a change was missed that only a repair will bring. */
  get hasGap(): boolean {
    return this.#appliedSeq < this.#headSeq
  }

  /** Takes the last seq that the writer announces. */
  announce(headSeq: Seq): void {
    if (headSeq > this.#headSeq) this.#headSeq = headSeq
  }

  /** Takes a live frame that carried everything after `prevSeq` up to `lastSeq`. */
  receive(prevSeq: Seq, lastSeq: Seq): void {
    this.announce(lastSeq)
    if (lastSeq <= this.#appliedSeq) return
    if (prevSeq <= this.#appliedSeq) this.#appliedSeq = lastSeq
    else this.#remember(prevSeq, lastSeq)
    this.#joinRuns()
  }

  /** Takes a catch-up reply that brought everything up to `seq`. */
  advanceTo(seq: Seq): void {
    this.announce(seq)
    if (seq > this.#appliedSeq) this.#appliedSeq = seq
    this.#joinRuns()
  }

  /**
   * Takes the last seq from the writer itself and forgets higher numbers that were announced. The token stays. The
   * caller judges a token beyond the writer's last seq.
   */
  retract(headSeq: Seq): void {
    this.#headSeq = Math.max(headSeq, this.#appliedSeq)
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      if ((this.#runs[at] as Run).lastSeq > this.#headSeq) this.#runs.splice(at, 1)
    }
  }

  /**
   * Skips the missed changes before `prevSeq`. Returns how many numbers it skipped; some of them may have been
   * overwritten.
   */
  skipTo(prevSeq: Seq): number {
    const skipped = Math.max(0, prevSeq - this.#appliedSeq)
    this.advanceTo(prevSeq)
    return skipped
  }

  #remember(prevSeq: Seq, lastSeq: Seq): void {
    const last = this.#runs.at(-1)
    if (last !== undefined && prevSeq >= last.prevSeq && prevSeq <= last.lastSeq) {
      last.lastSeq = Math.max(last.lastSeq, lastSeq)
      return
    }
    let at = this.#runs.length
    while (at > 0 && (this.#runs[at - 1] as Run).prevSeq > prevSeq) at--
    this.#runs.splice(at, 0, { prevSeq, lastSeq })
    if (this.#runs.length > maxRuns) this.#runs.shift()
  }

  #joinRuns(): void {
    let joined = 0
    for (const run of this.#runs) {
      if (run.prevSeq > this.#appliedSeq) break
      if (run.lastSeq > this.#appliedSeq) this.#appliedSeq = run.lastSeq
      joined++
    }
    if (joined > 0) this.#runs.splice(0, joined)
  }
}
