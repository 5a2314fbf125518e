import type { ChildProcess } from 'node:child_process'
import { endChild, forkChild } from '../children.js'

/** Runs `processes` processes that use all the CPU that they can get, until they are ended. */
export class BusyHost {
  readonly #children: readonly ChildProcess[]

  constructor(processes: number) {
    const file = new URL('./busy.js', import.meta.url)
    this.#children = Array.from({ length: processes }, () => forkChild(file, []))
  }

  /** Ends the processes. Idempotent. */
  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => endChild(child)))
  }
}
