import type { Counters } from '../../core/counters.js'
import type { Announcer } from '../../discovery/announcer.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import type { LocalEndpoints } from './local-endpoints.js'

export interface LiveSocketComponents {
  readonly counters: Counters
  readonly stream: StreamLane
  readonly endpoints: LocalEndpoints
  readonly announcer: Announcer
}

/** The socket that publishes live frames by stream. Opened by the first writer, or the first peer, that needs it. */
export class LiveSocket {
  readonly #components: LiveSocketComponents
  #opening: Promise<void> | undefined

  constructor(components: LiveSocketComponents) {
    this.#components = components
  }

  /** Resolves when the socket is open, or could not be opened; the next call then tries again. Never rejects. */
  async open(): Promise<void> {
    this.#opening ??= this.#open()
    await this.#opening
  }

  async #open(): Promise<void> {
    const { endpoints, stream, counters, announcer } = this.#components
    try {
      await stream.publishEndpoints()
      endpoints.endpointsChanged()
      for (const partition of endpoints.partitions().writes) announcer.hurry(partition)
    } catch (error) {
      counters.addError('stream.failed.publish', error)
      this.#opening = undefined
    }
  }
}
