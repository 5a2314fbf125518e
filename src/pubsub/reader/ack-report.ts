import type { Seq } from '../../core/ids.js'

/** A writer that asks again so long after it was told has not understood, or has forgotten. */
const repeatMs = 1_000

/** What a writer knows of how far its reader is: that is told with each pull, and wanted when the writer asks. */
export class AckReport {
  #askedSeq: Seq = -1
  /** −1: nothing, not even that nothing has been applied. */
  #toldSeq: Seq = -1
  #toldMs = Number.NEGATIVE_INFINITY

  /** The writer wants to know who has everything up to `seq`. */
  asked(seq: Seq, nowMs: number): void {
    this.#askedSeq = Math.max(this.#askedSeq, seq)
    if (nowMs - this.#toldMs > repeatMs) this.#toldSeq = -1
  }

  /** A pull that said `seq` was answered. True when that was more than before, and asked for. */
  tell(seq: Seq, nowMs: number): boolean {
    const isWanted = this.isWanted(seq)
    this.#toldMs = nowMs
    this.#toldSeq = Math.max(this.#toldSeq, seq)
    return isWanted
  }

  /** Whether the writer asked for more than it knows, and `appliedSeq` is more. */
  isWanted(appliedSeq: Seq): boolean {
    return this.#askedSeq > this.#toldSeq && appliedSeq > this.#toldSeq
  }
}
