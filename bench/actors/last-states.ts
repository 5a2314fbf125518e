/** Last number of each key, for messages that take turns on the keys and are numbered from 0. */
export class LastStates {
  #numbers: number[] = []
  #lastNumber: number | undefined

  /** True once the end of the series is known and every key has its last message. */
  get isComplete(): boolean {
    const last = this.#lastNumber
    if (last === undefined) return false
    const keys = this.#numbers.length
    return this.#numbers.every((number, key) => number === last - ((((last - key) % keys) + keys) % keys))
  }

  /** @throws Error if the key has a newer one: a state must not go back */
  enter(number: number, keys: number, isLast: boolean): void {
    if (this.#numbers.length === 0) this.#numbers = new Array<number>(keys).fill(-1)
    const key = number % keys
    if (number <= (this.#numbers[key] ?? -1)) throw new Error(`key ${key} went back to ${number}`)
    this.#numbers[key] = number
    if (isLast) this.#lastNumber = number
  }
}
