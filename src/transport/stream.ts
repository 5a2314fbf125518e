import type { Context } from 'zeromq'
import type { Clock } from '../core/clock.js'
import { Counters } from '../core/counters.js'
import { invalidArgument, NumacastError } from '../core/errors.js'
import type { Subscription } from '../core/listeners.js'
import { checkGroupName } from '../wire/radio.js'
import { parseEndpoint } from './endpoint.js'
import { checkBody } from './group.js'
import { LivePublisher } from './live-publisher.js'
import { LiveSubscriber } from './live-subscriber.js'
import { RequestClient } from './request-client.js'
import { type RequestHandler, RequestServer } from './request-server.js'
import type { FrameHandler, RequestOptions, StreamLane } from './transport.js'
import { createContext } from './zeromq.js'

export interface StreamLaneOptions {
  /** The longest request, reply or live body. @default 4 MiB: a 1 MiB sample, or a chunk of a large cache, with room */
  readonly maxMessageBytes?: number
  /** Frames that may wait per peer, and requests per endpoint that may wait for replies. @default 4000 */
  readonly highWaterMark?: number
  /** How long a connection for requests is kept after the last one, in milliseconds. @default 30000 */
  readonly idleMs?: number
}

export interface ResolvedStreamLaneOptions {
  readonly maxMessageBytes: number
  readonly highWaterMark: number
  readonly idleMs: number
}

export const defaultStreamLaneOptions: ResolvedStreamLaneOptions = Object.freeze({
  maxMessageBytes: 4 * 1024 * 1024,
  highWaterMark: 4_000,
  idleMs: 30_000,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function resolveStreamLaneOptions(options: StreamLaneOptions = {}): ResolvedStreamLaneOptions {
  const { maxMessageBytes, highWaterMark, idleMs } = defaultStreamLaneOptions
  const resolved = Object.freeze({
    maxMessageBytes: options.maxMessageBytes ?? maxMessageBytes,
    highWaterMark: options.highWaterMark ?? highWaterMark,
    idleMs: options.idleMs ?? idleMs,
  })
  for (const [name, value] of Object.entries(resolved)) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 30) {
      throw invalidArgument(`${name} must be an integer from 1 to 2³⁰, not ${value}`, { [name]: value })
    }
  }
  return resolved
}

export interface StreamLaneComponents {
  readonly clock: Clock
  /** Goes into the abstract socket names, so that `ss -xl` tells whose they are: letters, digits and `-`. */
  readonly name: string
}

/** ROUTER/DEALER for requests, XPUB/SUB for live frames. The sockets keep the process alive until `close()`. */
export class ZeromqStreamLane implements StreamLane {
  readonly counters: Counters
  readonly #name: string
  readonly #context: Context
  readonly #options: ResolvedStreamLaneOptions
  readonly #server: RequestServer
  readonly #client: RequestClient
  readonly #subscriber: LiveSubscriber
  #publisher: LivePublisher | undefined
  #opening: Promise<LivePublisher> | undefined
  #closing: Promise<void> | undefined

  private constructor(
    { clock, name }: StreamLaneComponents,
    options: ResolvedStreamLaneOptions,
    context: Context,
    server: RequestServer,
    counters: Counters,
  ) {
    this.#name = name
    this.#options = options
    this.#context = context
    this.#server = server
    this.counters = counters
    this.#client = new RequestClient({ context, clock, counters, limits: options, idleMs: options.idleMs })
    this.#subscriber = new LiveSubscriber(context, options, counters)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_TRANSPORT */
  static async open(components: StreamLaneComponents, options: StreamLaneOptions = {}): Promise<ZeromqStreamLane> {
    const resolved = resolveStreamLaneOptions(options)
    const context = createContext()
    const counters = new Counters()
    const server = await RequestServer.open(context, components.name, resolved, counters)
    return new ZeromqStreamLane(components, resolved, context, server, counters)
  }

  get requestEndpoints(): readonly string[] {
    return this.#server.endpoints
  }

  get requestPort(): number {
    const tcp = this.#server.endpoints.find((endpoint) => endpoint.startsWith('tcp://'))
    return tcp === undefined ? 0 : parseEndpoint(tcp).port
  }

  requestEndpointAt(address: string, requestPort: number): string {
    return `tcp://${address.includes(':') ? `[${address}]` : address}:${requestPort}`
  }

  /** Connections that this participant dialled and keeps: for requests, and for live frames. */
  get connections(): { readonly request: number; readonly live: number } {
    return { request: this.#client.connections, live: this.#subscriber.connections }
  }

  serve(handler: RequestHandler): void {
    this.#server.handler = handler
  }

  async request(endpoint: string, body: Uint8Array, options: RequestOptions): Promise<Buffer> {
    this.#checkOpen()
    checkBody('request', body, this.#options.maxMessageBytes)
    return this.#client.request(endpoint, body, options)
  }

  async publishEndpoints(): Promise<readonly string[]> {
    this.#checkOpen()
    this.#opening ??= LivePublisher.open(this.#context, this.#name, this.#options, this.counters)
    const publisher = await this.#opening
    this.#checkOpen()
    this.#publisher = publisher
    return publisher.endpoints
  }

  publish(group: string, body: Uint8Array): void {
    checkGroupName(group)
    checkBody('live', body, this.#options.maxMessageBytes)
    if (this.#closing === undefined) this.#publisher?.publish(group, body)
    else this.counters.add('stream.dropped.closed')
  }

  subscribe(endpoint: string, group: string, handler: FrameHandler): Subscription {
    checkGroupName(group)
    this.#checkOpen()
    return this.#subscriber.subscribe(endpoint, group, handler)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const publisher = this.#opening?.then(
      (opened) => opened.close(),
      () => undefined,
    )
    await Promise.all([this.#client.close(), this.#subscriber.close(), this.#server.close(), publisher])
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', 'the stream lane is closed')
  }
}
