import type { RemoteInfo, Socket } from 'node:dgram'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { decodeRadio } from '../../wire/radio.js'
import { Handlers } from '../lane/handlers.js'
import type { NetworkPath } from '../lane/network-path.js'
import type { DatagramRange } from '../lane/range.js'
import type { FrameHandler } from '../lane/transport.js'
import { bindSocket, closeSocket, createNumericSocket } from './datagram-socket.js'

/** The requested buffer size. Linux grants at most `net.core.rmem_max`; BSD may refuse the request. */
const wantedReceiveBufferBytes = 4 * 1024 * 1024

export interface DatagramReceiverComponents {
  readonly range: DatagramRange
  readonly port: number
  /** Returns whether a frame from this address is accepted. */
  readonly accepts: (address: string) => boolean
  /** Called for every datagram before it is parsed. */
  readonly onReceived: () => void
  readonly counters: Counters
}

/** Receives one port's datagrams for all groups on that port, over all interfaces in use. */
export class DatagramReceiver {
  readonly #socket: Socket
  readonly #range: DatagramRange
  readonly #accepts: (address: string) => boolean
  readonly #counters: Counters
  /** Addresses through which interfaces beyond loopback were joined. */
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
    // A socket bound to the group's address gets no unicast and no datagram of other groups. Windows does not support
    // such a binding.
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

  /** The buffer size that the kernel granted. Linux reports twice the request, which includes its bookkeeping. */
  get receiveBufferBytes(): number {
    return this.#closing === undefined ? this.#socket.getRecvBufferSize() : 0
  }

  /**
   * Listens on exactly these interfaces, in addition to loopback. A failed join is counted
   * (`datagram.failed.join.<reason>`) and retried by the next call.
   */
  usePaths(paths: readonly NetworkPath[]): void {
    if (this.#closing !== undefined) return
    const wanted = new Set(paths.map(({ address }) => address))
    this.#wanted = wanted.size
    const gone = [...this.#joined].filter((joined) => !wanted.has(joined))
    for (const address of gone) this.#leave(address)
    // Membership belongs to the interface, so leaving through one address leaves through the others too.
    for (const address of wanted) if (gone.length > 0 || !this.#joined.has(address)) this.#join(address)
  }

  get isComplete(): boolean {
    return this.#joined.size === this.#wanted
  }

  /** `onUnused` is called after the last handler of the last group is removed. */
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
      // The interface was joined through another of its addresses (ip(7): memberships belong to the interface).
      if (errorCode(error) === 'eaddrinuse') this.#joined.add(address)
      else this.#counters.addError(`datagram.failed.join.${errorCode(error)}`, error)
    }
  }

  #leave(address: string): void {
    this.#joined.delete(address)
    try {
      this.#socket.dropMembership(this.#range.multicastAddress, address)
    } catch (error) {
      // A removed interface has dropped its membership, or keeps one over which only other hosts' frames arrive.
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
