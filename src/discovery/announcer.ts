import { closeEach } from '../core/close-all.js'
import type { Random } from '../core/random.js'
import type { Clock, Timer } from '../core/time/clock.js'
import { presenceIntervalMs } from './peer-reachability.js'

/** Sends the frames of a participant's announcements; `BeaconSender` does. */
export interface AnnouncementSender {
  /** Sends one beacon (in as many frames as its digest needs) to the partition. */
  beacon(partition: string, goodbye: boolean): void
  /** Asks which participants write to the partition. */
  solicit(partition: string): void
  /** Shows the writers of the partition that this participant reads it. */
  presence(partition: string, goodbye: boolean): void
}

export interface AnnouncerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly sender: AnnouncementSender
}

/** Gaps before the beacons of a joining burst: one may be lost, three in a row hardly. */
const burstMs = [0, 40, 120]
/** Beacons spread by ± this share of the interval, so that participants that started together drift apart. */
const jitter = 0.1
/** Beacons that still follow when the last writer of a partition has closed, so that its readers learn of it. */
const closingBeacons = 20
/** Signs of presence that still follow when the last reader of a partition has closed, 40 and 120 ms after the first. */
const closingMs = [0, 40, 120]
/** A solicit is answered after a random delay up to this, and all that arrive meanwhile by the same beacon. */
const answerMs = 10

/**
 * Decides when a participant announces itself and when it solicits others. Writers send a burst on joining, jittered
 * beacons from then on, one at once when solicited, and a goodbye on leaving. Readers send signs of presence, less
 * often. `AnnouncementSender` decides what a frame carries.
 */
export class Announcer {
  readonly #components: AnnouncerComponents
  readonly #intervalMs: number
  readonly #written = new Set<string>()
  /** No longer written to; how many beacons are still due. */
  readonly #leaving = new Map<string, number>()
  readonly #read = new Set<string>()
  readonly #answering = new Set<string>()
  /** Announced in this tick: the burst's first beacon will carry whatever else is added meanwhile. */
  readonly #bursting = new Set<string>()
  readonly #timers = new Set<Timer>()
  #closed = false

  constructor(components: AnnouncerComponents, intervalMs: number) {
    this.#components = components
    this.#intervalMs = intervalMs
    this.#scheduleNext()
    this.#schedulePresence()
  }

  /** The participant now writes to the partition (again: its writers changed). */
  announce(partition: string): void {
    this.#written.add(partition)
    this.#leaving.delete(partition)
    if (this.#bursting.has(partition)) return
    this.#bursting.add(partition)
    for (const delayMs of burstMs) {
      this.#schedule(delayMs, () => {
        this.#bursting.delete(partition)
        this.#beacon(partition)
      })
    }
  }

  /** The participant no longer writes to the partition: a few more beacons tell its readers so. */
  withdraw(partition: string): void {
    if (this.#written.delete(partition)) this.#leaving.set(partition, closingBeacons)
  }

  /** The participant now reads the partition (again: its readers changed). */
  explore(partition: string): void {
    this.#read.add(partition)
    for (const delayMs of burstMs) {
      this.#schedule(delayMs, () => {
        if (!this.#read.has(partition)) return
        this.#components.sender.presence(partition, false)
        this.#components.sender.solicit(partition)
      })
    }
  }

  /** The participant no longer reads the partition: signs of presence show the writers there its new descriptor version. */
  ignore(partition: string): void {
    if (!this.#read.delete(partition)) return
    for (const delayMs of closingMs) this.#schedule(delayMs, () => this.#components.sender.presence(partition, false))
  }

  onSolicit(partition: string): void {
    if (!this.#written.has(partition) || this.#answering.has(partition)) return
    this.#answering.add(partition)
    this.#schedule(this.#components.random() * answerMs, () => {
      this.#answering.delete(partition)
      this.#beacon(partition)
    })
  }

  /** A beacon now, for news that cannot wait for the next one. Several in one tick are one. */
  announceNow(partition: string): void {
    if (this.#answering.has(partition)) return
    this.#answering.add(partition)
    this.#schedule(0, () => {
      this.#answering.delete(partition)
      this.#beacon(partition)
    })
  }

  /** Sends the goodbyes, and ends every timer. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    const { sender } = this.#components
    closeEach([
      ...[...this.#written, ...this.#leaving.keys()].map((partition) => () => sender.beacon(partition, true)),
      ...[...this.#read].map((partition) => () => sender.presence(partition, true)),
    ])
  }

  #beacon(partition: string): void {
    if (this.#written.has(partition) || this.#leaving.has(partition)) this.#components.sender.beacon(partition, false)
  }

  #scheduleNext(): void {
    const spread = 1 + jitter * (2 * this.#components.random() - 1)
    this.#schedule(this.#intervalMs * spread, () => {
      for (const partition of this.#written) this.#beacon(partition)
      for (const [partition, due] of this.#leaving) {
        this.#beacon(partition)
        if (due > 1) this.#leaving.set(partition, due - 1)
        else this.#leaving.delete(partition)
      }
      this.#scheduleNext()
    })
  }

  #schedulePresence(): void {
    const spread = 1 + jitter * (2 * this.#components.random() - 1)
    this.#schedule(presenceIntervalMs * spread, () => {
      for (const partition of this.#read) this.#components.sender.presence(partition, false)
      this.#schedulePresence()
    })
  }

  #schedule(delayMs: number, fire: () => void): void {
    if (this.#closed) return
    const timer = this.#components.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      if (!this.#closed) fire()
    })
    this.#timers.add(timer)
  }
}
