import type { Context } from 'zeromq'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import { parseEndpoint } from '../lane/endpoint.js'
import { Handlers } from '../lane/handlers.js'
import type { FrameHandler, FrameSource } from '../lane/transport.js'
import type { SubscribingSocket } from '../zmtp/message-socket.js'
import { EndpointSelector } from './endpoint-selector.js'
import { decodeLiveMessage, livePrefix } from './live-message.js'
import {
  connectOptions,
  createSubscriber,
  familyOptions,
  receiveLoop,
  receiverOptions,
  type ZeromqLimits,
} from './zeromq.js'

export interface LiveConnectionComponents {
  readonly context: Context | undefined
  readonly clock: Clock
  readonly limits: ZeromqLimits
  readonly counters: Counters
}

/** One SUB socket, connected to one peer. */
export class LiveConnection {
  readonly endpoints: readonly string[]
  /** Resolves when the socket is closed. */
  readonly ended: Promise<void>
  readonly #socket: SubscribingSocket
  readonly #dialer: EndpointSelector
  /** The endpoint that identifies the peer as the source of its frames. */
  readonly #source: FrameSource
  readonly #counters: Counters
  readonly #groups = new Map<string, Handlers>()

  /** @throws NumacastError NUMACAST_TRANSPORT */
  constructor(components: LiveConnectionComponents, endpoints: readonly [string, ...string[]]) {
    const { context, limits, counters } = components
    this.endpoints = endpoints
    this.#counters = counters
    this.#source = parseEndpoint(endpoints[0])
    const options = { ...receiverOptions(limits), ...connectOptions, ...familyOptions(endpoints) }
    this.#socket = createSubscriber(context, options)
    try {
      this.#dialer = new EndpointSelector(this.#socket, endpoints, components)
    } catch (error) {
      this.#socket.close()
      throw error
    }
    this.ended = receiveLoop(this.#socket, counters, (frames) => this.#receive(frames))
  }

  /** `onUnused` is called after the last handler of the last group is removed. */
  add(group: string, handler: FrameHandler, onUnused: () => void): Subscription {
    let handlers = this.#groups.get(group)
    if (handlers === undefined) {
      handlers = new Handlers(this.#counters, 'stream.failed.handler')
      this.#groups.set(group, handlers)
      this.#socket.subscribe(livePrefix(group))
    }
    const subscribed = handlers
    return subscribed.add(handler, () => {
      if (subscribed.size > 0 || this.#groups.get(group) !== subscribed) return
      this.#groups.delete(group)
      if (this.#groups.size === 0) onUnused()
      else this.#socket.unsubscribe(livePrefix(group))
    })
  }

  close(): void {
    for (const handlers of this.#groups.values()) handlers.clear()
    this.#groups.clear()
    this.#dialer.close()
    this.#socket.close()
  }

  #receive(frames: Buffer[]): void {
    const message = decodeLiveMessage(frames)
    if (message === undefined) {
      this.#counters.add('stream.rejected.live-message')
      return
    }
    const handlers = this.#groups.get(message.group)
    // A frame may still be in transit when its group is left.
    if (handlers === undefined) this.#counters.add('stream.skipped.other-group')
    else handlers.deliver(message.body, this.#source)
  }
}
