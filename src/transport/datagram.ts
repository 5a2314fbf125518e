import type { Socket } from 'node:dgram'
import { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import type { Subscription } from '../core/listeners.js'
import { encodeRadioHeader } from '../wire/radio.js'
import { DatagramReceiver } from './datagram-receiver.js'
import { bindSocket, closeSocket, createNumericSocket, errorCode } from './datagram-socket.js'
import { checkBody, checkGroup } from './group.js'
import type { DatagramRange } from './range.js'
import type { DatagramLane, FrameHandler, Group } from './transport.js'

interface ReceiverEntry {
  readonly opening: Promise<DatagramReceiver>
  /** Set when `opening` has resolved. */
  receiver?: DatagramReceiver
  /** Joins that wait for `opening`: the receiver stays while there are any. */
  joining: number
}

/**
 * Multicast over `node:dgram`: one socket sends to all ports, one socket per port receives. Reading is not left to
 * libzmq because its DISH spins a core while idle (zeromq.js issue 708), and a datagram here skips two threads.
 */
export class UdpDatagramLane implements DatagramLane {
  readonly counters = new Counters()
  readonly maxBodyBytes: number
  readonly #range: DatagramRange
  readonly #sender: Socket
  readonly #receivers = new Map<number, ReceiverEntry>()
  readonly #closingReceivers = new Set<Promise<void>>()
  /** The frame headers of the groups in use, and that they were checked. */
  readonly #headers = new WeakMap<Group, Buffer>()
  readonly #onSent: (error: Error | null) => void
  #closing: Promise<void> | undefined

  private constructor(range: DatagramRange, sender: Socket) {
    this.#range = range
    this.#sender = sender
    this.maxBodyBytes = range.maxBodyBytes
    this.#onSent = (error) => {
      if (error !== null) this.counters.add(`datagram.dropped.${errorCode(error)}`)
    }
    sender.on('error', (error) => this.counters.add(`datagram.failed.${errorCode(error)}`))
  }

  /** @throws NumacastError NUMACAST_TRANSPORT */
  static async open(range: DatagramRange): Promise<UdpDatagramLane> {
    // Not shared: two senders on one ephemeral port could not be told apart.
    const sender = createNumericSocket({ reuseAddr: false })
    await bindSocket(sender, range.interfaceAddress, 0)
    try {
      sender.setMulticastInterface(range.interfaceAddress)
      sender.setMulticastTTL(range.timeToLive)
      sender.setMulticastLoopback(true)
    } catch (cause) {
      await closeSocket(sender)
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot send multicast through ${range.interfaceAddress}`, {
        cause,
      })
    }
    return new UdpDatagramLane(range, sender)
  }

  get pending(): number {
    return this.#closing === undefined ? this.#sender.getSendQueueCount() : 0
  }

  /** The smallest receive buffer that the kernel granted to any port, in bytes; 0 while nothing is joined. */
  get receiveBufferBytes(): number {
    const sizes = [...this.#receivers.values()].flatMap(({ receiver }) => receiver?.receiveBufferBytes ?? [])
    return sizes.length === 0 ? 0 : Math.min(...sizes)
  }

  async join(group: Group, handler: FrameHandler): Promise<Subscription> {
    checkGroup(group)
    this.#checkOpen()
    const entry = this.#receivers.get(group.port) ?? this.#openReceiver(group.port)
    entry.joining++
    try {
      const receiver = await entry.opening
      this.#checkOpen()
      return receiver.add(group.name, handler, () => this.#closeIfUnused(group.port, entry))
    } finally {
      entry.joining--
    }
  }

  send(group: Group, body: Uint8Array): void {
    const header = this.#headers.get(group) ?? this.#prepare(group)
    if (body.length > this.maxBodyBytes) checkBody('datagram', body, this.maxBodyBytes)
    if (this.#closing === undefined) {
      this.#sender.send([header, body], group.port, this.#range.multicastAddress, this.#onSent)
    } else {
      this.counters.add('datagram.dropped.closed')
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #prepare(group: Group): Buffer {
    checkGroup(group)
    const header = encodeRadioHeader(group.name)
    this.#headers.set(group, header)
    return header
  }

  #openReceiver(port: number): ReceiverEntry {
    const opening = DatagramReceiver.open(this.#range, port, this.counters)
    const entry: ReceiverEntry = { opening, joining: 0 }
    this.#receivers.set(port, entry)
    opening.then(
      (receiver) => {
        entry.receiver = receiver
      },
      // Those who wait for `opening` are told; the next join tries again.
      () => this.#receivers.delete(port),
    )
    return entry
  }

  #closeIfUnused(port: number, entry: ReceiverEntry): void {
    if (entry.joining > 0 || entry.receiver === undefined || !entry.receiver.isUnused) return
    this.#receivers.delete(port)
    const closing = entry.receiver.close().finally(() => this.#closingReceivers.delete(closing))
    this.#closingReceivers.add(closing)
  }

  async #close(): Promise<void> {
    const receivers = [...this.#receivers.values()]
    this.#receivers.clear()
    await Promise.all([
      closeSocket(this.#sender),
      ...this.#closingReceivers,
      ...receivers.map(({ opening }) =>
        opening.then(
          (receiver) => receiver.close(),
          () => undefined,
        ),
      ),
    ])
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', 'the datagram lane is closed')
  }
}
