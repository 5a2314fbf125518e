import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { UdpSocket } from '../../topology/model/udp-socket.js'
import { readUdpSockets } from '../../topology/socket/udp-sockets.js'

const intervalMs = 5_000
/** The kernel's counter has 32 bits. */
const wrap = 2 ** 32

export interface ReceiveDropsComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly multicastAddress: string
  /** Returns the ports on which datagrams are received. */
  readonly ports: () => readonly number[]
  /** Returns this process's sockets, or `null` if they cannot be listed now. @default the addon's */
  readonly sockets?: () => readonly UdpSocket[] | null
}

/**
 * Counts the datagrams that the kernel dropped because this process did not read fast enough, as
 * `datagram.lost.receive-buffer`. Reads this process's own sockets only, so the cost does not depend on other
 * processes. Linux, with the addon. Participants of one process that share a port each count the drops of all of them.
 */
export class ReceiveDrops {
  readonly #components: Required<ReceiveDropsComponents>
  /** Drops that were already counted, by inode; undefined until the sockets could be listed. */
  #counted: ReadonlyMap<number, number> | undefined
  readonly #timer: RepeatingTimer

  constructor(components: ReceiveDropsComponents) {
    this.#components = { sockets: readUdpSockets, ...components }
    this.#count()
    this.#timer = new RepeatingTimer(components.clock, intervalMs, () => this.#count())
  }

  /** Idempotent. */
  close(): void {
    this.#timer.close()
  }

  #count(): void {
    const { counters, multicastAddress, ports } = this.#components
    const sockets = this.#read()
    if (sockets === null) return
    const wanted = new Set(ports())
    const counted = new Map<number, number>()
    for (const { inode, address, port, drops } of sockets) {
      counted.set(inode, drops)
      if (address !== multicastAddress || !wanted.has(port)) continue
      const more = (drops - (this.#counted?.get(inode) ?? 0) + wrap) % wrap
      if (this.#counted !== undefined && more > 0) counters.add('datagram.lost.receive-buffer', more)
    }
    this.#counted = counted
  }

  /** Null without the addon, or without a free descriptor. The next turn tries again. */
  #read(): readonly UdpSocket[] | null {
    try {
      return this.#components.sockets()
    } catch (error) {
      this.#components.counters.addError('datagram.failed.read-drops', error)
      return null
    }
  }
}
