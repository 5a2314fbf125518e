import { BlockList } from 'node:net'

/** One way out of the host: an address of an interface in use, and the subnet that it is on. */
export interface NetworkPath {
  /** Of the interface, for people. */
  readonly interfaceName: string
  /** IPv4, numeric. */
  readonly address: string
  /** Bits of the subnet's prefix. */
  readonly prefixBits: number
  /** Whether multicast can be sent and joined there; streams can listen anyway. */
  readonly multicast: boolean
}

/** More subnets are not expected of one host, and each costs a send per frame. */
export const maxNetworkPaths = 8

/** Whether an address is on the subnet of one of the paths, for addresses that come again and again. */
export class SubnetFilter {
  readonly #subnets = new BlockList()
  readonly #known = new Map<string, boolean>()

  constructor(paths: readonly NetworkPath[]) {
    for (const { address, prefixBits } of paths) this.#subnets.addSubnet(address, prefixBits, 'ipv4')
  }

  contains(address: string): boolean {
    const known = this.#known.get(address)
    if (known !== undefined) return known
    // Anybody can invent addresses.
    if (this.#known.size >= maxKnownAddresses) this.#known.clear()
    const found = this.#subnets.check(address, 'ipv4')
    this.#known.set(address, found)
    return found
  }
}

const maxKnownAddresses = 4_096
