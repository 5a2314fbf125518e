import { type Context, XPublisher } from 'zeromq'
import type { Counters } from '../core/counters.js'
import { encodeLiveMessage } from './live-message.js'
import { bindEverywhere, receiveLoop, senderOptions, sendNow, type ZeromqLimits } from './zeromq.js'

/**
 * Live frames from one participant to whoever subscribed, on an XPUB.
 *
 * A subscriber that falls behind by the high-water mark misses frames, and only it does: libzmq drops them for that
 * connection without telling the sender, so the count is the reader's, which sees the gap in the sequence numbers.
 */
export class LivePublisher {
  readonly endpoints: readonly string[]
  readonly #socket: XPublisher
  readonly #counters: Counters
  readonly #loop: Promise<void>
  /** Distinct prefixes that somebody subscribed to; XPUB reports the first and the last of each. */
  #prefixes = 0

  private constructor(socket: XPublisher, endpoints: readonly string[], counters: Counters) {
    this.#socket = socket
    this.endpoints = endpoints
    this.#counters = counters
    this.#loop = receiveLoop(socket, counters, (frames) => this.#receive(frames))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(context: Context, name: string, limits: ZeromqLimits, counters: Counters): Promise<LivePublisher> {
    const socket = new XPublisher(senderOptions(context, limits))
    const endpoints = await bindEverywhere(socket, name)
    return new LivePublisher(socket, endpoints, counters)
  }

  /** Costs next to nothing while nobody subscribes to anything. */
  publish(group: string, body: Uint8Array): void {
    if (this.#prefixes > 0) sendNow(this.#socket, encodeLiveMessage(group, body), this.#counters)
  }

  close(): Promise<void> {
    this.#socket.close()
    return this.#loop
  }

  /** `1 prefix` subscribes, `0 prefix` unsubscribes (ZMTP 3.1, RFC 37). Unread, these would pile up in libzmq. */
  #receive(frames: Buffer[]): void {
    const kind = frames[0]?.[0]
    if (kind === 1) this.#prefixes++
    else if (kind === 0) this.#prefixes = Math.max(0, this.#prefixes - 1)
    else this.#counters.add('stream.rejected.not-a-subscription')
  }
}
