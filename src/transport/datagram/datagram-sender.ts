import type { Socket } from 'node:dgram'
import { closeTogether } from '../../core/close-all.js'
import { errorCode, failureCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { NetworkPath } from '../lane/network-path.js'
import { listOsInterfaces } from '../lane/os-interfaces.js'
import { type DatagramRange, subnetTimeToLive } from '../lane/range.js'
import { bindSocket, closeSocket, createNumericSocket } from './datagram-socket.js'

/** Attempts to find a port that is free at every address. A port that is free on loopback may be taken elsewhere. */
const portAttempts = 16

/**
 * Sends every frame over loopback, for this host, and through each interface in use, for other hosts. All sockets are
 * bound to one port number, each at its own address, so a receiver identifies the participant by that number on every
 * path. Frames sent through an interface are not looped back, so this host receives each frame once.
 */
export class DatagramSender {
  readonly #range: DatagramRange
  readonly #counters: Counters
  readonly #onSent: (error: Error | null) => void
  readonly #host: Socket
  readonly #network = new Map<string, Socket>()
  #wanted = 0
  readonly #closingSockets = new Set<Promise<void>>()
  #closed = false

  private constructor(range: DatagramRange, counters: Counters, host: Socket) {
    this.#range = range
    this.#counters = counters
    this.#host = host
    this.#onSent = (error) => {
      if (error !== null) counters.add(`datagram.dropped.${errorCode(error)}`)
    }
    host.on('error', (error) => counters.add(`datagram.failed.${errorCode(error)}`))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(range: DatagramRange, paths: readonly NetworkPath[], counters: Counters): Promise<DatagramSender> {
    for (let attempt = 1; ; attempt++) {
      const host = await openSocket(range, { address: range.interfaceAddress, port: 0 }, range.timeToLive, true)
      const sender = new DatagramSender(range, counters, host)
      await sender.usePaths(paths)
      if (sender.isComplete || attempt === portAttempts) return sender
      await sender.close()
    }
  }

  /** The port number shared by all sockets. */
  get port(): number {
    return this.#closed ? 0 : this.#host.address().port
  }

  get isComplete(): boolean {
    return this.#network.size === this.#wanted
  }

  /** The longest send queue of any socket, in frames. */
  get pending(): number {
    if (this.#closed) return 0
    let pending = this.#host.getSendQueueCount()
    for (const socket of this.#network.values()) pending = Math.max(pending, socket.getSendQueueCount())
    return pending
  }

  send(frame: Uint8Array[], port: number): void {
    const { multicastAddress } = this.#range
    this.#host.send(frame, port, multicastAddress, this.#onSent)
    for (const socket of this.#network.values()) socket.send(frame, port, multicastAddress, this.#onSent)
  }

  /**
   * Switches to these interfaces for sending. A port that is taken at one of the addresses is counted. The next call
   * tries that address again.
   */
  async usePaths(paths: readonly NetworkPath[]): Promise<void> {
    const wanted = new Set(paths.map(({ address }) => address))
    this.#wanted = wanted.size
    for (const [address, socket] of this.#network) {
      if (wanted.has(address)) continue
      this.#network.delete(address)
      const closing = closeSocket(socket)
        .catch((error) => this.#counters.addError(`datagram.failed.close.${failureCode(error)}`, error))
        .finally(() => this.#closingSockets.delete(closing))
      this.#closingSockets.add(closing)
    }
    for (const address of wanted) {
      if (this.#closed) return
      if (!this.#network.has(address)) await this.#add(address)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const sockets = [this.#host, ...this.#network.values()]
    this.#network.clear()
    await closeTogether([
      ...[...this.#closingSockets].map((closing) => () => closing),
      ...sockets.map((socket) => () => closeSocket(socket)),
    ])
  }

  async #add(address: string): Promise<void> {
    try {
      const socket = await openSocket(this.#range, { address, port: this.port }, subnetTimeToLive, false)
      if (this.#closed) return await closeSocket(socket)
      socket.on('error', (error) => this.#counters.add(`datagram.failed.${errorCode(error)}`))
      this.#network.set(address, socket)
    } catch (error) {
      this.#counters.add(`datagram.failed.interface.${failureCode(error)}`)
    }
  }
}

/** @throws NumacastError NUMACAST_TRANSPORT */
async function openSocket(
  range: DatagramRange,
  { address, port }: { readonly address: string; readonly port: number },
  timeToLive: number,
  loopback: boolean,
): Promise<Socket> {
  // Exclusive, because two senders on the same port and address would be indistinguishable.
  const socket = createNumericSocket({ reuseAddr: false })
  await bindSocket(socket, address, port)
  try {
    socket.setMulticastInterface(address)
    socket.setMulticastTTL(timeToLive)
    socket.setMulticastLoopback(loopback)
    return socket
  } catch (cause) {
    await closeSocket(socket)
    const hint = address.startsWith('127.') && !isUp(address) ? ': loopback is down (`ip link set lo up`)' : ''
    const message = `cannot send multicast to ${range.multicastAddress} through ${address}${hint}`
    throw new NumacastError('NUMACAST_TRANSPORT', message, { cause })
  }
}

/** Returns true also when the system does not list its interfaces. */
function isUp(address: string): boolean {
  try {
    return Object.values(listOsInterfaces()).some((facts) => facts?.some((fact) => fact.address === address))
  } catch (error) {
    if (!(error instanceof NumacastError)) throw error
    return true
  }
}
