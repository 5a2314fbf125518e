import type { Context } from 'zeromq'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import { PendingRequests } from '../lane/pending-requests.js'
import type { RequestOptions } from '../lane/transport.js'
import type { MessageSocket } from '../zmtp/message-socket.js'
import { requestIdBytes } from './request-listener.js'
import {
  connectOptions,
  createDealer,
  familyOptions,
  receiveLoop,
  senderOptions,
  sendNow,
  type ZeromqLimits,
} from './zeromq.js'

export interface RequestConnectionComponents {
  readonly context: Context | undefined
  readonly clock: Clock
  readonly counters: Counters
  readonly limits: ZeromqLimits
  /** How long an idle connection is kept. */
  readonly idleMs: number
  /** The connection should get no further requests: it is idle, or its peer is silent. It closes by itself. */
  readonly onRetired: (connection: RequestConnection) => void
  readonly onClosed: (connection: RequestConnection) => void
}

/**
 * A DEALER socket connected to one endpoint, with any number of pending requests.
 *
 * If a request times out and nothing at all was received, the peer or the connection to it is assumed to be gone. The
 * connection is then retired with its pending requests. The next request dials again.
 */
export class RequestConnection {
  readonly endpoint: string
  readonly #components: RequestConnectionComponents
  readonly #dealer: MessageSocket
  readonly #loop: Promise<void>
  readonly #pending: PendingRequests
  #replies = 0
  #idle: Timer | undefined
  #retired = false

  /** @throws if libzmq refuses the endpoint */
  constructor(endpoint: string, components: RequestConnectionComponents) {
    const { context, clock, counters, limits } = components
    this.endpoint = endpoint
    this.#components = components
    this.#pending = new PendingRequests(clock)
    this.#dealer = createDealer(context, { ...senderOptions(limits), ...connectOptions, ...familyOptions([endpoint]) })
    try {
      this.#dealer.connect(endpoint)
    } catch (cause) {
      this.#dealer.close()
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot connect to ${endpoint}`, { cause, details: { endpoint } })
    }
    this.#loop = receiveLoop(this.#dealer, counters, (frames) => this.#receive(frames)).then(() =>
      components.onClosed(this),
    )
    this.#whenIdle()
  }

  /** True once a reply has been received over it. */
  get isProven(): boolean {
    return this.#replies > 0
  }

  /** Closes the connection once no request is pending, unless it is proven. */
  closeUnproven(): void {
    if (!this.isProven) this.#retire()
  }

  /** @throws NumacastError NUMACAST_CLOSED, NUMACAST_LIMIT */
  request(body: Uint8Array, options: RequestOptions): Promise<Buffer> {
    const { highWaterMark } = this.#components.limits
    if (this.#dealer.closed) {
      throw new NumacastError('NUMACAST_CLOSED', `the connection to ${this.endpoint} is closed`)
    }
    if (this.#pending.size >= highWaterMark) {
      throw new NumacastError(
        'NUMACAST_LIMIT',
        `${highWaterMark} requests to ${this.endpoint} wait for replies already`,
        {
          details: { endpoint: this.endpoint, limit: highWaterMark },
        },
      )
    }
    const repliesBefore = this.#replies
    const { id, reply } = this.#pending.open(this.endpoint, options, () => {
      if (this.#replies === repliesBefore) this.#retire()
    })
    this.#idle?.cancel()
    const idFrame = Buffer.allocUnsafe(requestIdBytes)
    idFrame.writeUInt32BE(id)
    sendNow(this.#dealer, [idFrame, body], this.#components.counters)
    const settled = (): void => {
      if (this.#pending.size === 0) this.#whenIdle()
    }
    reply.then(settled, settled)
    return reply
  }

  /** Rejects the pending requests. Resolves when the socket is closed. */
  close(reason: NumacastError): Promise<void> {
    this.#retired = true
    this.#idle?.cancel()
    this.#pending.rejectAll(reason)
    this.#dealer.close()
    return this.#loop
  }

  #receive(frames: Buffer[]): void {
    const [id, body] = frames
    if (id?.length !== requestIdBytes || body === undefined || frames.length !== 2) {
      this.#components.counters.add('stream.rejected.reply-frames')
      return
    }
    this.#replies++
    if (!this.#pending.resolve(id.readUInt32BE(0), body)) this.#components.counters.add('stream.rejected.late-reply')
  }

  #whenIdle(): void {
    this.#idle?.cancel()
    if (this.#retired) this.#dealer.close()
    else this.#idle = this.#components.clock.after(this.#components.idleMs, () => this.#retire())
  }

  #retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#components.onRetired(this)
    if (this.#pending.size === 0) this.#dealer.close()
  }
}
