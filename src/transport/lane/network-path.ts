import { BlockList } from 'node:net'

/** A path out of the host: an address of an interface in use, and its subnet. */
export interface NetworkPath {
  /** The interface's name, for display. */
  readonly interfaceName: string
  /** IPv4, numeric. */
  readonly address: string
  /** Prefix length of the subnet, in bits. */
  readonly prefixBits: number
  /** Whether multicast can be sent and joined there. Streams can listen in either case. */
  readonly multicast: boolean
}

/** A host rarely has more subnets, and each costs one send per frame. */
export const maxNetworkPaths = 8

/** Returns whether an address is on the subnet of one of the paths. Caches its results per address. */
export class SubnetFilter {
  readonly #subnets = new BlockList()
  readonly #known = new Map<string, boolean>()

  constructor(paths: readonly NetworkPath[]) {
    for (const { address, prefixBits } of paths) this.#subnets.addSubnet(address, prefixBits, 'ipv4')
  }

  contains(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    // Bounded, because source addresses can be forged.
    if (this.#known.size >= maxKnownAddresses) this.#known.clear()
    const found = this.#subnets.check(address, 'ipv4')
    this.#known.set(address, found)
    return found
  }
}

const maxKnownAddresses = 4_096
