import type { Seq } from '../core/ids.js'

/** Number of dead pairs at which a small log is compacted. */
const sweepSlack = 64

/**
 * Changes in the order of their numbers: a log of (seq, slot) pairs. A slot that gets a new seq, or is released (seq
 * 0), makes its old pair dead (`slot.seq !== seq`). A walk skips dead pairs. They are removed when they outnumber the
 * live ones. A change therefore costs O(1), and "everything after a token" is a binary search and a walk.
 */
export class ChangeLog<Slot extends { seq: Seq }> {
  #seqs: Seq[] = []
  #slots: Slot[] = []
  #live = 0

  /** Appends a slot whose seq is above all others. */
  append(slot: Slot): void {
    this.#seqs.push(slot.seq)
    this.#slots.push(slot)
    this.#live++
    this.#sweepIfMostAreDead()
  }

  /** Makes the slot's pair dead. */
  kill(slot: Slot): void {
    slot.seq = 0
    this.#live--
    this.#sweepIfMostAreDead()
  }

  /** Number of pairs, including dead ones. */
  get length(): number {
    return this.#seqs.length
  }

  /** Yields the live slots above `seq`, in order. Valid until the next `append` or `kill`. */
  *after(seq: Seq): IterableIterator<Slot> {
    for (let index = this.#search(seq); index < this.#seqs.length; index++) {
      const slot = this.#slots[index] as Slot
      if (slot.seq === this.#seqs[index]) yield slot
    }
  }

  /** Returns the first index whose seq is above `seq`. */
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
