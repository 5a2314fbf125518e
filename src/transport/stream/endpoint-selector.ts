import type { Socket } from 'zeromq'
import type { Counters } from '../../core/counters.js'
import { NumacastError } from '../../core/errors.js'

/** What of a SUB is needed here. */
export type Dialer = Pick<Socket, 'closed' | 'events'> & {
  connect(endpoint: string): void
  disconnect(endpoint: string): void
}

/**
 * Connects a socket to one peer by the first of several ways that works, and drops the others, so that each frame comes
 * once. When that way breaks, all are tried again. A frame or two may come twice while two ways work; sequence numbers
 * tell.
 */
export class EndpointSelector {
  readonly #socket: Dialer
  readonly #endpoints: readonly string[]
  readonly #counters: Counters
  #winner: string | undefined

  /** @throws NumacastError NUMACAST_TRANSPORT when libzmq refuses an endpoint */
  constructor(socket: Dialer, endpoints: readonly string[], counters: Counters) {
    this.#socket = socket
    this.#counters = counters
    this.#endpoints = endpoints
    if (endpoints.length > 1) {
      // A monitor costs two sockets, so a single way, where there is nothing to choose, has none.
      socket.events.on('handshake', ({ address }) => this.#onConnected(address))
      socket.events.on('disconnect', ({ address }) => this.#onLost(address))
    }
    for (const endpoint of endpoints) {
      try {
        socket.connect(endpoint)
      } catch (cause) {
        const message = `cannot connect to ${endpoint}`
        throw new NumacastError('NUMACAST_TRANSPORT', message, { cause, details: { endpoint } })
      }
    }
  }

  #onConnected(endpoint: string): void {
    if (this.#winner !== undefined || !this.#endpoints.includes(endpoint)) return
    this.#winner = endpoint
    this.#eachOther(endpoint, (other) => this.#socket.disconnect(other))
  }

  /** libzmq itself dials the lost one again. */
  #onLost(endpoint: string): void {
    if (this.#winner !== endpoint) return
    this.#winner = undefined
    this.#eachOther(endpoint, (other) => this.#socket.connect(other))
  }

  /** Events still come when the socket has been closed, and nobody is there to catch what is thrown at one. */
  #eachOther(endpoint: string, act: (other: string) => void): void {
    for (const other of this.#endpoints) {
      if (other === endpoint || this.#socket.closed) continue
      try {
        act(other)
      } catch (error) {
        this.#counters.addError('stream.failed.dial', error)
      }
    }
  }
}
