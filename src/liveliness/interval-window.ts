/** Keeps the latest intervals and yields their mean and standard deviation in constant time. */
export class IntervalWindow {
  readonly #capacity: number
  readonly #intervals: number[] = []
  #oldest = 0
  #sum = 0
  #sumOfSquares = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#intervals.length
  }
  get mean(): number {
    return this.#sum / this.#intervals.length
  }
  /** Of the window itself, not an estimate for a larger population. */
  get stdDeviation(): number {
    // Rounding may take a variance of nothing below zero.
    return Math.sqrt(Math.max(0, this.#sumOfSquares / this.#intervals.length - this.mean ** 2))
  }

  add(interval: number): void {
    if (this.#intervals.length < this.#capacity) {
      this.#intervals.push(interval)
    } else {
      const dropped = this.#intervals[this.#oldest] ?? 0
      this.#sum -= dropped
      this.#sumOfSquares -= dropped ** 2
      this.#intervals[this.#oldest] = interval
      this.#oldest = (this.#oldest + 1) % this.#capacity
    }
    this.#sum += interval
    this.#sumOfSquares += interval ** 2
  }
}
