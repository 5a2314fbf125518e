import type { Contender, SkippedPeer } from './harness.js'
import { MissingPeer } from './peers/server-process.js'

/** Contenders of a bench: the opened ones, the peers that are not installed, and how to close everything. */
export class Lineup {
  readonly contenders: Contender[] = []
  readonly skipped: SkippedPeer[] = []
  readonly #closing: (() => Promise<void>)[] = []

  /** Adds the result of `open`. A peer that is not installed is skipped; any other error fails the bench. */
  async add<P>(
    peer: string,
    open: () => Promise<P> | P,
    contenders: (opened: P) => readonly Contender[],
  ): Promise<void> {
    try {
      this.contenders.push(...contenders(await open()))
    } catch (error) {
      if (!(error instanceof MissingPeer)) throw error
      this.skipped.push({ peer, reason: error.message })
    }
  }

  onClose(close: () => Promise<void>): void {
    this.#closing.unshift(close)
  }

  has(name: string): boolean {
    return this.contenders.some((contender) => contender.name === name)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close()
  }
}
