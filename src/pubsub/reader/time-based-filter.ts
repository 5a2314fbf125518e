import type { Instance } from '../../cache/instance.js'
import type { Clock } from '../../core/time/clock.js'
import { DueQueue } from '../../core/time/due-queue.js'
import { DueTimer } from '../../core/time/due-timer.js'

/**
 * Holds back values that follow too closely. After an instance has shown a value, the next one waits until the period
 * has passed. A value that comes meanwhile replaces the waiting one, so the last value always arrives.
 */
export class TimeBasedFilter {
  readonly #clock: Clock
  readonly #resting: DueQueue<Instance>
  readonly #timer: DueTimer

  /** @param release the instance's period is over */
  constructor(clock: Clock, periodMs: number, release: (instance: Instance) => void) {
    this.#clock = clock
    this.#resting = new DueQueue(periodMs)
    this.#timer = new DueTimer(clock, (nowMs) => {
      for (let next = this.#resting.shift(nowMs); next !== undefined; next = this.#resting.shift(nowMs)) release(next)
      this.#timer.arm(this.#resting.nextMs)
    })
  }

  isResting(instance: Instance): boolean {
    return this.#resting.has(instance)
  }

  recordShown(instance: Instance): void {
    this.#resting.set(instance, this.#clock.nowMs())
    this.#timer.arm(this.#resting.nextMs)
  }

  removeInstance(instance: Instance): void {
    this.#resting.delete(instance)
  }

  close(): void {
    this.#timer.close()
  }
}
