import type { Clock, Timer } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { Random } from '../../core/random.js'
import type { Rendezvous } from '../lane/transport.js'
import { type AddressListener, AddressListeners } from './address-listeners.js'

/** Between attempts, uniformly: those who wait for one that has left should not all try in the same instant. */
const minRetryMs = 1_000
const maxRetryMs = 3_000

export interface RendezvousContenderComponents {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  /** Fails while somebody else has the port at that address. */
  readonly listen: (address: string) => Promise<AddressListener>
  readonly onClosed: () => void
}

/**
 * One of many who want the host's rendezvous port. Whoever binds it first has it until it leaves: the kernel is the
 * judge, and frees the port also of one that crashed. Each address is contended for by itself, because participants of
 * one host may be allowed different interfaces.
 */
export class RendezvousContender implements Rendezvous {
  readonly #components: RendezvousContenderComponents
  readonly #listeners: AddressListeners<AddressListener>
  #addresses: readonly string[]
  #timer: Timer | undefined
  #closing: Promise<void> | undefined

  constructor(components: RendezvousContenderComponents, addresses: readonly string[]) {
    this.#components = components
    this.#addresses = addresses
    // A port that is taken is the normal case, and no failure to be counted as one.
    this.#listeners = new AddressListeners(components.listen, () => components.counters.add('rendezvous.taken'))
    void this.#contend()
  }

  get isHeld(): boolean {
    return this.#listeners.endpoints.length > 0
  }

  follow(addresses: readonly string[]): void {
    this.#addresses = addresses
    void this.#listeners.follow(addresses)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #contend(): Promise<void> {
    const { clock, random } = this.#components
    await this.#listeners.follow(this.#addresses)
    if (this.#closing !== undefined) return
    this.#timer = clock.after(minRetryMs + random() * (maxRetryMs - minRetryMs), () => void this.#contend())
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    await this.#listeners.close()
    this.#components.onClosed()
  }
}
