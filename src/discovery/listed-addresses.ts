import type { Random } from '../core/random.js'
import type { Counters } from '../core/reporting/counters.js'
import type { Clock, Timer } from '../core/time/clock.js'
import type { ListedPeer } from './listed-peer.js'
import type { NameResolver } from './name-resolver.js'

export interface ListedAddressesComponents {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly resolve: NameResolver
  /** Where to dial an address. */
  readonly endpointAt: (address: string, port: number) => string
  readonly rendezvousPort: number
  /** The endpoints that the listed peers stand for have changed. */
  readonly onChanged: (endpoints: readonly string[]) => void
}

/** Names are resolved again after this time, ± 20 %, because records change without notice. */
const refreshMs = 30_000
const jitter = 0.2
/** Addresses of one name that are dialled; a name may stand for a whole fleet. */
const maxAddresses = 64

/**
 * The endpoints that the listed peers stand for, as their names resolve from time to time. A name that does not
 * resolve for a while keeps the addresses that it had.
 */
export class ListedAddresses {
  readonly #components: ListedAddressesComponents
  readonly #listed: readonly ListedPeer[]
  readonly #addresses = new Map<string, readonly string[]>()
  #told = ''
  #timer: Timer | undefined
  #closed = false

  constructor(components: ListedAddressesComponents, listed: readonly ListedPeer[]) {
    this.#components = components
    this.#listed = listed
  }

  /** Resolves every name once, and goes on from time to time. Never rejects. */
  async open(): Promise<void> {
    const { clock, random } = this.#components
    const hosts = [...new Set(this.#listed.map(({ host }) => host))]
    await Promise.all(hosts.map((host) => this.#resolve(host)))
    if (this.#closed) return
    this.#reportEndpoints()
    if (hosts.length === 0) return
    const delayMs = refreshMs * (1 + jitter * (2 * random() - 1))
    this.#timer = clock.after(delayMs, () => void this.open())
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #resolve(host: string): Promise<void> {
    const { resolve, counters } = this.#components
    try {
      const addresses = await resolve(host)
      if (addresses.length > maxAddresses) counters.add('listed-peer.addresses-cut')
      this.#addresses.set(host, addresses.slice(0, maxAddresses))
    } catch (error) {
      counters.addError('listed-peer.unresolved', error)
    }
  }

  #reportEndpoints(): void {
    const { endpointAt, rendezvousPort, onChanged } = this.#components
    const endpoints = new Set<string>()
    for (const { host, port } of this.#listed) {
      for (const address of this.#addresses.get(host) ?? []) endpoints.add(endpointAt(address, port ?? rendezvousPort))
    }
    const told = [...endpoints].sort().join(' ')
    if (told === this.#told) return
    this.#told = told
    onChanged([...endpoints])
  }
}
