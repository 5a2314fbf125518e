import { closeAll } from '../../core/close-all.js'
import { failureCode } from '../../core/error-code.js'
import type { Random } from '../../core/random.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import type { Rendezvous } from '../lane/transport.js'
import { type AddressListener, AddressListeners } from './address-listeners.js'

/** Interval between attempts, uniformly distributed, so that contenders do not all try at the same instant. */
const minRetryMs = 1_000
const maxRetryMs = 3_000

export interface RendezvousContenderComponents {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  /** Rejects while another participant holds the port at that address. */
  readonly listen: (address: string) => Promise<AddressListener>
  readonly onClosed: () => void
}

/**
 * Contends for the host's rendezvous port. The first participant to bind it holds it until it closes. The kernel
 * arbitrates, and also frees the port of a crashed process. Each address is contended for separately, because
 * participants of one host may be allowed different interfaces.
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
    this.#listeners = new AddressListeners(components.listen, (error) => this.#onFailed(error))
    void this.#contend()
  }

  get isHeld(): boolean {
    return this.#listeners.endpoints.length > 0
  }

  useAddresses(addresses: readonly string[]): void {
    this.#addresses = addresses
    void this.#listeners.useAddresses(addresses)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #contend(): Promise<void> {
    const { clock, random } = this.#components
    await this.#listeners.useAddresses(this.#addresses)
    if (this.#closing !== undefined) return
    this.#timer = clock.after(minRetryMs + random() * (maxRetryMs - minRetryMs), () => void this.#contend())
  }

  /** A taken port is the normal case, not a failure. */
  #onFailed(error: unknown): void {
    const { counters } = this.#components
    const code = failureCode(error)
    if (code === 'eaddrinuse') counters.add('rendezvous.taken')
    else counters.addError(`rendezvous.failed.${code}`, error)
  }

  async #close(): Promise<void> {
    this.#timer?.cancel()
    await closeAll([() => this.#listeners.close(), () => this.#components.onClosed()])
  }
}
