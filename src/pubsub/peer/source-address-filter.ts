import type { FrameSource } from '../../transport/lane/transport.js'

/**
 * By which ways one peer's datagrams may come. It sends all of them from one port number, at each of its addresses; the
 * first beacon gives the port and one address, its descriptor names the others. What comes from elsewhere is somebody
 * else's.
 *
 * Over two common networks every frame comes twice. Samples are told apart by their numbers; beacons here, because
 * the time between two of them is evidence.
 */
export class SourceAddressFilter {
  /** Where its beacons come from first; undefined until one came. */
  #main: FrameSource | undefined
  #addresses: ReadonlySet<string> = new Set()
  #lastSequence = 0

  get main(): FrameSource | undefined {
    return this.#main
  }

  /** The addresses that its descriptor names. */
  setAddresses(addresses: ReadonlySet<string>): void {
    this.#addresses = addresses
  }

  isKnown(source: FrameSource): boolean {
    const { address, port } = source
    if (this.#main === undefined) return this.#addresses.size === 0 || this.#addresses.has(address)
    return this.#isMain(source) || (port === this.#main.port && this.#addresses.has(address))
  }

  /** Takes a beacon from a known source; false when it is a copy of one that came another way before. */
  takeBeacon(source: FrameSource, sequence: number): boolean {
    if (this.#main === undefined) {
      this.#main = source
      this.#lastSequence = sequence
      return true
    }
    const isNewer = ((sequence - this.#lastSequence) | 0) > 0
    // On one way frames may overtake each other, and each carries a part of the digest.
    if (!isNewer && !this.#isMain(source)) return false
    if (isNewer) this.#lastSequence = sequence
    // The peer no longer has the address that it was met at.
    if (!this.#addresses.has(this.#main.address) && this.#addresses.has(source.address)) this.#main = source
    return true
  }

  /** The peer was silent for so long that its address may have changed: the next beacon is believed. */
  moveTo(source: FrameSource): void {
    this.#main = source
  }

  #isMain({ address, port }: FrameSource): boolean {
    return this.#main?.port === port && this.#main.address === address
  }
}
