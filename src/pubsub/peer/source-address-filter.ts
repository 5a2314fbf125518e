import type { FrameSource } from '../../transport/lane/transport.js'

/**
 * Decides from which addresses one peer's datagrams may come. The peer sends all of them from one port number, at each
 * of its addresses. Its first beacon gives the port and one address; its descriptor names the others. Frames from other
 * addresses are not the peer's.
 *
 * Over two common networks each frame arrives twice. Samples are told apart by their numbers. Beacons are told apart
 * here, because the time between two of them is evidence.
 */
export class SourceAddressFilter {
  /** Where its first beacon came from; undefined until one arrived. */
  #main: FrameSource | undefined
  #addresses: ReadonlySet<string> = new Set()
  #lastSequence = 0

  get main(): FrameSource | undefined {
    return this.#main
  }

  /** Sets the addresses that the peer's descriptor names. */
  setAddresses(addresses: ReadonlySet<string>): void {
    this.#addresses = addresses
  }

  isKnown(source: FrameSource): boolean {
    const { address, port } = source
    if (this.#main === undefined) return this.#addresses.size === 0 || this.#addresses.has(address)
    return this.#isMain(source) || (port === this.#main.port && this.#addresses.has(address))
  }

  /** Takes a beacon from a known source. Returns false for a copy of a beacon that came by another path before. */
  takeBeacon(source: FrameSource, sequence: number): boolean {
    if (this.#main === undefined) {
      this.#main = source
      this.#lastSequence = sequence
      return true
    }
    const isNewer = ((sequence - this.#lastSequence) | 0) > 0
    // On one path frames may overtake each other, and each carries a part of the digest.
    if (!isNewer && !this.#isMain(source)) return false
    if (isNewer) this.#lastSequence = sequence
    // The peer no longer has the address of its first beacon.
    if (!this.#addresses.has(this.#main.address) && this.#addresses.has(source.address)) this.#main = source
    return true
  }

  /** Accepts a new main address: the peer was silent long enough for its address to have changed. */
  moveTo(source: FrameSource): void {
    this.#main = source
  }

  #isMain({ address, port }: FrameSource): boolean {
    return this.#main?.port === port && this.#main.address === address
  }
}
