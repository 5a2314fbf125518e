/** One band of a {@link DeficitRoundRobin}, as far as it looks at it. */
export interface Band {
  /** What the band's first request costs; undefined while none can be served. */
  headCost(): number | undefined
}

/**
 * Deficit round robin (M. Shreedhar, G. Varghese, 1995): bands take turns; at its turn a band may spend its weight, and
 * what it could not spend because its next request costs more is added next time. A band without requests saves
 * nothing. For two bands that are never empty in an interval, what they are served differs, each over its weight, by at
 * most 1 + maxCost / weightA + maxCost / weightB; and each band is served in each round, so none starves.
 */
export class DeficitRoundRobin {
  #weights: readonly number[]
  readonly #deficits: number[]
  #current = 0
  /** Whether the current band has had its weight for this turn. */
  #isGranted = false

  constructor(weights: readonly number[]) {
    this.#weights = weights
    this.#deficits = weights.map(() => 0)
  }

  /** Changes the weights from the next turn on. */
  setWeights(weights: readonly number[]): void {
    this.#weights = weights
  }

  /** Returns the band whose first request is to be served next; undefined when none has any. */
  next(bands: readonly Band[]): number | undefined {
    if (bands.every((band) => band.headCost() === undefined)) {
      this.#deficits.fill(0)
      return undefined
    }
    for (;;) {
      const cost = bands[this.#current]?.headCost()
      if (cost === undefined) this.#deficits[this.#current] = 0
      else {
        if (!this.#isGranted) this.#add(this.#weights[this.#current] ?? 0)
        this.#isGranted = true
        if (cost <= (this.#deficits[this.#current] ?? 0)) return this.#current
      }
      this.#current = (this.#current + 1) % this.#weights.length
      this.#isGranted = false
    }
  }

  /** The current band's first request has been served. A request that could not be served costs nothing. */
  spend(cost: number): void {
    this.#add(-cost)
  }

  #add(amount: number): void {
    this.#deficits[this.#current] = (this.#deficits[this.#current] ?? 0) + amount
  }
}
