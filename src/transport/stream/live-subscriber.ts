import { type Context, Subscriber } from 'zeromq'
import type { Counters } from '../../core/counters.js'
import type { Subscription } from '../../core/listeners.js'
import { endpointList, isEndpoint, parseEndpoint } from '../lane/endpoint.js'
import { Handlers } from '../lane/handlers.js'
import type { FrameHandler, FrameSource } from '../lane/transport.js'
import { EndpointSelector } from './endpoint-selector.js'
import { decodeLiveMessage, livePrefix } from './live-message.js'
import { connectOptions, familyOptions, receiveLoop, receiverOptions, type ZeromqLimits } from './zeromq.js'

/** One SUB per peer, so that every frame's publisher is known; open while any group of it has a handler. */
export class LiveSubscriber {
  readonly #context: Context
  readonly #limits: ZeromqLimits
  readonly #counters: Counters
  readonly #connections = new Set<LiveConnection>()
  /** A connection is found under each of its endpoints. */
  readonly #byEndpoint = new Map<string, LiveConnection>()
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
  subscribe(endpoints: string | readonly string[], group: string, handler: FrameHandler): Subscription {
    const wanted = endpointList(endpoints)
    const known = wanted.map((endpoint) => this.#byEndpoint.get(endpoint)).find((found) => found !== undefined)
    const connection = known ?? this.#connect(wanted)
    return connection.add(group, handler, () => this.#disconnect(connection))
  }

  async close(): Promise<void> {
    for (const connection of [...this.#connections]) this.#disconnect(connection)
    await Promise.all(this.#loops)
  }

  #connect(wanted: readonly string[]): LiveConnection {
    const endpoints = this.#dialable(wanted)
    const source = parseEndpoint(endpoints[0] ?? '')
    const options = { ...receiverOptions(this.#context, this.#limits), ...connectOptions, ...familyOptions(endpoints) }
    const socket = new Subscriber(options)
    try {
      new EndpointSelector(socket, endpoints, this.#counters)
    } catch (error) {
      socket.close()
      throw error
    }
    const connection = new LiveConnection(socket, endpoints, source, this.#counters)
    this.#connections.add(connection)
    for (const endpoint of endpoints) this.#byEndpoint.set(endpoint, connection)
    const loop = connection.run().finally(() => this.#loops.delete(loop))
    this.#loops.add(loop)
    return connection
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT when there is none */
  #dialable(wanted: readonly string[]): readonly string[] {
    const endpoints = wanted.filter((endpoint) => isEndpoint(endpoint))
    if (endpoints.length < wanted.length)
      this.#counters.add('stream.rejected.endpoint', wanted.length - endpoints.length)
    if (endpoints.length === 0) parseEndpoint(wanted[0] ?? '')
    return endpoints
  }

  #disconnect(connection: LiveConnection): void {
    this.#connections.delete(connection)
    for (const endpoint of connection.endpoints) {
      if (this.#byEndpoint.get(endpoint) === connection) this.#byEndpoint.delete(endpoint)
    }
    connection.close()
  }
}

class LiveConnection {
  readonly endpoints: readonly string[]
  readonly #socket: Subscriber
  readonly #source: FrameSource
  readonly #counters: Counters
  readonly #groups = new Map<string, Handlers>()

  /** `source` stands for the peer in what its frames are said to come from. */
  constructor(socket: Subscriber, endpoints: readonly string[], source: FrameSource, counters: Counters) {
    this.#socket = socket
    this.endpoints = endpoints
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
