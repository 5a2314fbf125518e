import { numacastCode } from '../../core/error-code.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import type { Announcer } from '../../discovery/announcer.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import type { LocalEndpoints } from './local-endpoints.js'

/** A socket that could not be opened is tried again after this long. */
const retryMs = 2_000

export interface LiveSocketComponents {
  readonly clock: Clock
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

  /** Resolves when the socket is open, or could not be opened; it is tried again then. Never rejects. */
  async open(): Promise<void> {
    this.#opening ??= this.#open()
    await this.#opening
  }

  async #open(): Promise<void> {
    const { clock, endpoints, stream, counters, announcer } = this.#components
    try {
      await stream.publishEndpoints()
      endpoints.endpointsChanged()
      for (const partition of endpoints.partitions().writes) announcer.announceNow(partition)
    } catch (error) {
      counters.addError('stream.failed.publish', error)
      this.#opening = undefined
      if (numacastCode(error) !== 'NUMACAST_CLOSED') clock.after(retryMs, () => void this.open())
    }
  }
}
