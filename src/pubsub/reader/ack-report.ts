import type { Seq } from '../../core/ids.js'

/** A writer that asks again this long after a report has not received it, or has forgotten it. */
const repeatMs = 1_000

/** Tracks what a writer knows of its reader's progress: each pull reports it, and the writer may ask for it. */
export class AckReport {
  #askedSeq: Seq = -1
  /** −1: nothing has been reported yet, not even 0. */
  #reportedSeq: Seq = -1
  #reportedMs = Number.NEGATIVE_INFINITY

  /** The writer asks which readers have every change up to `seq`. */
  asked(seq: Seq, nowMs: number): void {
    this.#askedSeq = Math.max(this.#askedSeq, seq)
    if (nowMs - this.#reportedMs > repeatMs) this.#reportedSeq = -1
  }

  /** A pull that reported `seq` was answered. Returns true when that was more than before, and asked for. */
  reported(seq: Seq, nowMs: number): boolean {
    const isWanted = this.isWanted(seq)
    this.#reportedMs = nowMs
    this.#reportedSeq = Math.max(this.#reportedSeq, seq)
    return isWanted
  }

  /** Whether the writer asked for more than it knows, and `appliedSeq` is more. */
  isWanted(appliedSeq: Seq): boolean {
    return this.#askedSeq > this.#reportedSeq && appliedSeq > this.#reportedSeq
  }
}
