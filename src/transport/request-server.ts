import { type Context, Router } from 'zeromq'
import type { Counters } from '../core/counters.js'
import { bindEverywhere, receiveLoop, senderOptions, sendNow, type ZeromqLimits } from './zeromq.js'

/**
 *     request   DEALER → ROUTER   | id (4 bytes, the requester's choice) | body |
 *     reply     ROUTER → DEALER   | id, unchanged                        | body |
 *
 * Two ZeroMQ frames each, after the routing id that ROUTER adds. Replies come in any order.
 */
export const requestIdBytes = 4

/** Requests in progress; more are refused, because a handler that never ends must not hold memory without bound. */
const maxInProgress = 4_096

export type RequestHandler = (request: Buffer) => Promise<Uint8Array> | Uint8Array

/** Answers requests on a ROUTER. */
export class RequestServer {
  readonly endpoints: readonly string[]
  readonly #router: Router
  readonly #limits: ZeromqLimits
  readonly #counters: Counters
  readonly #loop: Promise<void>
  #handler: RequestHandler | undefined
  #inProgress = 0

  private constructor(router: Router, endpoints: readonly string[], limits: ZeromqLimits, counters: Counters) {
    this.#router = router
    this.endpoints = endpoints
    this.#limits = limits
    this.#counters = counters
    this.#loop = receiveLoop(router, counters, (frames) => this.#receive(frames))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(context: Context, name: string, limits: ZeromqLimits, counters: Counters): Promise<RequestServer> {
    // Mandatory: a reply that cannot be routed or queued is an error, and so can be counted.
    const router = new Router({ ...senderOptions(context, limits), mandatory: true })
    const endpoints = await bindEverywhere(router, name)
    return new RequestServer(router, endpoints, limits, counters)
  }

  set handler(handler: RequestHandler) {
    this.#handler = handler
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
    } else if (this.#handler === undefined) {
      this.#counters.add('stream.rejected.not-serving')
    } else if (this.#inProgress >= maxInProgress) {
      this.#counters.add('stream.rejected.too-many-requests')
    } else {
      void this.#answer(this.#handler, peer, id, body)
    }
  }

  async #answer(handler: RequestHandler, peer: Buffer, id: Buffer, body: Buffer): Promise<void> {
    this.#inProgress++
    try {
      const reply = await handler(body)
      if (reply.length > this.#limits.maxMessageBytes) this.#counters.add('stream.dropped.too-large')
      else sendNow(this.#router, [peer, id, reply], this.#counters)
    } catch {
      this.#counters.add('stream.failed.handler')
    } finally {
      this.#inProgress--
    }
  }
}
