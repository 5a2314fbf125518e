import { type Context, Subscriber } from 'zeromq'
import type { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import type { Subscription } from '../core/listeners.js'
import { parseEndpoint } from './endpoint.js'
import { Handlers } from './handlers.js'
import { decodeLiveMessage, livePrefix } from './live-message.js'
import type { FrameHandler, FrameSource } from './transport.js'
import { connectOptions, receiveLoop, receiverOptions, type ZeromqLimits } from './zeromq.js'

/** One SUB per endpoint, so that every frame's publisher is known; open while any group of it has a handler. */
export class LiveSubscriber {
  readonly #context: Context
  readonly #limits: ZeromqLimits
  readonly #counters: Counters
  readonly #connections = new Map<string, LiveConnection>()
  readonly #loops = new Set<Promise<void>>()

  constructor(context: Context, limits: ZeromqLimits, counters: Counters) {
    this.#context = context
    this.#limits = limits
    this.#counters = counters
  }

  get connections(): number {
    return this.#connections.size
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_TRANSPORT */
  subscribe(endpoint: string, group: string, handler: FrameHandler): Subscription {
    const connection = this.#connections.get(endpoint) ?? this.#connect(endpoint)
    return connection.add(group, handler, () => {
      if (this.#connections.get(endpoint) === connection) this.#connections.delete(endpoint)
      connection.close()
    })
  }

  async close(): Promise<void> {
    for (const connection of this.#connections.values()) connection.close()
    this.#connections.clear()
    await Promise.all(this.#loops)
  }

  #connect(endpoint: string): LiveConnection {
    const source = parseEndpoint(endpoint)
    const socket = new Subscriber({ ...receiverOptions(this.#context, this.#limits), ...connectOptions })
    try {
      socket.connect(endpoint)
    } catch (cause) {
      socket.close()
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot connect to ${endpoint}`, { cause, details: { endpoint } })
    }
    const connection = new LiveConnection(socket, source, this.#counters)
    this.#connections.set(endpoint, connection)
    const loop = connection.run().finally(() => this.#loops.delete(loop))
    this.#loops.add(loop)
    return connection
  }
}

class LiveConnection {
  readonly #socket: Subscriber
  readonly #source: FrameSource
  readonly #counters: Counters
  readonly #groups = new Map<string, Handlers>()

  constructor(socket: Subscriber, source: FrameSource, counters: Counters) {
    this.#socket = socket
    this.#source = source
    this.#counters = counters
  }

  /** `onUnused` runs when the last handler of the last group has gone. */
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

  run(): Promise<void> {
    return receiveLoop(this.#socket, this.#counters, (frames) => this.#receive(frames))
  }

  close(): void {
    for (const handlers of this.#groups.values()) handlers.clear()
    this.#groups.clear()
    this.#socket.close()
  }

  #receive(frames: Buffer[]): void {
    const message = decodeLiveMessage(frames)
    if (message === undefined) {
      this.#counters.add('stream.rejected.live-message')
      return
    }
    const handlers = this.#groups.get(message.group)
    // A frame may still be under way when its group is left.
    if (handlers === undefined) this.#counters.add('stream.skipped.other-group')
    else handlers.deliver(message.body, this.#source)
  }
}
