import type { Context } from 'zeromq'
import type { Counters } from '../../core/reporting/counters.js'
import type { MessageSocket } from '../zmtp/message-socket.js'
import { bindSocket } from './bind.js'
import { createRouter, familyOptions, receiveLoop, senderOptions, sendNow, type ZeromqLimits } from './zeromq.js'

/**
 *     request   DEALER → ROUTER   | id (4 bytes, the requester's choice) | body |
 *     reply     ROUTER → DEALER   | id, unchanged                        | body |
 *
 * Two ZeroMQ frames each, after the routing id that ROUTER adds. Replies may arrive in any order.
 */
export const requestIdBytes = 4

/** A well-formed request. `reply` sends the answer. */
export type OnRequest = (body: Buffer, reply: (body: Uint8Array) => void) => void

/** One listening ROUTER socket. */
export class RequestListener {
  readonly endpoint: string
  readonly #router: MessageSocket
  readonly #counters: Counters
  readonly #onRequest: OnRequest
  readonly #loop: Promise<void>

  private constructor(router: MessageSocket, endpoint: string, counters: Counters, onRequest: OnRequest) {
    this.#router = router
    this.endpoint = endpoint
    this.#counters = counters
    this.#onRequest = onRequest
    this.#loop = receiveLoop(router, counters, (frames) => this.#receive(frames))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(
    context: Context | undefined,
    wanted: string,
    limits: ZeromqLimits,
    counters: Counters,
    onRequest: OnRequest,
  ): Promise<RequestListener> {
    const router = createRouter(context, { ...senderOptions(limits), ...familyOptions([wanted]) })
    return new RequestListener(router, await bindSocket(router, wanted), counters, onRequest)
  }

  close(): Promise<void> {
    this.#router.close()
    return this.#loop
  }

  #receive(frames: Buffer[]): void {
    const [peer, id, body] = frames
    if (peer === undefined || id === undefined || body === undefined || frames.length !== 3) {
      this.#counters.add('stream.rejected.request-frames')
    } else if (id.length !== requestIdBytes) {
      this.#counters.add('stream.rejected.request-id')
    } else {
      this.#onRequest(body, (reply) => sendNow(this.#router, [peer, id, reply], this.#counters))
    }
  }
}
