import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import { connectOrThrow, type Dialer, type PeerDialer } from './endpoint-selector.js'

/** A peer sends beacons at least every two seconds to its subscribers. */
const silenceMs = 10_000

/**
 * Connects a socket to one peer by one of several endpoints, and goes on to the next one while nothing comes. For worker
 * threads, where no monitor may tell that an endpoint works: see {@link isPolled}.
 */
export class EndpointRotation implements PeerDialer {
  readonly #timer: RepeatingTimer
  #current = 0
  #isSilent = true

  /** @throws NumacastError NUMACAST_TRANSPORT when libzmq refuses the first endpoint */
  constructor(
    socket: Omit<Dialer, 'events'>,
    endpoints: readonly [string, ...string[]],
    { clock, counters }: { readonly clock: Clock; readonly counters: Counters },
  ) {
    connectOrThrow(socket, endpoints[0])
    this.#timer = new RepeatingTimer(clock, silenceMs, () => {
      const isSilent = this.#isSilent
      this.#isSilent = true
      if (!isSilent || socket.closed) return
      const from = endpoints[this.#current % endpoints.length] ?? endpoints[0]
      this.#current++
      const to = endpoints[this.#current % endpoints.length] ?? endpoints[0]
      counters.add('stream.redialled')
      try {
        socket.disconnect(from)
        socket.connect(to)
      } catch {
        counters.add('stream.failed.dial')
      }
    })
  }

  received(): void {
    this.#isSilent = false
  }

  close(): void {
    this.#timer.close()
  }
}
