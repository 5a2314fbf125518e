import type { Context } from 'zeromq'
import { closeTogether } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { endpointList, parseEndpoint } from '../lane/endpoint.js'
import type { RequestOptions } from '../lane/transport.js'
import { RequestConnection } from './request-connection.js'
import { RequestRace } from './request-race.js'
import type { ZeromqLimits } from './zeromq.js'

export interface RequestClientComponents {
  readonly context: Context | undefined
  readonly clock: Clock
  readonly counters: Counters
  readonly limits: ZeromqLimits
  /** How long an idle connection is kept. */
  readonly idleMs: number
}

/** One connection per endpoint with recent requests. */
export class RequestClient {
  readonly #components: RequestClientComponents
  readonly #current = new Map<string, RequestConnection>()
  /** All connections, including retired ones with pending replies. */
  readonly #open = new Set<RequestConnection>()

  constructor(components: RequestClientComponents) {
    this.#components = components
  }

  /** Returns the endpoints to which a connection is open. */
  get connections(): number {
    return this.#current.size
  }

  /** @throws NumacastError as documented for {@link StreamLane.request} */
  async request(endpoints: string | readonly string[], body: Uint8Array, options: RequestOptions): Promise<Buffer> {
    const candidates = endpointList(endpoints)
    const proven = candidates.map((endpoint) => this.#current.get(endpoint)).find((known) => known?.isProven)
    if (proven !== undefined) return proven.request(body, options)
    const connections = this.#connectAll(candidates)
    const [only, ...others] = connections
    if (only !== undefined && others.length === 0) return only.request(body, options)
    return new RequestRace(this.#components.clock, connections, body, options).run()
  }

  async close(): Promise<void> {
    const reason = new NumacastError('NUMACAST_CLOSED', 'the stream lane was closed')
    this.#current.clear()
    await closeTogether([...this.#open].map((connection) => () => connection.close(reason)))
  }

  /** @throws the first error, if no endpoint can be dialled */
  #connectAll(candidates: readonly string[]): RequestConnection[] {
    const connections: RequestConnection[] = []
    let failure: unknown
    for (const endpoint of candidates) {
      try {
        connections.push(this.#current.get(endpoint) ?? this.#connect(endpoint))
      } catch (error) {
        failure ??= error
        this.#components.counters.addError('stream.rejected.endpoint', error)
      }
    }
    if (connections.length === 0) throw failure
    return connections
  }

  #connect(endpoint: string): RequestConnection {
    parseEndpoint(endpoint)
    const connection = new RequestConnection(endpoint, {
      ...this.#components,
      onRetired: (retired) => this.#current.delete(retired.endpoint),
      onClosed: (closed) => this.#open.delete(closed),
    })
    this.#current.set(endpoint, connection)
    this.#open.add(connection)
    return connection
  }
}
