import type { RemoteInfo, Socket } from 'node:dgram'
import type { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import type { Subscription } from '../core/listeners.js'
import { decodeRadio } from '../wire/radio.js'
import { bindSocket, closeSocket, createNumericSocket, errorCode } from './datagram-socket.js'
import { Handlers } from './handlers.js'
import type { DatagramRange } from './range.js'
import type { FrameHandler } from './transport.js'

/** What we ask of the kernel; it grants at most `net.core.rmem_max` (Linux) and may refuse (BSD). */
const wantedReceiveBufferBytes = 4 * 1024 * 1024

/** One port's receiving socket, shared by all groups on that port. */
export class DatagramReceiver {
  readonly #socket: Socket
  readonly #range: DatagramRange
  readonly #counters: Counters
  readonly #groups = new Map<string, Handlers>()
  #closing: Promise<void> | undefined

  private constructor(socket: Socket, range: DatagramRange, counters: Counters) {
    this.#socket = socket
    this.#range = range
    this.#counters = counters
    socket.on('message', (frame, from) => this.#receive(frame, from))
    socket.on('error', (error) => counters.add(`datagram.failed.${errorCode(error)}`))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(range: DatagramRange, port: number, counters: Counters): Promise<DatagramReceiver> {
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
    } catch {
      counters.add('datagram.failed.receive-buffer')
    }
    return new DatagramReceiver(socket, range, counters)
  }

  get isUnused(): boolean {
    return this.#groups.size === 0
  }

  /** What the kernel granted; Linux counts its own bookkeeping in and says twice the request. */
  get receiveBufferBytes(): number {
    return this.#closing === undefined ? this.#socket.getRecvBufferSize() : 0
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

  #receive(datagram: Buffer, from: RemoteInfo): void {
    if (!this.#range.accepts(from.address)) {
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
