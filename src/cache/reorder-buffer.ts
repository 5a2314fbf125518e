import type { Seq } from '../core/ids.js'

interface Waiting<Frame> {
  readonly prevSeq: Seq
  readonly lastSeq: Seq
  readonly samples: number
  readonly frame: Frame
}

/** Samples that may wait for a gap to be repaired; what is over is repaired too, by the same request. */
const maxSamples = 16_384

/**
 * Frames of one writer that came beyond a gap, for readers that need every sample in its order. Bounded: what does
 * not fit is not taken, and comes again with the repair.
 */
export class ReorderBuffer<Frame> {
  readonly #waiting: Waiting<Frame>[] = []
  #samples = 0

  get samples(): number {
    return this.#samples
  }

  /** False when it has no room, or holds that frame already. */
  add(prevSeq: Seq, lastSeq: Seq, samples: number, frame: Frame): boolean {
    let at = this.#waiting.length
    while (at > 0 && (this.#waiting[at - 1] as Waiting<Frame>).prevSeq > prevSeq) at--
    const before = this.#waiting[at - 1]
    if (before !== undefined && before.lastSeq >= lastSeq) return false
    if (this.#samples + samples > maxSamples) return false
    this.#waiting.splice(at, 0, { prevSeq, lastSeq, samples, frame })
    this.#samples += samples
    return true
  }

  /** The next frame that goes on from the token, or lies behind it. */
  shift(appliedSeq: Seq): Frame | undefined {
    const [first] = this.#waiting
    if (first === undefined || first.prevSeq > appliedSeq) return undefined
    this.#waiting.shift()
    this.#samples -= first.samples
    return first.frame
  }

  clear(): void {
    this.#waiting.length = 0
    this.#samples = 0
  }
}
