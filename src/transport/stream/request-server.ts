import type { Context } from 'zeromq'
import type { Counters } from '../../core/counters.js'
import { parseEndpoint } from '../lane/endpoint.js'
import { AddressListeners } from './address-listeners.js'
import { RequestListener } from './request-listener.js'
import { bindFailure, hostEndpoints, oncePortIsFree, tcpEndpoint, type ZeromqLimits } from './zeromq.js'

/** Requests in progress; more are refused, because a handler that never ends must not hold memory without bound. */
const maxInProgress = 4_096
/** A port that is free on loopback may be taken at another address: another one is tried, so often. */
const portAttempts = 8

export type RequestHandler = (request: Buffer) => Promise<Uint8Array> | Uint8Array

export interface RequestServerComponents {
  readonly context: Context
  readonly limits: ZeromqLimits
  readonly counters: Counters
}

export interface ListenOptions {
  /** Goes into the names of abstract sockets. */
  readonly name: string
  /** 0: any free one. */
  readonly port: number
  /** Where to listen beyond the host, best first. */
  readonly addresses: readonly string[]
}

/** Answers requests: on this host, and at the same TCP port of each address in use beyond it. */
export class RequestServer {
  /** At every address. */
  readonly port: number
  readonly #components: RequestServerComponents
  readonly #host: RequestListener
  readonly #network: AddressListeners<RequestListener>
  readonly #jobRunner: RequestExecutor

  private constructor(
    components: RequestServerComponents,
    jobRunner: RequestExecutor,
    host: RequestListener,
    network: AddressListeners<RequestListener>,
    port: number,
  ) {
    this.#components = components
    this.#jobRunner = jobRunner
    this.#host = host
    this.#network = network
    this.port = port
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(components: RequestServerComponents, options: ListenOptions): Promise<RequestServer> {
    const jobRunner = new RequestExecutor(components)
    for (let attempt = 1; ; attempt++) {
      const host = await oncePortIsFree(() => listen(components, jobRunner, hostEndpoints(options.name, options.port)))
      const tcp = host.endpoints.find((endpoint) => endpoint.startsWith('tcp://'))
      const port = tcp === undefined ? 0 : parseEndpoint(tcp).port
      const network = new AddressListeners(
        (address) => listen(components, jobRunner, [tcpEndpoint(address, port)]),
        (error) => components.counters.add(`stream.failed.listen.${bindFailure(error)}`),
      )
      await network.follow(options.addresses)
      if (network.isComplete || options.port !== 0 || attempt === portAttempts) {
        return new RequestServer(components, jobRunner, host, network, port)
      }
      await Promise.all([host.close(), network.close()])
    }
  }

  /** Best first. */
  get endpoints(): readonly string[] {
    const [ipc, ...loopback] = this.#host.endpoints
    return [...(ipc === undefined ? [] : [ipc]), ...this.#network.endpoints, ...loopback]
  }

  get isComplete(): boolean {
    return this.#network.isComplete
  }

  set handler(handler: RequestHandler) {
    this.#jobRunner.handler = handler
  }

  /** Resolves to whether `endpoints` has changed. */
  follow(addresses: readonly string[]): Promise<boolean> {
    return this.#network.follow(addresses)
  }

  /** Listens at another port too. @throws NumacastError NUMACAST_TRANSPORT */
  listenAt(address: string, port: number): Promise<RequestListener> {
    return listen(this.#components, this.#jobRunner, [tcpEndpoint(address, port)])
  }

  async close(): Promise<void> {
    await Promise.all([this.#host.close(), this.#network.close()])
  }
}

/** Where requests come in from all listeners, and are answered. */
class RequestExecutor {
  readonly #components: RequestServerComponents
  #inProgress = 0
  handler: RequestHandler | undefined

  constructor(components: RequestServerComponents) {
    this.#components = components
  }

  take(body: Buffer, reply: (body: Uint8Array) => void): void {
    const { counters } = this.#components
    if (this.handler === undefined) counters.add('stream.rejected.not-serving')
    else if (this.#inProgress >= maxInProgress) counters.add('stream.rejected.too-many-requests')
    else void this.#answer(this.handler, body, reply)
  }

  async #answer(handler: RequestHandler, body: Buffer, reply: (body: Uint8Array) => void): Promise<void> {
    const { counters, limits } = this.#components
    this.#inProgress++
    try {
      const answer = await handler(body)
      if (answer.length > limits.maxMessageBytes) counters.add('stream.dropped.too-large')
      else reply(answer)
    } catch (error) {
      counters.addError('stream.failed.handler', error)
    } finally {
      this.#inProgress--
    }
  }
}

function listen(
  { context, limits, counters }: RequestServerComponents,
  jobRunner: RequestExecutor,
  endpoints: readonly string[],
): Promise<RequestListener> {
  return RequestListener.open(context, endpoints, limits, counters, (body, reply) => jobRunner.take(body, reply))
}
