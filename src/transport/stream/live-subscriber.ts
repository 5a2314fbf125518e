import { closeTogether } from '../../core/close-all.js'
import { invalidArgument } from '../../core/errors.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { endpointList, isEndpoint } from '../lane/endpoint.js'
import type { FrameHandler } from '../lane/transport.js'
import { LiveConnection, type LiveConnectionComponents } from './live-connection.js'

/** Holds one connection per peer, so that each frame's publisher is known. Open while any group has a handler. */
export class LiveSubscriber {
  readonly #components: LiveConnectionComponents
  readonly #connections = new Set<LiveConnection>()
  /** Each connection is listed under each of its endpoints. */
  readonly #byEndpoint = new Map<string, LiveConnection>()
  readonly #ending = new Set<Promise<void>>()

  constructor(components: LiveConnectionComponents) {
    this.#components = components
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
    await closeTogether([...this.#connections].map((connection) => () => this.#disconnect(connection)))
    await Promise.all(this.#ending)
  }

  #connect(wanted: readonly string[]): LiveConnection {
    const connection = new LiveConnection(this.#components, this.#dialable(wanted))
    this.#connections.add(connection)
    for (const endpoint of connection.endpoints) this.#byEndpoint.set(endpoint, connection)
    const ending = connection.ended.finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
    return connection
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT if there is none */
  #dialable(wanted: readonly string[]): readonly [string, ...string[]] {
    const known = wanted.filter((endpoint) => isEndpoint(endpoint))
    const [first, ...others] = known
    if (first === undefined) throw invalidArgument(`no endpoint can be dialled: ${wanted.join(' ')}`, { wanted })
    const refused = wanted.length - known.length
    if (refused > 0) this.#components.counters.add('stream.rejected.endpoint', refused)
    return [first, ...others]
  }

  #disconnect(connection: LiveConnection): void {
    this.#connections.delete(connection)
    for (const endpoint of connection.endpoints) {
      if (this.#byEndpoint.get(endpoint) === connection) this.#byEndpoint.delete(endpoint)
    }
    connection.close()
  }
}
