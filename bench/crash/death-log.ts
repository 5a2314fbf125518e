import { setTimeout as delay } from 'node:timers/promises'
import type { DeathListener } from './group.js'

const patienceMs = 120_000

/** Records which members were alive, and when each was declared dead. */
export class DeathLog {
  readonly #alive = new Set<string>()
  readonly #deaths = new Map<string, bigint>()
  readonly #listeners: DeathListener[] = []

  alive(name: string): void {
    this.#alive.add(name)
  }

  dead(name: string, atNs: bigint): void {
    if (!this.#deaths.has(name)) this.#deaths.set(name, atNs)
    for (const listener of this.#listeners) listener(name, atNs)
  }

  onDeath(listener: DeathListener): void {
    this.#listeners.push(listener)
  }

  async seenAlive(name: string): Promise<void> {
    const givenUpMs = performance.now() + patienceMs
    while (!this.#alive.has(name)) {
      if (performance.now() > givenUpMs) throw new Error(`${name} was not seen alive in ${patienceMs} ms`)
      await delay(5)
    }
  }
}
