import type { Context } from 'zeromq'
import { closeTogether } from '../../core/close-all.js'
import { failureCode } from '../../core/error-code.js'
import type { Counters } from '../../core/reporting/counters.js'
import { AddressListeners } from './address-listeners.js'
import { openOnHost, tcpEndpoint } from './bind.js'
import { LiveListener } from './live-listener.js'
import { encodeLiveMessage } from './live-message.js'
import type { ListenOptions } from './request-server.js'
import type { ZeromqLimits } from './zeromq.js'

/**
 * Frames that may wait for one subscriber; libzmq's own default. Lower than for requests, because a subscriber may
 * stall, and it repairs missed frames by a request. 64 MB with frames of 64 KiB, more with large samples.
 */
const maxWaitingFrames = 1_000

/** Publishes one participant's live frames to its subscribers: on this host, and at each address in use beyond it. */
export class LivePublisher {
  readonly #host: LiveListener
  readonly #network: AddressListeners<LiveListener>

  private constructor(host: LiveListener, network: AddressListeners<LiveListener>) {
    this.#host = host
    this.#network = network
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(
    context: Context | undefined,
    { port, addresses }: ListenOptions,
    { maxMessageBytes, highWaterMark }: ZeromqLimits,
    counters: Counters,
  ): Promise<LivePublisher> {
    const limits = { maxMessageBytes, highWaterMark: Math.min(highWaterMark, maxWaitingFrames) }
    const host = await openOnHost(port, (endpoint) => LiveListener.open(context, endpoint, limits, counters))
    const network = new AddressListeners(
      (address) => LiveListener.open(context, tcpEndpoint(address, port), limits, counters),
      (error) => counters.add(`stream.failed.listen.${failureCode(error)}`),
    )
    await network.useAddresses(addresses)
    return new LivePublisher(host, network)
  }

  /** Best first. */
  get endpoints(): readonly string[] {
    return [this.#host.endpoint, ...this.#network.endpoints]
  }

  get isComplete(): boolean {
    return this.#network.isComplete
  }

  /** Resolves to whether `endpoints` has changed. */
  useAddresses(addresses: readonly string[]): Promise<boolean> {
    return this.#network.useAddresses(addresses)
  }

  /** Almost free while the group has no subscribers. */
  publish(group: string, body: Uint8Array): void {
    for (const listener of [this.#host, ...this.#network.listeners]) {
      if (listener.hasSubscribers(group)) listener.send(encodeLiveMessage(group, body))
    }
  }

  async close(): Promise<void> {
    await closeTogether([() => this.#host.close(), () => this.#network.close()])
  }
}
