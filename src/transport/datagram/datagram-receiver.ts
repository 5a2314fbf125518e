import type { RemoteInfo, Socket } from 'node:dgram'
import type { Counters } from '../../core/counters.js'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import type { Subscription } from '../../core/listeners.js'
import { decodeRadio } from '../../wire/radio.js'
import { Handlers } from '../lane/handlers.js'
import type { NetworkPath } from '../lane/network-path.js'
import type { DatagramRange } from '../lane/range.js'
import type { FrameHandler } from '../lane/transport.js'
import { bindSocket, closeSocket, createNumericSocket } from './datagram-socket.js'

/** What we ask of the kernel; it grants at most `net.core.rmem_max` (Linux) and may refuse (BSD). */
const wantedReceiveBufferBytes = 4 * 1024 * 1024

export interface DatagramReceiverComponents {
  readonly range: DatagramRange
  readonly port: number
  /** Whether a frame from this address is wanted. */
  readonly accepts: (address: string) => boolean
  /** Called for every datagram, before it is looked at. */
  readonly onReceived: () => void
  readonly counters: Counters
}

/** One port's receiving socket, shared by all groups on that port, and joined on all interfaces in use. */
export class DatagramReceiver {
  readonly #socket: Socket
  readonly #range: DatagramRange
  readonly #accepts: (address: string) => boolean
  readonly #counters: Counters
  /** Addresses by which interfaces beyond loopback were joined. */
  readonly #joined = new Set<string>()
  #wanted = 0
  readonly #groups = new Map<string, Handlers>()
  #closing: Promise<void> | undefined

  private constructor(socket: Socket, { range, accepts, onReceived, counters }: DatagramReceiverComponents) {
    this.#socket = socket
    this.#range = range
    this.#accepts = accepts
    this.#counters = counters
    socket.on('message', (frame, from) => {
      onReceived()
      this.#receive(frame, from)
    })
    socket.on('error', (error) => counters.add(`datagram.failed.${errorCode(error)}`))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(components: DatagramReceiverComponents): Promise<DatagramReceiver> {
    const { range, port, counters } = components
    const { multicastAddress, interfaceAddress } = range
    const socket = createNumericSocket({ reuseAddr: true })
    // Bound to the group's address, the kernel drops what was sent to this port by unicast or to other groups; Windows
    // knows no such binding.
    await bindSocket(socket, process.platform === 'win32' ? interfaceAddress : multicastAddress, port)
    try {
      socket.addMembership(multicastAddress, interfaceAddress)
    } catch (cause) {
      await closeSocket(socket)
      throw new NumacastError(
        'NUMACAST_TRANSPORT',
        `cannot join multicast ${multicastAddress} on ${interfaceAddress} (${errorCode(cause)}): is the interface up?`,
        { cause, details: { multicastAddress, interfaceAddress, port } },
      )
    }
    try {
      socket.setRecvBufferSize(wantedReceiveBufferBytes)
    } catch (error) {
      counters.addError('datagram.failed.receive-buffer', error)
    }
    return new DatagramReceiver(socket, components)
  }

  get isUnused(): boolean {
    return this.#groups.size === 0
  }

  /** What the kernel granted; Linux counts its own bookkeeping in and says twice the request. */
  get receiveBufferBytes(): number {
    return this.#closing === undefined ? this.#socket.getRecvBufferSize() : 0
  }

  /**
   * Listens on these interfaces from now on, loopback aside. What cannot be joined is counted
   * (`datagram.failed.join.<reason>`) and tried again by the next call.
   */
  follow(paths: readonly NetworkPath[]): void {
    if (this.#closing !== undefined) return
    const wanted = new Set(paths.map(({ address }) => address))
    this.#wanted = wanted.size
    const gone = [...this.#joined].filter((joined) => !wanted.has(joined))
    for (const address of gone) this.#leave(address)
    // A membership is the interface's, so leaving by one of its addresses has left by the others too.
    for (const address of wanted) if (gone.length > 0 || !this.#joined.has(address)) this.#join(address)
  }

  get isComplete(): boolean {
    return this.#joined.size === this.#wanted
  }

  /** `onUnused` runs when the last handler of the last group has gone. */
  add(group: string, handler: FrameHandler, onUnused: () => void): Subscription {
    let handlers = this.#groups.get(group)
    if (handlers === undefined) {
      handlers = new Handlers(this.#counters, 'datagram.failed.handler')
      this.#groups.set(group, handlers)
    }
    const joined = handlers
    return joined.add(handler, () => {
      if (joined.size > 0 || this.#groups.get(group) !== joined) return
      this.#groups.delete(group)
      if (this.isUnused) onUnused()
    })
  }

  close(): Promise<void> {
    for (const handlers of this.#groups.values()) handlers.clear()
    this.#groups.clear()
    this.#closing ??= closeSocket(this.#socket)
    return this.#closing
  }

  #join(address: string): void {
    try {
      this.#socket.addMembership(this.#range.multicastAddress, address)
      this.#joined.add(address)
    } catch (error) {
      // The interface has joined by another address of it (ip(7): memberships are the interface's).
      if (errorCode(error) === 'eaddrinuse') this.#joined.add(address)
      else this.#counters.addError(`datagram.failed.join.${errorCode(error)}`, error)
    }
  }

  #leave(address: string): void {
    this.#joined.delete(address)
    try {
      this.#socket.dropMembership(this.#range.multicastAddress, address)
    } catch (error) {
      // An interface that is gone has taken its membership along, or keeps one by which only strangers are heard.
      this.#counters.addError('datagram.failed.leave', error)
    }
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (!this.#accepts(from.address)) {
      this.#counters.add('datagram.rejected.out-of-range')
      return
    }
    const frame = decodeRadio(datagram)
    if (typeof frame === 'string') {
      this.#counters.add(`datagram.rejected.${frame}`)
      return
    }
    const handlers = this.#groups.get(frame.group)
    if (handlers === undefined) this.#counters.add('datagram.skipped.other-group')
    else handlers.deliver(frame.body, from)
  }
}
