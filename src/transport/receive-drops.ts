import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import type { Clock, Timer } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { parseReceiveBufferErrors, parseUdpTable } from './udp-table.js'

/** How often the total of all sockets is looked at: one small file. */
const lookMs = 5_000
/** How often, at most, it is found out whose they were: as much work as there are UDP sockets in the network namespace. */
const searchMs = 10_000

export interface ReceiveDropsComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly multicastAddress: string
  /** Ports that are received on. */
  readonly ports: () => readonly number[]
  /** Holds the `proc/` to read. @default '/' */
  readonly root?: string
}

/**
 * Counts the datagrams that the kernel threw away because this process did not read fast enough, as
 * `datagram.lost.receive-buffer`. Linux only; a socket cannot be asked from Node, so `/proc` is. Several participants in
 * one process that listen on one port each count what all of them lost.
 */
export class ReceiveDrops {
  readonly #components: Required<ReceiveDropsComponents>
  /** By inode: what has been counted already. */
  readonly #counted = new Map<number, number>()
  #total: number | null
  #searchedMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #closed = false

  constructor(components: ReceiveDropsComponents) {
    this.#components = { root: '/', ...components }
    this.#total = this.#readTotal()
    if (this.#total !== null) this.#schedule()
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (!this.#closed) this.#timer = this.#components.clock.after(lookMs, () => this.#look())
  }

  #look(): void {
    const nowMs = this.#components.clock.nowMs()
    const total = this.#readTotal()
    // What rose too soon after a search is found by the next one: the old total stays until then.
    if (total !== this.#total && nowMs - this.#searchedMs >= searchMs) {
      this.#total = total
      this.#searchedMs = nowMs
      this.#search()
    }
    this.#schedule()
  }

  #search(): void {
    const { counters, multicastAddress, ports } = this.#components
    const wanted = new Set(ports())
    const own = this.#ownInodes()
    for (const { address, port, inode, drops } of parseUdpTable(this.#read('net/udp') ?? '')) {
      if (address !== multicastAddress || !wanted.has(port) || !own.has(inode)) continue
      const more = drops - (this.#counted.get(inode) ?? 0)
      this.#counted.set(inode, drops)
      if (more > 0) counters.add('datagram.lost.receive-buffer', more)
    }
    for (const inode of this.#counted.keys()) if (!own.has(inode)) this.#counted.delete(inode)
  }

  #readTotal(): number | null {
    const text = this.#read('net/snmp')
    return text === undefined ? null : parseReceiveBufferErrors(text)
  }

  #ownInodes(): Set<number> {
    const folder = path.join(this.#components.root, 'proc/self/fd')
    const inodes = new Set<number>()
    for (const fd of listFolder(folder)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(path.join(folder, fd)))?.[1]
        if (inode !== undefined) inodes.add(Number(inode))
      } catch {
        // closed since the folder was listed
      }
    }
    return inodes
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(path.join(this.#components.root, 'proc', name), 'utf8')
    } catch {
      return undefined // not Linux, or hidden
    }
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
