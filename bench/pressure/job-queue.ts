/** A queue in memory whose jobs arrive over time. A worker takes a job. If the worker ends first, the job waits again. */
export class JobQueue {
  readonly #waiting: number[] = []
  readonly #takers: ((job: number) => void)[] = []
  #arrived = 0
  #completed = 0
  #lost = 0

  get completed(): number {
    return this.#completed
  }

  /** Jobs whose worker ended before they did. */
  get lost(): number {
    return this.#lost
  }

  arrive(): void {
    this.#offer(this.#arrived++)
  }

  /** Calls back with a job, now or when one arrives. */
  take(taker: (job: number) => void): void {
    this.#takers.push(taker)
    this.#match()
  }

  /** Removes a taker that has gone. */
  forget(taker: (job: number) => void): void {
    const index = this.#takers.indexOf(taker)
    if (index >= 0) this.#takers.splice(index, 1)
  }

  complete(): void {
    this.#completed++
  }

  lose(job: number): void {
    this.#lost++
    this.#offer(job)
  }

  #offer(job: number): void {
    this.#waiting.push(job)
    this.#match()
  }

  #match(): void {
    while (this.#waiting.length > 0 && this.#takers.length > 0) {
      const job = this.#waiting.shift()
      const taker = this.#takers.shift()
      if (job !== undefined) taker?.(job)
    }
  }
}
