import { closeSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Test } from 'tap'
import { compilePreload } from './preload.js'

/** The wall clock of processes that are started with {@link SteppedClock.environment}: it continues from a step at once. */
export class SteppedClock {
  readonly environment: Readonly<Record<string, string>>
  readonly #fd: number

  /** @throws when there is no C compiler */
  constructor(t: Test) {
    const folder = t.testdir({})
    const library = compilePreload(folder, 'stepped_clock')
    const file = path.join(folder, 'step')
    this.#fd = openSync(file, 'w')
    t.teardown(() => closeSync(this.#fd))
    this.environment = { LD_PRELOAD: library, STEPPED_CLOCK: file }
    this.set(0)
  }

  /** Hours by which the clock is ahead of the true time. */
  set(hours: number): void {
    const cell = Buffer.alloc(8)
    cell.writeBigInt64LE(BigInt(hours * 3_600))
    writeSync(this.#fd, cell, 0, cell.length, 0)
  }
}
