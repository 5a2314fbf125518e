import type { Context } from 'zeromq'
import type { Counters } from '../../core/reporting/counters.js'
import { maxGroupBytes } from '../../wire/radio.js'
import type { MessageSocket } from '../zmtp/message-socket.js'
import { bindSocket } from './bind.js'
import { livePrefix } from './live-message.js'
import { createXPublisher, familyOptions, receiveLoop, senderOptions, sendNow, type ZeromqLimits } from './zeromq.js'

/** Groups to which the subscribers of one participant may subscribe. Bounded, because peers may send invented names. */
const maxPrefixes = 16_384

/**
 * One listening XPUB socket.
 *
 * A subscriber that lags by the high-water mark misses frames, and no other subscriber does. libzmq drops the frames
 * for that connection without telling the sender. The reader detects and counts the gap in the sequence numbers.
 */
export class LiveListener {
  readonly endpoint: string
  readonly #socket: MessageSocket
  readonly #counters: Counters
  readonly #loop: Promise<void>
  /** Prefixes with at least one subscription. XPUB reports the first and the last of each. */
  readonly #prefixes = new Set<string>()

  private constructor(socket: MessageSocket, endpoint: string, counters: Counters) {
    this.#socket = socket
    this.endpoint = endpoint
    this.#counters = counters
    this.#loop = receiveLoop(socket, counters, (frames) => this.#receive(frames))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(
    context: Context | undefined,
    wanted: string,
    limits: ZeromqLimits,
    counters: Counters,
  ): Promise<LiveListener> {
    const socket = createXPublisher(context, { ...senderOptions(limits), ...familyOptions([wanted]) })
    return new LiveListener(socket, await bindSocket(socket, wanted), counters)
  }

  hasSubscribers(group: string): boolean {
    return this.#prefixes.size > 0 && this.#prefixes.has(livePrefix(group))
  }

  send(message: Uint8Array[]): void {
    sendNow(this.#socket, message, this.#counters)
  }

  close(): Promise<void> {
    this.#socket.close()
    return this.#loop
  }

  /** `1 prefix` subscribes, `0 prefix` unsubscribes (ZMTP 3.1, RFC 37). Unread, these would accumulate in libzmq. */
  #receive(frames: Buffer[]): void {
    const [message] = frames
    const kind = message?.[0]
    if (message === undefined || (kind !== 0 && kind !== 1) || message.length > maxGroupBytes + 2) {
      this.#counters.add('stream.rejected.not-a-subscription')
      return
    }
    const prefix = message.toString('latin1', 1)
    if (kind === 0) this.#prefixes.delete(prefix)
    else if (this.#prefixes.size < maxPrefixes) this.#prefixes.add(prefix)
    else this.#counters.add('stream.rejected.too-many-subscriptions')
  }
}
