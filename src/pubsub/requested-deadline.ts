import type { Instance } from '../cache/instance.js'
import type { Clock } from '../core/clock.js'
import { DueQueue } from '../core/due-queue.js'
import { DueTimer } from './due-timer.js'

/** Whether each instance that is alive changes often enough; one timer for all of them. */
export class RequestedDeadline {
  readonly #due: DueQueue<Instance>
  readonly #timer: DueTimer

  /** @param missed the instance did not change for a period; told again after each further one */
  constructor(clock: Clock, deadlineMs: number, missed: (instance: Instance) => void) {
    this.#due = new DueQueue(deadlineMs)
    this.#timer = new DueTimer(clock, (nowMs) => {
      const late: Instance[] = []
      for (let next = this.#due.shift(nowMs); next !== undefined; next = this.#due.shift(nowMs)) late.push(next)
      for (const instance of late) this.#due.set(instance, nowMs)
      this.#timer.arm(this.#due.nextMs)
      for (const instance of late) missed(instance)
    })
  }

  renew(instance: Instance, nowMs: number): void {
    this.#due.set(instance, nowMs)
    this.#timer.arm(this.#due.nextMs)
  }

  /** Nothing is expected of an instance that has ended. */
  end(instance: Instance): void {
    this.#due.delete(instance)
  }

  close(): void {
    this.#timer.close()
  }
}
