import { invalidArgument } from '../../core/errors.js'
import { type Random, seededRandom } from '../../core/random.js'
import type { Clock } from '../../core/time/clock.js'
import { Range } from '../lane/range.js'
import type { Transport } from '../lane/transport.js'
import { type FaultOptions, type ResolvedFaults, resolveFaults } from './faults.js'
import { MemoryDatagramLane } from './memory-datagram.js'
import { MemoryLink } from './memory-link.js'
import { MemoryStreamLane, memoryEndpoint, memoryRendezvousPort } from './memory-stream.js'

export interface MemoryNetworkOptions {
  readonly clock: Clock
  /** Seeds each link. @default a fixed seed, so that two networks used alike behave alike */
  readonly random?: Random
  /** Faults of every link without its own. A name's link to itself never has faults. */
  readonly faults?: FaultOptions
  /** The datagram lane's limit. @default 8000 */
  readonly maxBodyBytes?: number
  /** The stream lane's limit for one request, reply or live frame. @default 4 MiB */
  readonly maxMessageBytes?: number
}

/**
 * A network inside one process, driven by a clock and a seed. Nothing arrives before the clock fires, not even with
 * zero delay. The same calls under the same seed give the same arrivals.
 *
 * Datagrams suffer loss, duplication, delay and reordering. Streams suffer only delay, as TCP does, until the link is
 * cut or broken. Then the frames in transit are lost and requests time out. Faults may change at any time.
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #random: Random
  readonly #maxBodyBytes: number
  readonly #maxMessageBytes: number
  readonly #links = new Map<string, { readonly from: string; readonly to: string; readonly link: MemoryLink }>()
  readonly #ownFaults = new Map<string, ResolvedFaults>()
  readonly #datagrams = new Map<string, MemoryDatagramLane>()
  readonly #streams = new Map<string, MemoryStreamLane>()
  readonly #disconnected = new Set<string>()
  /** Names that receive no datagrams. */
  readonly #isOff = new Set<string>()
  /** Contenders by rendezvous endpoint; the first of each holds it. */
  readonly #contenders = new Map<string, Set<MemoryStreamLane>>()
  #sides: readonly ReadonlySet<string>[] = []
  #faults: ResolvedFaults
  #openings = 0

  constructor(options: MemoryNetworkOptions) {
    this.#clock = options.clock
    this.#random = options.random ?? seededRandom(1)
    this.#faults = resolveFaults(options.faults)
    this.#maxBodyBytes = options.maxBodyBytes ?? 8_000
    this.#maxMessageBytes = options.maxMessageBytes ?? 12 * 1024 * 1024
  }

  /**
   * Opens a participant's transport. `name` stands for its host: closing and reopening is a restart, with new
   * endpoints. With range `off` it sends and receives no datagrams, as on a network without multicast.
   *
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT if `name` is already open
   */
  open(name: string, range: Range = Range.subnet): Transport {
    if (this.#datagrams.has(name)) throw invalidArgument(`"${name}" is open already; close it first`)
    const requestPort = ++this.#openings
    const endpoint = memoryEndpoint(name, requestPort)
    const datagram = new MemoryDatagramLane({
      source: { address: name, port: requestPort },
      maxBodyBytes: this.#maxBodyBytes,
      route: (groupKey, toEach) => {
        if (range === Range.off) return
        for (const [to, lane] of this.#datagrams) {
          if (lane.listensTo(groupKey) && !this.#isOff.has(to)) this.#link(name, to).datagram(() => toEach(lane))
        }
      },
    })
    const stream = new MemoryStreamLane({
      endpoint,
      requestPort,
      clock: this.#clock,
      maxMessageBytes: this.#maxMessageBytes,
      route: (to, arrive) => {
        const lane = this.#streams.get(to) ?? this.#rendezvousAt(to)
        if (lane !== undefined) this.#link(name, lane.name).stream(() => arrive(lane))
      },
      name,
      allLanes: () => this.#streams.values(),
      rendezvous: (lane) => this.#contend(name, lane),
    })
    if (range === Range.off) this.#isOff.add(name)
    this.#datagrams.set(name, datagram)
    this.#streams.set(endpoint, stream)
    return {
      range,
      datagram,
      stream,
      close: async () => {
        if (this.#datagrams.get(name) === datagram) {
          this.#datagrams.delete(name)
          this.#isOff.delete(name)
        }
        this.#streams.delete(endpoint)
        this.#contenders.get(memoryEndpoint(name, memoryRendezvousPort))?.delete(stream)
        datagram.close()
        stream.close()
      },
    }
  }

  /** Sets the faults of every link without its own. */
  setFaults(faults: FaultOptions): void {
    this.#faults = resolveFaults(faults)
    for (const [key, { from, to, link }] of this.#links) {
      if (from !== to && !this.#ownFaults.has(key)) link.faults = this.#faults
    }
  }

  /** Sets the faults of one direction, which allows asymmetric faults. `undefined` restores the common faults. */
  setLinkFaults(from: string, to: string, faults: FaultOptions | undefined): void {
    const key = linkKey(from, to)
    if (faults === undefined) this.#ownFaults.delete(key)
    else this.#ownFaults.set(key, resolveFaults(faults))
    this.#link(from, to).faults = this.#faultsOf(from, to)
  }

  /**
   * Cuts every link between names of different sides. Replaces an earlier partition. Names in no side still reach every
   * other name.
   */
  partition(...sides: readonly (readonly string[])[]): void {
    this.#sides = sides.map((names) => new Set(names))
    this.#applyCuts()
  }

  /** Cuts `name` off from all other names until `reconnect` or `heal`. */
  disconnect(name: string): void {
    this.#disconnected.add(name)
    this.#applyCuts()
  }

  reconnect(name: string): void {
    this.#disconnected.delete(name)
    this.#applyCuts()
  }

  /** Ends the partition and every disconnection. Loss, duplication and delay stay. */
  heal(): void {
    this.#sides = []
    this.#disconnected.clear()
    this.#applyCuts()
  }

  /** Returns the number of datagrams that reached a group of `name` since it was opened. */
  received(name: string): number {
    return this.#datagrams.get(name)?.counters.get('datagram.received') ?? 0
  }

  /** Loses the stream frames in transit between two names, both ways, as when a connection resets. */
  breakStreams(one: string, other: string): void {
    this.#link(one, other).breakStreams()
    this.#link(other, one).breakStreams()
  }

  #contend(name: string, lane: MemoryStreamLane): { isHeld: () => boolean; release: () => void } {
    const endpoint = memoryEndpoint(name, memoryRendezvousPort)
    const contenders = this.#contenders.get(endpoint) ?? new Set()
    this.#contenders.set(endpoint, contenders.add(lane))
    return { isHeld: () => this.#rendezvousAt(endpoint) === lane, release: () => contenders.delete(lane) }
  }

  #rendezvousAt(endpoint: string): MemoryStreamLane | undefined {
    return this.#contenders.get(endpoint)?.values().next().value
  }

  #link(from: string, to: string): MemoryLink {
    const key = linkKey(from, to)
    const known = this.#links.get(key)
    if (known !== undefined) return known.link
    const random = seededRandom(Math.floor(this.#random() * 2 ** 32))
    const link = new MemoryLink(this.#clock, random, this.#faultsOf(from, to))
    link.cut = this.#isCut(from, to)
    this.#links.set(key, { from, to, link })
    return link
  }

  #faultsOf(from: string, to: string): ResolvedFaults {
    return this.#ownFaults.get(linkKey(from, to)) ?? (from === to ? resolveFaults() : this.#faults)
  }

  #applyCuts(): void {
    for (const { from, to, link } of this.#links.values()) link.cut = this.#isCut(from, to)
  }

  #isCut(from: string, to: string): boolean {
    if (from === to) return false
    if (this.#disconnected.has(from) || this.#disconnected.has(to)) return true
    const sideOf = (name: string): number => this.#sides.findIndex((side) => side.has(name))
    const [fromSide, toSide] = [sideOf(from), sideOf(to)]
    return fromSide !== -1 && toSide !== -1 && fromSide !== toSide
  }
}

function linkKey(from: string, to: string): string {
  return JSON.stringify([from, to])
}
