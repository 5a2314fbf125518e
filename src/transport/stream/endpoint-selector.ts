import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import type { ReceivingSocket } from '../zmtp/message-socket.js'

/** The parts of a SUB socket that are needed here. */
export type Dialer = Pick<ReceivingSocket, 'closed' | 'events' | 'connect' | 'disconnect'>

export interface EndpointSelectorComponents {
  readonly clock: Clock
  readonly counters: Counters
}

/** libzmq announces a retry with each lost connection. Without one within this time it has given the endpoint up. */
const firstRedialMs = 500
const maxRedialMs = 30_000

/**
 * Connects a socket to one peer through the first of several endpoints that works, and drops the others, so that each
 * frame arrives once. When that endpoint breaks, all are tried again. While two endpoints work, a frame or two may
 * arrive twice; the receiver drops duplicates by sequence number.
 *
 * libzmq gives up an endpoint, without an event, if the peer sends a message over `maxMessageSize` or refuses the
 * handshake. This class detects that no retry follows, and connects again (`stream.redialled`).
 */
export class EndpointSelector {
  readonly #socket: Dialer
  readonly #endpoints: readonly string[]
  readonly #clock: Clock
  readonly #counters: Counters
  /** Endpoints that broke and that libzmq, as far as is known, does not retry. */
  readonly #redials = new Map<string, Timer>()
  /** Consecutive redials without a handshake. */
  readonly #attempts = new Map<string, number>()
  #winner: string | undefined
  #closed = false

  /** @throws NumacastError NUMACAST_TRANSPORT if libzmq refuses an endpoint */
  constructor(socket: Dialer, endpoints: readonly string[], { clock, counters }: EndpointSelectorComponents) {
    this.#socket = socket
    this.#clock = clock
    this.#counters = counters
    this.#endpoints = endpoints
    socket.events.on('handshake', ({ address }) => this.#onConnected(address))
    socket.events.on('disconnect', ({ address }) => this.#onLost(address))
    socket.events.on('connect:retry', ({ address }) => this.#cancelRedial(address))
    for (const failure of ['handshake:error:protocol', 'handshake:error:auth', 'handshake:error:other'] as const) {
      socket.events.on(failure, ({ address }) => this.#redialUnlessRetried(address))
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

  /** Idempotent. The socket stays open. */
  close(): void {
    this.#closed = true
    for (const timer of this.#redials.values()) timer.cancel()
    this.#redials.clear()
  }

  #onConnected(endpoint: string): void {
    this.#cancelRedial(endpoint)
    this.#attempts.delete(endpoint)
    if (this.#winner !== undefined || !this.#endpoints.includes(endpoint)) return
    this.#winner = endpoint
    this.#forEachOther(endpoint, (other) => {
      this.#cancelRedial(other)
      this.#socket.disconnect(other)
    })
  }

  #onLost(endpoint: string): void {
    if (this.#winner === endpoint) {
      this.#winner = undefined
      this.#forEachOther(endpoint, (other) => this.#socket.connect(other))
    }
    this.#redialUnlessRetried(endpoint)
  }

  #redialUnlessRetried(endpoint: string): void {
    if (this.#closed || this.#redials.has(endpoint) || !this.#endpoints.includes(endpoint)) return
    const attempts = this.#attempts.get(endpoint) ?? 0
    this.#attempts.set(endpoint, attempts + 1)
    const delayMs = Math.min(maxRedialMs, firstRedialMs * 2 ** Math.min(attempts, 10))
    this.#redials.set(
      endpoint,
      this.#clock.after(delayMs, () => this.#redial(endpoint)),
    )
  }

  #redial(endpoint: string): void {
    this.#redials.delete(endpoint)
    if (this.#winner !== undefined || this.#closed) return
    this.#counters.add('stream.redialled')
    this.#ifOpen(() => this.#socket.disconnect(endpoint))
    this.#ifOpen(() => this.#socket.connect(endpoint))
  }

  #cancelRedial(endpoint: string): void {
    this.#redials.get(endpoint)?.cancel()
    this.#redials.delete(endpoint)
  }

  #forEachOther(endpoint: string, act: (other: string) => void): void {
    for (const other of this.#endpoints) {
      if (other !== endpoint) this.#ifOpen(() => act(other))
    }
  }

  /** Events still arrive after the socket has closed. An exception in their handlers would be uncaught. */
  #ifOpen(act: () => void): void {
    if (this.#socket.closed) return
    try {
      act()
    } catch (error) {
      this.#counters.addError('stream.failed.dial', error)
    }
  }
}
