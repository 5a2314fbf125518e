import type { Clock } from '../../core/clock.js'
import type { Random } from '../../core/random.js'
import type { ResolvedFaults } from './faults.js'

/**
 * One direction between two names of a memory network. Its chances come from its own stream of random numbers, so
 * what happens on one link does not depend on the traffic of another.
 */
export class MemoryLink {
  readonly #clock: Clock
  readonly #random: Random
  #faults: ResolvedFaults
  #cut = false
  /** Counts the breaks: what was sent over a stream before the last break never arrives. */
  #connection = 0
  #streamBusyUntilMs = 0

  constructor(clock: Clock, random: Random, faults: ResolvedFaults) {
    this.#clock = clock
    this.#random = random
    this.#faults = faults
  }

  set faults(faults: ResolvedFaults) {
    this.#faults = faults
  }

  set cut(cut: boolean) {
    if (cut && !this.#cut) this.breakStreams()
    this.#cut = cut
  }

  /** What is under way over streams is lost; what is sent from now on arrives. */
  breakStreams(): void {
    this.#connection++
    this.#streamBusyUntilMs = 0
  }

  /** Calls `arrive` zero, one or two times, each after its own delay. A cut loses what is under way. */
  datagram(arrive: () => void): void {
    if (this.#cut || this.#random() < this.#faults.lossRatio) return
    const copies = this.#random() < this.#faults.duplicateRatio ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.after(this.#delayMs(), () => {
        if (!this.#cut) arrive()
      })
    }
  }

  /** Calls `arrive` once, in the order of the calls, unless the link is cut or breaks before. */
  stream(arrive: () => void): void {
    if (this.#cut) return
    const nowMs = this.#clock.nowMs()
    this.#streamBusyUntilMs = Math.max(this.#streamBusyUntilMs, nowMs + this.#delayMs())
    const connection = this.#connection
    this.#clock.after(this.#streamBusyUntilMs - nowMs, () => {
      if (connection === this.#connection) arrive()
    })
  }

  #delayMs(): number {
    const { minDelayMs, maxDelayMs } = this.#faults
    return minDelayMs + (maxDelayMs - minDelayMs) * this.#random()
  }
}
