import { nodeTarget } from '../../plane/vocabulary/targets.js'
import { type PersistentMap, PersistentMapBuilder } from './persistent-map.js'
import type { ConfigRow, IntentRow } from './snapshot-change.js'
import { type ZoneRoom, type ZoneRow, zoneRoom } from './zone-row.js'

/** Intents and configuration that hold for every worker of a zone, or of the fleet. */
export interface ZoneStanding {
  readonly pause: IntentRow | null
  readonly rebalance: IntentRow | null
  readonly maintenance: ConfigRow | null
  /** Jobs at once per worker, by configuration. */
  readonly limit: number | null
}

/** A zone that has a row of its own, or workers, or both. */
export interface ZoneEntry extends ZoneStanding {
  readonly slot: number
  /** How an intent names the zone. */
  readonly target: string
  readonly bootId: string
  readonly numaNode: number
  /** What its collector measured; null while nothing is known. */
  readonly row: ZoneRow | null
  /** The room that the row tells of. */
  readonly room: ZoneRoom | null
  /** The larger of the row's CPU and memory pressure; -1 where neither is known. */
  readonly pressurePercent: number
  /** Workers whose row names the zone. */
  readonly workers: number
}

/** The zones of a snapshot. */
export interface Zones {
  /** By slot. */
  readonly entries: readonly (ZoneEntry | undefined)[]
  /** By boot id: slots of the host's zones, by ascending node id. */
  readonly byHost: PersistentMap<readonly number[]>
}

/** Keeps the zones that have a row or workers, in slots. */
export class ZoneTable {
  readonly #entries: (ZoneEntry | undefined)[] = []
  readonly #slots = new Map<string, number>()
  readonly #byHost = new PersistentMapBuilder<readonly number[]>()
  readonly #free: number[] = []
  readonly #standingOf: (target: string) => ZoneStanding
  #latest: Zones | undefined

  constructor(standingOf: (target: string) => ZoneStanding) {
    this.#standingOf = standingOf
  }

  put(row: ZoneRow): void {
    const entry = this.#open(row.bootId, row.numaNode)
    const pressurePercent = Math.max(row.cpuPressurePercent ?? -1, row.memoryPressurePercent ?? -1)
    this.#write({ ...entry, row, room: zoneRoom(row), pressurePercent })
  }

  remove(bootId: string, numaNode: number): void {
    const entry = this.#find(nodeTarget({ bootId, numaNode }))
    if (entry !== undefined) this.#write({ ...entry, row: null, room: null, pressurePercent: -1 })
  }

  /** Returns the slot of the zone that a worker has joined. */
  join(bootId: string, numaNode: number): number {
    const entry = this.#open(bootId, numaNode)
    this.#write({ ...entry, workers: entry.workers + 1 })
    return entry.slot
  }

  leave(slot: number): void {
    const entry = this.#entries[slot]
    if (entry !== undefined) this.#write({ ...entry, workers: entry.workers - 1 })
  }

  /** Reads again what holds for a zone. */
  refresh(target: string): void {
    const entry = this.#find(target)
    if (entry !== undefined) this.#write({ ...entry, ...this.#standingOf(target) })
  }

  snapshot(): Zones {
    this.#latest ??= { entries: this.#entries.slice(), byHost: this.#byHost.snapshot() }
    return this.#latest
  }

  #find(target: string): ZoneEntry | undefined {
    const slot = this.#slots.get(target)
    return slot === undefined ? undefined : this.#entries[slot]
  }

  #open(bootId: string, numaNode: number): ZoneEntry {
    const target = nodeTarget({ bootId, numaNode })
    const known = this.#find(target)
    if (known !== undefined) return known
    const slot = this.#free.pop() ?? this.#entries.length
    const blank = { row: null, room: null, pressurePercent: -1, workers: 0 }
    const entry = { slot, target, bootId, numaNode, ...blank, ...this.#standingOf(target) }
    this.#entries[slot] = entry
    this.#slots.set(target, slot)
    const peers = [...(this.#byHost.get(bootId) ?? []), slot]
    const nodeOf = (peer: number): number => this.#entries[peer]?.numaNode ?? 0
    this.#byHost.set(
      bootId,
      peers.sort((a, b) => nodeOf(a) - nodeOf(b)),
    )
    return entry
  }

  #write(entry: ZoneEntry): void {
    this.#latest = undefined
    if (entry.row !== null || entry.workers > 0) {
      this.#entries[entry.slot] = entry
      return
    }
    this.#entries[entry.slot] = undefined
    this.#slots.delete(entry.target)
    this.#free.push(entry.slot)
    const peers = (this.#byHost.get(entry.bootId) ?? []).filter((slot) => slot !== entry.slot)
    if (peers.length === 0) this.#byHost.delete(entry.bootId)
    else this.#byHost.set(entry.bootId, peers)
  }
}
