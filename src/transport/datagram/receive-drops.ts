import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import type { UdpSocket } from '../../topology/model/udp-socket.js'
import { readUdpSockets } from '../../topology/socket/udp-sockets.js'

const lookMs = 5_000
/** The kernel counts in 32 bits. */
const wrap = 2 ** 32

export interface ReceiveDropsComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly multicastAddress: string
  /** Ports that are received on. */
  readonly ports: () => readonly number[]
  /** This process's sockets, `null` where they cannot be asked. @default the addon's */
  readonly sockets?: () => readonly UdpSocket[] | null
}

/**
 * Counts the datagrams that the kernel threw away because this process did not read fast enough, as
 * `datagram.lost.receive-buffer`. Asks its own sockets only: a look costs the same however many others the host has,
 * which matters most when all of them lose at once. Linux, with the addon. Several participants in one process that
 * listen on one port each count what all of them lost.
 */
export class ReceiveDrops {
  readonly #components: Required<ReceiveDropsComponents>
  /** By inode: what has been counted already. */
  #counted: ReadonlyMap<number, number>
  readonly #looking: RepeatingTimer | undefined

  constructor(components: ReceiveDropsComponents) {
    this.#components = { sockets: readUdpSockets, ...components }
    const sockets = this.#components.sockets()
    this.#counted = new Map(sockets?.map(({ inode, drops }) => [inode, drops]))
    if (sockets !== null) this.#looking = new RepeatingTimer(components.clock, lookMs, () => this.#look())
  }

  /** Idempotent. */
  close(): void {
    this.#looking?.close()
  }

  #look(): void {
    const { counters, multicastAddress, ports } = this.#components
    const sockets = this.#components.sockets()
    if (sockets === null) return
    const wanted = new Set(ports())
    const counted = new Map<number, number>()
    for (const { inode, address, port, drops } of sockets) {
      counted.set(inode, drops)
      if (address !== multicastAddress || !wanted.has(port)) continue
      const more = (drops - (this.#counted.get(inode) ?? 0) + wrap) % wrap
      if (more > 0) counters.add('datagram.lost.receive-buffer', more)
    }
    this.#counted = counted
  }
}
