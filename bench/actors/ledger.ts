/**
 * Counts messages that are numbered from 0, each once. Order is not demanded, because a repair brings what was missed
 * after what came later, but nothing may be missing in the end and nothing may come twice.
 */
export class Ledger {
  readonly #ahead = new Set<number>()
  #complete = 0

  /** How many are here without any missing before them. */
  get complete(): number {
    return this.#complete
  }

  /** @throws Error when `number` was entered before */
  enter(number: number): void {
    if (number < this.#complete || this.#ahead.has(number)) throw new Error(`message ${number} was delivered twice`)
    if (number !== this.#complete) {
      this.#ahead.add(number)
      return
    }
    do this.#complete++
    while (this.#ahead.size > 0 && this.#ahead.delete(this.#complete))
  }
}
