import { type Context, XPublisher } from 'zeromq'
import type { Counters } from '../core/counters.js'
import { bindAll, familyOptions, receiveLoop, senderOptions, sendNow, type ZeromqLimits } from './zeromq.js'

/**
 * One XPUB, listening.
 *
 * A subscriber that falls behind by the high-water mark misses frames, and only it does: libzmq drops them for that
 * connection without telling the sender, so the count is the reader's, which sees the gap in the sequence numbers.
 */
export class LiveListener {
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
  static async open(
    context: Context,
    wanted: readonly string[],
    limits: ZeromqLimits,
    counters: Counters,
  ): Promise<LiveListener> {
    const socket = new XPublisher({ ...senderOptions(context, limits), ...familyOptions(wanted) })
    return new LiveListener(socket, await bindAll(socket, wanted), counters)
  }

  get endpoint(): string {
    return this.endpoints[0] ?? ''
  }

  get hasSubscribers(): boolean {
    return this.#prefixes > 0
  }

  send(message: Uint8Array[]): void {
    sendNow(this.#socket, message, this.#counters)
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
