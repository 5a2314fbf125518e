import type { Clock, Timer } from './clock.js'

/** Calls `fire` every `intervalMs` until closed, the first time after one interval. Neither skips nor accumulates calls. */
export class RepeatingTimer {
  #timer: Timer

  constructor(clock: Clock, intervalMs: number, fire: () => void) {
    const arm = (): Timer =>
      clock.after(intervalMs, () => {
        this.#timer = arm()
        fire()
      })
    this.#timer = arm()
  }

  close(): void {
    this.#timer.cancel()
  }
}
