import type { Context } from 'zeromq'
import { closeTogether } from '../../core/close-all.js'
import { invalidArgument, NumacastError } from '../../core/errors.js'
import type { Random } from '../../core/random.js'
import { Counters } from '../../core/reporting/counters.js'
import { Listeners, type Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { checkGroupName } from '../../wire/radio.js'
import { checkBody } from '../lane/group.js'
import type { FrameHandler, Rendezvous, RequestOptions, StreamLane } from '../lane/transport.js'
import { tcpEndpoint } from './bind.js'
import { releaseContext, takeContext } from './context-pool.js'
import { LivePublisher } from './live-publisher.js'
import { LiveSubscriber } from './live-subscriber.js'
import { RendezvousContender } from './rendezvous-contender.js'
import { RequestClient } from './request-client.js'
import type { RequestHandler } from './request-executor.js'
import { RequestServer } from './request-server.js'

export interface StreamLaneOptions {
  /**
   * The longest request, reply or live body. @default 12 MiB: the largest sample behind a chunk of a large cache, with
   * room
   */
  readonly maxMessageBytes?: number
  /** Frames that may wait per peer, and pending requests per endpoint. @default 4000 */
  readonly highWaterMark?: number
  /** How long an idle request connection is kept, in milliseconds. @default 30000 */
  readonly idleMs?: number
}

export interface ResolvedStreamLaneOptions {
  readonly maxMessageBytes: number
  readonly highWaterMark: number
  readonly idleMs: number
}

export const defaultStreamLaneOptions: ResolvedStreamLaneOptions = Object.freeze({
  maxMessageBytes: 12 * 1024 * 1024,
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
  checkDurationMs('idleMs', resolved.idleMs, { leastMs: 1, allowInfinity: true })
  for (const name of ['maxMessageBytes', 'highWaterMark'] as const) {
    const value = resolved[name]
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 30) {
      throw invalidArgument(`${name} must be an integer from 1 to 2³⁰, not ${value}`, { [name]: value })
    }
  }
  return resolved
}

export interface StreamLaneComponents {
  readonly clock: Clock
  readonly random?: Random
  /** A fixed port for requests, the next one for live frames. @default 0: any free one */
  readonly port?: number
  /** Where to listen beyond the host, best first; {@link ZeromqStreamLane.useAddresses} changes them. @default [] */
  readonly addresses?: readonly string[]
  /** @default 0: none is contended for */
  readonly rendezvousPort?: number
}

/** ROUTER/DEALER for requests, XPUB/SUB for live frames. The sockets keep the process alive until `close()`. */
export class ZeromqStreamLane implements StreamLane {
  readonly counters: Counters
  readonly rendezvousPort: number
  readonly #components: StreamLaneComponents
  readonly #context: Context | undefined
  readonly #options: ResolvedStreamLaneOptions
  readonly #server: RequestServer
  readonly #client: RequestClient
  readonly #subscriber: LiveSubscriber
  readonly #endpointListeners: Listeners<void>
  #addresses: readonly string[]
  #rendezvous: RendezvousContender | undefined
  #publisher: LivePublisher | undefined
  #opening: Promise<LivePublisher> | undefined
  #closing: Promise<void> | undefined

  private constructor(
    components: StreamLaneComponents,
    options: ResolvedStreamLaneOptions,
    context: Context | undefined,
    server: RequestServer,
    counters: Counters,
  ) {
    this.rendezvousPort = components.rendezvousPort ?? 0
    this.#components = components
    this.#addresses = components.addresses ?? []
    this.#options = options
    this.#context = context
    this.#server = server
    this.counters = counters
    const { clock } = components
    this.#client = new RequestClient({ context, clock, counters, limits: options, idleMs: options.idleMs })
    this.#subscriber = new LiveSubscriber({ context, clock, limits: options, counters })
    this.#endpointListeners = new Listeners(counters, 'stream.failed.listener')
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_TRANSPORT */
  static async open(components: StreamLaneComponents, options: StreamLaneOptions = {}): Promise<ZeromqStreamLane> {
    const limits = resolveStreamLaneOptions(options)
    const context = takeContext()
    const counters = new Counters()
    const { port = 0, addresses = [] } = components
    try {
      const server = await RequestServer.open({ context, limits, counters }, { port, addresses })
      return new ZeromqStreamLane(components, limits, context, server, counters)
    } catch (error) {
      releaseContext(context)
      throw error
    }
  }

  get requestEndpoints(): readonly string[] {
    return this.#server.endpoints
  }

  get liveEndpoints(): readonly string[] {
    return this.#publisher?.endpoints ?? []
  }

  get requestPort(): number {
    return this.#server.port
  }

  requestEndpointAt(address: string, requestPort: number): string {
    return tcpEndpoint(address, requestPort)
  }

  onEndpointsChanged(listener: () => void): Subscription {
    return this.#endpointListeners.add(listener)
  }

  /** Returns the connections that this participant has dialled: for requests, and for live frames. */
  get connections(): { readonly request: number; readonly live: number } {
    return { request: this.#client.connections, live: this.#subscriber.connections }
  }

  /** True if some address could not be bound yet. The next {@link useAddresses} tries again. */
  get isIncomplete(): boolean {
    return !this.#server.isComplete || this.#publisher?.isComplete === false
  }

  /** Listens at exactly these addresses beyond the host. */
  async useAddresses(addresses: readonly string[]): Promise<void> {
    if (this.#closing !== undefined) return
    this.#addresses = addresses
    this.#rendezvous?.useAddresses(this.#rendezvousAddresses())
    const changes = await Promise.all([this.#server.useAddresses(addresses), this.#publisher?.useAddresses(addresses)])
    if (changes.includes(true) && this.#closing === undefined) this.#endpointListeners.emit()
  }

  serve(handler: RequestHandler): void {
    this.#server.handler = handler
  }

  contendRendezvous(): Rendezvous {
    this.#checkOpen()
    const { clock, random = Math.random } = this.#components
    this.#rendezvous ??= new RendezvousContender(
      {
        clock,
        random,
        counters: this.counters,
        listen: (address) => this.#server.listenAt(address, this.rendezvousPort),
        onClosed: () => {
          this.#rendezvous = undefined
        },
      },
      this.#rendezvousAddresses(),
    )
    return this.#rendezvous
  }

  async request(endpoints: string | readonly string[], body: Uint8Array, options: RequestOptions): Promise<Buffer> {
    this.#checkOpen()
    checkBody('request', body, this.#options.maxMessageBytes)
    return this.#client.request(endpoints, body, options)
  }

  async publishEndpoints(): Promise<readonly string[]> {
    this.#checkOpen()
    this.#opening ??= this.#openPublisher()
    const opening = this.#opening
    try {
      await opening
    } catch (error) {
      // The port may be free at the next call.
      if (this.#opening === opening) this.#opening = undefined
      throw error
    }
    const publisher = await opening
    this.#checkOpen()
    return publisher.endpoints
  }

  publish(group: string, body: Uint8Array): void {
    checkGroupName(group)
    checkBody('live', body, this.#options.maxMessageBytes)
    if (this.#closing === undefined) this.#publisher?.publish(group, body)
    else this.counters.add('stream.dropped.closed')
  }

  subscribe(endpoints: string | readonly string[], group: string, handler: FrameHandler): Subscription {
    checkGroupName(group)
    this.#checkOpen()
    return this.#subscriber.subscribe(endpoints, group, handler)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#endpointListeners.clear()
    const publisher = this.#opening?.then(
      (opened) => opened.close(),
      () => undefined,
    )
    await closeTogether([
      () => this.#client.close(),
      () => this.#subscriber.close(),
      () => this.#rendezvous?.close(),
      () => this.#server.close(),
      () => publisher,
    ])
    releaseContext(this.#context) // not after a failure, which may have left a socket open
  }

  async #openPublisher(): Promise<LivePublisher> {
    const { port = 0 } = this.#components
    const livePort = port === 0 ? 0 : port + 1
    const listen = { port: livePort, addresses: this.#addresses }
    const publisher = await LivePublisher.open(this.#context, listen, this.#options, this.counters)
    this.#publisher = publisher
    await publisher.useAddresses(this.#addresses) // they may have changed in the meantime
    return publisher
  }

  #rendezvousAddresses(): readonly string[] {
    return this.rendezvousPort === 0 ? [] : ['127.0.0.1', ...this.#addresses]
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', 'the stream lane is closed')
  }
}
