import type { Seq } from '../core/ids.js'

/** Dead pairs that a small log may have before it is swept. */
const sweepSlack = 64

/**
 * Changes in the order of their numbers: a log of (seq, slot) pairs. A slot that is used again under a new seq, or
 * given up (seq 0), makes its old pair dead (`slot.seq !== seq`); dead pairs are skipped, and swept out when they
 * outnumber the live ones. So a change costs O(1), and "everything after a token" is a binary search and a walk.
 */
export class ChangeLog<Slot extends { seq: Seq }> {
  #seqs: Seq[] = []
  #slots: Slot[] = []
  #live = 0

  /** `slot` has just been given a seq above all others. */
  append(slot: Slot): void {
    this.#seqs.push(slot.seq)
    this.#slots.push(slot)
    this.#live++
    this.#sweepIfMostAreDead()
  }

  /** The slot's present pair is dead from now on. */
  kill(slot: Slot): void {
    slot.seq = 0
    this.#live--
    this.#sweepIfMostAreDead()
  }

  /** Pairs that it holds, dead ones included. */
  get length(): number {
    return this.#seqs.length
  }

  /** Live slots above `seq`, in order. Valid until the next `append` or `kill`. */
  *after(seq: Seq): IterableIterator<Slot> {
    for (let index = this.#search(seq); index < this.#seqs.length; index++) {
      const slot = this.#slots[index] as Slot
      if (slot.seq === this.#seqs[index]) yield slot
    }
  }

  /** First index whose seq is above `seq`. */
  #search(seq: Seq): number {
    let low = 0
    let high = this.#seqs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#seqs[middle] as Seq) <= seq) low = middle + 1
      else high = middle
    }
    return low
  }

  #sweepIfMostAreDead(): void {
    if (this.#seqs.length <= 2 * this.#live + sweepSlack) return
    const slots = [...this.after(0)]
    this.#slots = slots
    this.#seqs = slots.map(({ seq }) => seq)
  }
}
