import type { Seq } from '../core/ids.js'

interface Waiting<Frame> {
  readonly prevSeq: Seq
  readonly lastSeq: Seq
  readonly samples: number
  readonly frame: Frame
}

/** Number of samples that may wait for the repair of a gap. The same request also brings samples beyond that number. */
const maxSamples = 16_384

/**
 * Holds frames of one writer that arrived beyond a gap, for readers that need every sample in order. Bounded: a frame
 * that does not fit is refused, and the repair brings it again.
 */
export class ReorderBuffer<Frame> {
  readonly #waiting: Waiting<Frame>[] = []
  #samples = 0

  get samples(): number {
    return this.#samples
  }

  /** Returns false if there is no room, or if the buffer already holds the frame. */
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

  /** Removes and returns the next frame that continues from the token, or lies behind it. */
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
