import type { Taint } from '../../plane/vocabulary/taint.js'
import { nodeTarget } from '../../plane/vocabulary/targets.js'
import { term } from './index-terms.js'
import type { PersistentMap } from './persistent-map.js'
import { type SlotSet, slotsPerChunk } from './slot-set.js'
import type { ConfigRow, IntentRow } from './snapshot-change.js'
import type { TermIndex } from './term-index.js'
import type { WorkerRow } from './worker-row.js'
import type { Chunk } from './worker-table.js'
import type { ZoneEntry, ZoneStanding, Zones } from './zone-table.js'

/** A taint that some worker has, and the slots of all that have it. */
export interface TaintEntry {
  readonly taint: Taint
  readonly slots: SlotSet
}

export interface SnapshotParts {
  readonly version: number
  readonly size: number
  readonly chunks: readonly Chunk[]
  readonly slots: PersistentMap<number>
  readonly index: TermIndex
  readonly taints: readonly TaintEntry[]
  readonly zones: Zones
  /** What holds for `all`. */
  readonly fleet: ZoneStanding
  readonly intents: PersistentMap<IntentRow>
  readonly configs: PersistentMap<ConfigRow>
}

/**
 * The fleet at one moment, for decisions. It never changes, and shares with its predecessor whatever did not change in
 * between. Moments in it are of this process's monotonic clock, so that the age of a row is a subtraction.
 */
export class PlacementSnapshot {
  /** Higher than that of every earlier snapshot of the same builder; equal only for the same snapshot. */
  readonly version: number
  /** Workers that it holds. */
  readonly size: number
  /** Rows by slot, for ranking. @internal */
  readonly chunks: readonly Chunk[]
  /** @internal */
  readonly index: TermIndex
  /** Every taint that occurs. @internal */
  readonly taints: readonly TaintEntry[]
  /** Zones by slot. */
  readonly zones: readonly (ZoneEntry | undefined)[]
  readonly fleet: ZoneStanding
  readonly #slots: PersistentMap<number>
  readonly #zones: Zones
  readonly #intents: PersistentMap<IntentRow>
  readonly #configs: PersistentMap<ConfigRow>

  /** @internal */
  constructor(parts: SnapshotParts) {
    this.version = parts.version
    this.size = parts.size
    this.chunks = parts.chunks
    this.index = parts.index
    this.taints = parts.taints
    this.zones = parts.zones.entries
    this.fleet = parts.fleet
    this.#slots = parts.slots
    this.#zones = parts.zones
    this.#intents = parts.intents
    this.#configs = parts.configs
  }

  worker(workerId: string): WorkerRow | undefined {
    const slot = this.#slots.get(workerId)
    return slot === undefined ? undefined : this.at(slot)
  }

  /** @internal */
  slotOf(workerId: string): number | undefined {
    return this.#slots.get(workerId)
  }

  /** @internal */
  at(slot: number): WorkerRow | undefined {
    return this.chunks[Math.floor(slot / slotsPerChunk)]?.rows[slot % slotsPerChunk]
  }

  /** Yields all workers, by slot. */
  *workers(): IterableIterator<WorkerRow> {
    for (const { rows } of this.chunks) for (const row of rows) if (row !== undefined) yield row
  }

  /** Yields the workers with a capability, `kind@version`. */
  withCapability(capability: string): IterableIterator<WorkerRow> {
    return this.#rowsWith(term.capability(capability))
  }

  /** Yields the workers with a label, of any value unless one is given. */
  withLabel(key: string, value?: string): IterableIterator<WorkerRow> {
    return this.#rowsWith(value === undefined ? term.labelKey(key) : term.label(key, value))
  }

  /** Yields the workers that take from a queue: first where they name it, then where they take from any. */
  *takingFrom(queue: string): IterableIterator<WorkerRow> {
    yield* this.#rowsWith(term.queue(queue))
    yield* this.#rowsWith(term.anyQueue)
  }

  /** Yields the workers of the host whose kernel has the boot id. */
  onHost(bootId: string): IterableIterator<WorkerRow> {
    return this.#rowsWith(term.host(bootId))
  }

  onNode(bootId: string, numaNode: number): IterableIterator<WorkerRow> {
    return this.#rowsWith(term.zone(nodeTarget({ bootId, numaNode })))
  }

  zone(bootId: string, numaNode: number): ZoneEntry | undefined {
    return this.zonesOf(bootId).find((zone) => zone.numaNode === numaNode)
  }

  /** Returns the zones of a host, by ascending node id. */
  zonesOf(bootId: string): readonly ZoneEntry[] {
    return (this.#zones.byHost.get(bootId) ?? []).flatMap((slot) => this.zones[slot] ?? [])
  }

  /** Yields the boot ids of all hosts. */
  hosts(): IterableIterator<string> {
    return this.#zones.byHost.keys()
  }

  /** Yields every intent that was in force when the snapshot was made; `expiresMs` tells whether one still is. */
  intents(): IterableIterator<IntentRow> {
    return this.#intents.values()
  }

  /** Returns the intent of a kind for a target, by its key of `receivedIntentKey`. */
  intent(receivedIntentKey: string): IntentRow | undefined {
    return this.#intents.get(receivedIntentKey)
  }

  configs(): IterableIterator<ConfigRow> {
    return this.#configs.values()
  }

  *#rowsWith(name: string): IterableIterator<WorkerRow> {
    for (const slot of this.index.get(name) ?? []) {
      const row = this.at(slot)
      if (row !== undefined) yield row
    }
  }
}
