import type { Clock } from './clock.js'
import { DueQueue } from './due-queue.js'
import { DueTimer } from './due-timer.js'

/** Whether each instance that is alive changes often enough; one timer for all of them. `T` names the instance. */
export class DeadlineTimer<T> {
  readonly #due: DueQueue<T>
  readonly #timer: DueTimer

  /** @param missed the instance did not change for a period; told again after each further one */
  constructor(clock: Clock, deadlineMs: number, missed: (instance: T) => void) {
    this.#due = new DueQueue(deadlineMs)
    this.#timer = new DueTimer(clock, (nowMs) => {
      const late: T[] = []
      for (let next = this.#due.shift(nowMs); next !== undefined; next = this.#due.shift(nowMs)) late.push(next)
      for (const instance of late) this.#due.set(instance, nowMs)
      this.#timer.arm(this.#due.nextMs)
      for (const instance of late) missed(instance)
    })
  }

  /** The instance has changed. */
  renew(instance: T, nowMs: number): void {
    this.#due.set(instance, nowMs)
    this.#timer.arm(this.#due.nextMs)
  }

  /** Nothing is expected of an instance that has ended. */
  end(instance: T): void {
    this.#due.delete(instance)
  }

  close(): void {
    this.#timer.close()
  }
}
