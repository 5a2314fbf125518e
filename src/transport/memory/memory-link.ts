import type { Random } from '../../core/random.js'
import type { Clock } from '../../core/time/clock.js'
import type { ResolvedFaults } from './faults.js'

/**
 * One direction between two names of a memory network. It has its own stream of random numbers, so its faults do not
 * depend on the traffic of other links.
 */
export class MemoryLink {
  readonly #clock: Clock
  readonly #random: Random
  #faults: ResolvedFaults
  #cut = false
  /** Number of breaks so far. A stream frame sent before the last break never arrives. */
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

  /** Loses the stream frames in transit. Frames sent afterwards arrive. */
  breakStreams(): void {
    this.#connection++
    this.#streamBusyUntilMs = 0
  }

  /** Calls `arrive` zero, one or two times, each after its own delay. A cut loses the frames in transit. */
  datagram(arrive: () => void): void {
    if (this.#cut || this.#random() < this.#faults.lossRatio) return
    const copies = this.#random() < this.#faults.duplicateRatio ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.after(this.#delayMs(), () => {
        if (!this.#cut) arrive()
      })
    }
  }

  /** Calls `arrive` once, in the order of the calls, unless the link is cut or breaks first. */
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
