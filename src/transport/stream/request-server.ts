import type { Context } from 'zeromq'
import { closeTogether } from '../../core/close-all.js'
import { failureCode } from '../../core/error-code.js'
import type { Counters } from '../../core/reporting/counters.js'
import { parseEndpoint } from '../lane/endpoint.js'
import { AddressListeners } from './address-listeners.js'
import { bindError, openOnHost, tcpEndpoint } from './bind.js'
import { RequestExecutor, type RequestHandler } from './request-executor.js'
import { RequestListener } from './request-listener.js'
import { probeTcp } from './tcp-probe.js'
import type { ZeromqLimits } from './zeromq.js'

/** Attempts to find a port that is free at every address. A port that is free on loopback may be taken elsewhere. */
const portAttempts = 8

export interface RequestServerComponents {
  readonly context: Context | undefined
  readonly limits: ZeromqLimits
  readonly counters: Counters
}

export interface ListenOptions {
  /** 0: any free one. */
  readonly port: number
  /** Where to listen beyond the host, best first. */
  readonly addresses: readonly string[]
}

/** Answers requests on this host, and at the same TCP port of each address in use beyond it. */
export class RequestServer {
  /** The port at every address. */
  readonly port: number
  readonly #components: RequestServerComponents
  readonly #host: RequestListener
  readonly #network: AddressListeners<RequestListener>
  readonly #executor: RequestExecutor

  private constructor(
    components: RequestServerComponents,
    executor: RequestExecutor,
    host: RequestListener,
    network: AddressListeners<RequestListener>,
    port: number,
  ) {
    this.#components = components
    this.#executor = executor
    this.#host = host
    this.#network = network
    this.port = port
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(components: RequestServerComponents, options: ListenOptions): Promise<RequestServer> {
    const executor = new RequestExecutor(components)
    for (let attempt = 1; ; attempt++) {
      const host = await openOnHost(options.port, (endpoint) => listen(components, executor, endpoint))
      const { port } = parseEndpoint(host.endpoint)
      const network = new AddressListeners(
        (address) => listen(components, executor, tcpEndpoint(address, port)),
        (error) => components.counters.add(`stream.failed.listen.${failureCode(error)}`),
      )
      await network.useAddresses(options.addresses)
      if (network.isComplete || options.port !== 0 || attempt === portAttempts) {
        return new RequestServer(components, executor, host, network, port)
      }
      await closeTogether([() => host.close(), () => network.close()])
    }
  }

  /** Best first. */
  get endpoints(): readonly string[] {
    return [this.#host.endpoint, ...this.#network.endpoints]
  }

  get isComplete(): boolean {
    return this.#network.isComplete
  }

  set handler(handler: RequestHandler) {
    this.#executor.handler = handler
  }

  /** Resolves to whether `endpoints` has changed. */
  useAddresses(addresses: readonly string[]): Promise<boolean> {
    return this.#network.useAddresses(addresses)
  }

  /**
   * Listens at another port as well. That port is usually taken, which is checked before a ZeroMQ socket is opened for
   * it.
   * @throws NumacastError NUMACAST_TRANSPORT
   */
  async listenAt(address: string, port: number): Promise<RequestListener> {
    const endpoint = tcpEndpoint(address, port)
    try {
      await probeTcp(address, port)
    } catch (cause) {
      throw bindError(endpoint, cause)
    }
    return listen(this.#components, this.#executor, endpoint)
  }

  async close(): Promise<void> {
    await closeTogether([() => this.#host.close(), () => this.#network.close()])
  }
}

function listen(
  { context, limits, counters }: RequestServerComponents,
  executor: RequestExecutor,
  endpoint: string,
): Promise<RequestListener> {
  return RequestListener.open(context, endpoint, limits, counters, (body, reply) => executor.execute(body, reply))
}
