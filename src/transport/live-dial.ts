import type { Socket } from 'zeromq'
import { NumacastError } from '../core/errors.js'

/** What of a SUB is needed here. */
export type Dialler = Pick<Socket, 'events'> & {
  connect(endpoint: string): void
  disconnect(endpoint: string): void
}

/**
 * Connects a socket to one peer by the first of several ways that works, and drops the others, so that each frame comes
 * once. When that way breaks, all are tried again. A frame or two may come twice while two ways work; sequence numbers
 * tell.
 */
export class LiveDial {
  readonly #socket: Dialler
  readonly #endpoints: readonly string[]
  #winner: string | undefined

  /** @throws NumacastError NUMACAST_TRANSPORT when libzmq refuses an endpoint */
  constructor(socket: Dialler, endpoints: readonly string[]) {
    this.#socket = socket
    this.#endpoints = endpoints
    if (endpoints.length > 1) {
      // A monitor costs two sockets, so a single way, where there is nothing to choose, has none.
      socket.events.on('handshake', ({ address }) => this.#onConnected(address))
      socket.events.on('disconnect', ({ address }) => this.#onLost(address))
    }
    for (const endpoint of endpoints) this.#connect(endpoint)
  }

  #onConnected(endpoint: string): void {
    if (this.#winner !== undefined || !this.#endpoints.includes(endpoint)) return
    this.#winner = endpoint
    for (const other of this.#endpoints) if (other !== endpoint) this.#socket.disconnect(other)
  }

  /** libzmq itself dials the lost one again. */
  #onLost(endpoint: string): void {
    if (this.#winner !== endpoint) return
    this.#winner = undefined
    for (const other of this.#endpoints) if (other !== endpoint) this.#connect(other)
  }

  #connect(endpoint: string): void {
    try {
      this.#socket.connect(endpoint)
    } catch (cause) {
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot connect to ${endpoint}`, { cause, details: { endpoint } })
    }
  }
}
