import { slotsPerChunk } from './slot-set.js'
import { columnCount, flagsOf, type WorkerStanding, writeColumns } from './worker-columns.js'
import type { WorkerRow } from './worker-row.js'

/** The rows of some slots, as objects and as the numbers that ranking reads. */
export interface Chunk {
  readonly rows: readonly (WorkerRow | undefined)[]
  readonly numbers: Float64Array
  /** By slot, bits of `WorkerFlag`. */
  readonly flags: Uint32Array
}

interface OwnChunk extends Chunk {
  readonly rows: (WorkerRow | undefined)[]
}

/** Holds one row per slot and copies a chunk of them on the first write after a snapshot. */
export class WorkerTable {
  readonly #chunks: OwnChunk[] = []
  /** By chunk: 1 where no snapshot shares it. */
  readonly #owned: number[] = []
  readonly #free: number[] = []
  #slots = 0
  #latest: readonly Chunk[] | undefined

  /** Returns a slot that holds nothing: the one freed last, or a new one at the end. */
  allocate(): number {
    return this.#free.pop() ?? this.#slots++
  }

  write(slot: number, row: WorkerRow, standing: WorkerStanding, zoneSlot: number): void {
    const chunk = this.#writableChunk(slot)
    const index = slot % slotsPerChunk
    chunk.rows[index] = row
    chunk.flags[index] = flagsOf(row, standing)
    writeColumns(chunk.numbers, index * columnCount, row, standing, zoneSlot)
  }

  release(slot: number): void {
    const chunk = this.#writableChunk(slot)
    const index = slot % slotsPerChunk
    chunk.rows[index] = undefined
    chunk.flags[index] = 0
    this.#free.push(slot)
  }

  snapshot(): readonly Chunk[] {
    if (this.#latest === undefined) {
      this.#latest = this.#chunks.slice()
      this.#owned.fill(0)
    }
    return this.#latest
  }

  #writableChunk(slot: number): OwnChunk {
    const at = Math.floor(slot / slotsPerChunk)
    this.#latest = undefined
    const chunk = this.#chunks[at]
    if (chunk !== undefined && this.#owned[at] === 1) return chunk
    const own: OwnChunk =
      chunk === undefined
        ? {
            rows: new Array(slotsPerChunk).fill(undefined),
            numbers: new Float64Array(slotsPerChunk * columnCount),
            flags: new Uint32Array(slotsPerChunk),
          }
        : { rows: chunk.rows.slice(), numbers: chunk.numbers.slice(), flags: chunk.flags.slice() }
    this.#chunks[at] = own
    this.#owned[at] = 1
    return own
  }
}
