import type { Clock } from './clock.js'
import { DueQueue } from './due-queue.js'
import { DueTimer } from './due-timer.js'

/** Detects live instances that do not change often enough, with one timer for all of them. `T` names the instance. */
export class DeadlineTimer<T> {
  readonly #due: DueQueue<T>
  readonly #timer: DueTimer

  /** @param missed called after each period in which the instance did not change */
  constructor(clock: Clock, deadlineMs: number, missed: (instance: T) => void) {
    this.#due = new DueQueue(deadlineMs)
    this.#timer = new DueTimer(clock, (nowMs) => {
      const missing: T[] = []
      for (let next = this.#due.shift(nowMs); next !== undefined; next = this.#due.shift(nowMs)) missing.push(next)
      for (const instance of missing) this.#due.set(instance, nowMs)
      this.#timer.arm(this.#due.nextMs)
      for (const instance of missing) missed(instance)
    })
  }

  /** The instance has changed. */
  renew(instance: T, nowMs: number): void {
    this.#due.set(instance, nowMs)
    this.#timer.arm(this.#due.nextMs)
  }

  /** Expects no more changes of an instance that has ended. */
  end(instance: T): void {
    this.#due.delete(instance)
  }

  close(): void {
    this.#timer.close()
  }
}
