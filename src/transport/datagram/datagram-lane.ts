import { closeTogether } from '../../core/close-all.js'
import { failureCode, isTransient } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { type Clock, systemClock } from '../../core/time/clock.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { encodeRadioHeader } from '../../wire/radio.js'
import { checkBody, checkGroup } from '../lane/group.js'
import { type NetworkPath, SubnetFilter } from '../lane/network-path.js'
import type { DatagramRange } from '../lane/range.js'
import type { DatagramLane, FrameHandler, Group } from '../lane/transport.js'
import { DatagramReceiver } from './datagram-receiver.js'
import { DatagramSender } from './datagram-sender.js'

/** Delay before a port that could not be bound is tried again. */
const bindRetryMs = 2_000

/** Returns whether a failed bind may succeed later without intervention. */
function mayPass(code: string): boolean {
  return code === 'eaddrinuse' || isTransient(code)
}

interface ReceiverEntry {
  readonly opening: Promise<DatagramReceiver>
  /** Set when `opening` has resolved. */
  receiver?: DatagramReceiver
  /** Joins that wait for `opening`. The receiver stays open while there are any. */
  joining: number
}

/**
 * Multicast over `node:dgram`: one socket per interface sends to all ports, one socket per port receives on all
 * interfaces. libzmq does not read, because its DISH socket spins a core while idle (zeromq.js issue 708). Reading here
 * also saves two thread hops per datagram.
 */
export class UdpDatagramLane implements DatagramLane {
  readonly counters: Counters
  readonly maxBodyBytes: number
  readonly #clock: Clock
  readonly #range: DatagramRange
  readonly #sender: DatagramSender
  #paths: readonly NetworkPath[]
  #subnets: SubnetFilter
  readonly #receivers = new Map<number, ReceiverEntry>()
  readonly #closingReceivers = new Set<Promise<void>>()
  /** The frame headers of the groups in use. Their names have been checked. */
  readonly #headers = new WeakMap<Group, Buffer>()
  #received = 0
  #closing: Promise<void> | undefined

  private constructor(
    range: DatagramRange,
    sender: DatagramSender,
    paths: readonly NetworkPath[],
    counters: Counters,
    clock: Clock,
  ) {
    this.#clock = clock
    this.#range = range
    this.#sender = sender
    this.#paths = paths
    this.#subnets = new SubnetFilter(paths)
    this.counters = counters
    this.maxBodyBytes = range.maxBodyBytes
  }

  /**
   * @param paths the interfaces to use beyond loopback
   * @throws NumacastError NUMACAST_TRANSPORT
   */
  static async open(
    range: DatagramRange,
    paths: readonly NetworkPath[] = [],
    clock: Clock = systemClock,
  ): Promise<UdpDatagramLane> {
    const counters = new Counters()
    const usable = paths.filter(({ multicast }) => multicast)
    return new UdpDatagramLane(range, await DatagramSender.open(range, usable, counters), usable, counters, clock)
  }

  get received(): number {
    return this.#received
  }

  get pending(): number {
    return this.#closing === undefined ? this.#sender.pending : 0
  }

  /** The interfaces beyond loopback on which datagrams are received. */
  get ports(): readonly number[] {
    return [...this.#receivers.keys()]
  }

  /** True if some interface could not be used yet. The next {@link usePaths} tries again. */
  get isIncomplete(): boolean {
    const receivers = [...this.#receivers.values()]
    return !this.#sender.isComplete || receivers.some(({ receiver }) => receiver?.isComplete === false)
  }

  /** The smallest receive buffer that the kernel granted to any port, in bytes; 0 while nothing is joined. */
  get receiveBufferBytes(): number {
    const sizes = [...this.#receivers.values()].flatMap(({ receiver }) => receiver?.receiveBufferBytes ?? [])
    return sizes.length === 0 ? 0 : Math.min(...sizes)
  }

  /** Switches to these interfaces for sending and receiving. Retries interfaces that failed before. */
  async usePaths(paths: readonly NetworkPath[]): Promise<void> {
    if (this.#closing !== undefined) return
    this.#paths = paths.filter(({ multicast }) => multicast)
    this.#subnets = new SubnetFilter(this.#paths)
    for (const { receiver } of this.#receivers.values()) receiver?.usePaths(this.#paths)
    await this.#sender.usePaths(this.#paths)
  }

  /**
   * Also resolves while another program holds the port or no descriptor is free. Such a failure is counted
   * (`datagram.failed.bind.<reason>`), and binding is retried until it succeeds.
   */
  async join(group: Group, handler: FrameHandler): Promise<Subscription> {
    checkGroup(group)
    this.#checkOpen()
    try {
      return await this.#join(group, handler)
    } catch (error) {
      const code = failureCode(error)
      if (!mayPass(code)) throw error
      this.counters.addError(`datagram.failed.bind.${code}`, error)
      return this.#joinLater(group, handler)
    }
  }

  #joinLater(group: Group, handler: FrameHandler): Subscription {
    let joined: Subscription | undefined
    let isClosed = false
    let isJoining = false
    const retry = async (): Promise<void> => {
      if (isJoining) return
      isJoining = true
      try {
        joined = await this.#join(group, handler)
        timer.close()
        if (isClosed) joined.close()
      } catch (error) {
        if (this.#closing !== undefined) timer.close()
        else this.counters.addError(`datagram.failed.bind.${failureCode(error)}`, error)
      } finally {
        isJoining = false
      }
    }
    const timer = new RepeatingTimer(this.#clock, bindRetryMs, () => void retry())
    return {
      close: () => {
        isClosed = true
        timer.close()
        joined?.close()
      },
    }
  }

  async #join(group: Group, handler: FrameHandler): Promise<Subscription> {
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
      this.#sender.send([header, body], group.port)
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
    const accepts = (address: string): boolean => this.#range.accepts(address) || this.#subnets.contains(address)
    const onReceived = (): void => {
      this.#received++
    }
    const opening = DatagramReceiver.open({ range: this.#range, port, accepts, onReceived, counters: this.counters })
    const entry: ReceiverEntry = { opening, joining: 0 }
    this.#receivers.set(port, entry)
    opening.then(
      (receiver) => {
        entry.receiver = receiver
        receiver.usePaths(this.#paths)
      },
      // Joins that wait for `opening` are rejected. The next join tries again.
      () => this.#receivers.delete(port),
    )
    return entry
  }

  #closeIfUnused(port: number, entry: ReceiverEntry): void {
    if (entry.joining > 0 || entry.receiver === undefined || !entry.receiver.isUnused) return
    this.#receivers.delete(port)
    const closing = entry.receiver
      .close()
      .catch((error) => this.counters.addError(`datagram.failed.close.${failureCode(error)}`, error))
      .finally(() => this.#closingReceivers.delete(closing))
    this.#closingReceivers.add(closing)
  }

  async #close(): Promise<void> {
    const receivers = [...this.#receivers.values()]
    this.#receivers.clear()
    await closeTogether([
      () => this.#sender.close(),
      ...[...this.#closingReceivers].map((closing) => () => closing),
      ...receivers.map(
        ({ opening }) =>
          () =>
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
