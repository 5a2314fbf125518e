/**
 * Counts messages that are numbered from 0, each once. Any order is accepted, because a repair delivers missed messages
 * after later ones. Nothing may be missing at the end, and nothing may arrive twice.
 */
export class Ledger {
  readonly #ahead = new Set<number>()
  #complete = 0

  /** Number of messages up to the first missing one. */
  get complete(): number {
    return this.#complete
  }

  /** @throws Error if `number` was entered before */
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
