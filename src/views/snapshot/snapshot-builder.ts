import type { Counters } from '../../core/reporting/counters.js'
import { IntentKind, receivedIntentKey } from '../../plane/intents/intents.js'
import type { Taint } from '../../plane/vocabulary/taint.js'
import { allTargets, nodeTarget } from '../../plane/vocabulary/targets.js'
import { profileTerms, taintKey, term } from './index-terms.js'
import { PersistentMapBuilder } from './persistent-map.js'
import { PlacementSnapshot, type TaintEntry } from './placement-snapshot.js'
import { SlotSetBuilder } from './slot-set.js'
import type { ConfigKind, ConfigRow, IntentRow, SnapshotChange } from './snapshot-change.js'
import { TermIndexBuilder } from './term-index.js'
import type { WorkerStanding } from './worker-columns.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile } from './worker-row.js'
import { WorkerTable } from './worker-table.js'
import { type ZoneStanding, ZoneTable } from './zone-table.js'

/** The parts of one worker as they came, of whatever incarnation. */
interface WorkerParts {
  load: WorkerLoad | undefined
  profile: WorkerProfile | undefined
  headroom: WorkerHeadroom | undefined
  /** Where its row is; undefined until its load is known. */
  slot: number | undefined
  zoneSlot: number
  standing: WorkerStanding
  /** What the index holds of it. */
  indexed: Indexed
}

interface Indexed {
  readonly profile: WorkerProfile | null
  readonly bootId: string
  readonly numaNode: number
  readonly preferShard: IntentRow | null
  readonly terms: readonly string[]
}

type StandingChange = Extract<SnapshotChange, { kind: 'intent' | 'intent-ended' | 'config' | 'config-ended' }>

const notIndexed: Indexed = Object.freeze({ profile: null, bootId: '', numaNode: -1, preferShard: null, terms: [] })

/**
 * Turns changes into snapshots. A change costs the one row that it bears on and a snapshot what changed since the last
 * one, never the size of the fleet.
 */
export class SnapshotBuilder {
  readonly #counters: Counters | undefined
  readonly #workers = new Map<string, WorkerParts>()
  readonly #table = new WorkerTable()
  readonly #slots = new PersistentMapBuilder<number>()
  readonly #index = new TermIndexBuilder()
  readonly #taints = new Map<string, { readonly taint: Taint; readonly slots: SlotSetBuilder }>()
  readonly #zones = new ZoneTable((target) => this.#zoneStanding(target))
  readonly #intents = new PersistentMapBuilder<IntentRow>()
  readonly #configs = new PersistentMapBuilder<ConfigRow>()
  #taintEntries: readonly TaintEntry[] | undefined
  #version = 0
  #latest: PlacementSnapshot | undefined

  /** Counts what it leaves aside as `snapshot.stale-part`. */
  constructor(counters?: Counters) {
    this.#counters = counters
  }

  /** Returns the present snapshot; the same object until something changes. */
  snapshot(): PlacementSnapshot {
    this.#latest ??= new PlacementSnapshot({
      version: ++this.#version,
      size: this.#slots.size,
      chunks: this.#table.snapshot(),
      slots: this.#slots.snapshot(),
      index: this.#index.snapshot(),
      taints: this.#taintSnapshot(),
      zones: this.#zones.snapshot(),
      fleet: this.#zoneStanding(allTargets),
      intents: this.#intents.snapshot(),
      configs: this.#configs.snapshot(),
    })
    return this.#latest
  }

  apply(change: SnapshotChange): void {
    this.#latest = undefined
    switch (change.kind) {
      case 'worker-load':
      case 'worker-profile':
      case 'worker-headroom':
        this.#applyPart(change)
        break
      case 'worker-removed':
        this.#remove(change.workerId)
        break
      case 'zone':
        this.#zones.put(change.zone)
        break
      case 'zone-removed':
        this.#zones.remove(change.bootId, change.numaNode)
        break
      default:
        this.#applyStanding(change)
    }
  }

  #applyStanding(change: StandingChange): void {
    if (change.kind === 'intent') {
      const { intent } = change
      this.#intents.set(receivedIntentKey(intent.kind, intent.target), intent)
      this.#refresh(intent.target)
    } else if (change.kind === 'config') {
      const { config } = change
      this.#configs.set(configKey(config.kind, config.scope), config)
      this.#refresh(config.scope)
    } else if (change.kind === 'intent-ended') {
      if (this.#intents.delete(receivedIntentKey(change.intentKind, change.target))) this.#refresh(change.target)
    } else if (this.#configs.delete(configKey(change.configKind, change.scope))) this.#refresh(change.scope)
  }

  #applyPart(change: Extract<SnapshotChange, { workerId: string }>): void {
    const { workerId } = change
    const parts = this.#workers.get(workerId) ?? this.#open(workerId)
    if (change.kind === 'worker-load') {
      if (this.#isStale(parts.load, change.load)) return
      parts.load = change.load
    } else if (change.kind === 'worker-profile') {
      if (this.#isStale(parts.profile, change.profile)) return
      parts.profile = change.profile
    } else if (change.kind === 'worker-headroom') {
      if (this.#isStale(parts.headroom, change.headroom)) return
      parts.headroom = change.headroom
    }
    this.#write(workerId, parts)
  }

  /** Whether the part is of an incarnation that a later one has replaced. */
  #isStale(known: { readonly incarnation: number } | undefined, part: { readonly incarnation: number }): boolean {
    if (known === undefined || part.incarnation >= known.incarnation) return false
    this.#counters?.add('snapshot.stale-part')
    return true
  }

  #open(workerId: string): WorkerParts {
    const parts: WorkerParts = {
      load: undefined,
      profile: undefined,
      headroom: undefined,
      slot: undefined,
      zoneSlot: 0,
      standing: this.#workerStanding(workerId),
      indexed: notIndexed,
    }
    this.#workers.set(workerId, parts)
    return parts
  }

  #write(workerId: string, parts: WorkerParts): void {
    const { load, standing } = parts
    if (load === undefined) return
    const profile = parts.profile?.incarnation === load.incarnation ? parts.profile : null
    const headroom = parts.headroom?.incarnation === load.incarnation ? parts.headroom : null
    if (parts.slot === undefined) {
      parts.slot = this.#table.allocate()
      this.#slots.set(workerId, parts.slot)
    }
    const { indexed, slot } = parts
    const hasMoved = indexed.bootId !== load.bootId || indexed.numaNode !== load.numaNode
    if (hasMoved || indexed.profile !== profile || indexed.preferShard !== standing.preferShard) {
      if (hasMoved) {
        if (indexed !== notIndexed) this.#zones.leave(parts.zoneSlot)
        parts.zoneSlot = this.#zones.join(load.bootId, load.numaNode)
      }
      this.#reindex(parts, slot, load, profile)
    }
    this.#table.write(slot, { workerId, load, profile, headroom }, standing, parts.zoneSlot)
  }

  #reindex(parts: WorkerParts, slot: number, load: WorkerLoad, profile: WorkerProfile | null): void {
    const { bootId, numaNode } = load
    const { preferShard } = parts.standing
    const terms = [
      term.host(bootId),
      term.zone(nodeTarget({ bootId, numaNode })),
      ...(profile === null ? [] : profileTerms(profile)),
      ...(preferShard?.shards ?? []).map(term.preferredShard),
    ]
    this.#index.replace(slot, parts.indexed.terms, terms)
    this.#replaceTaints(slot, parts.indexed.profile?.taints ?? [], profile?.taints ?? [])
    parts.indexed = { profile, bootId, numaNode, preferShard, terms }
  }

  #remove(workerId: string): void {
    const parts = this.#workers.get(workerId)
    if (parts === undefined) return
    this.#workers.delete(workerId)
    const { slot, indexed } = parts
    if (slot === undefined) return
    this.#index.replace(slot, indexed.terms, [])
    this.#replaceTaints(slot, indexed.profile?.taints ?? [], [])
    this.#zones.leave(parts.zoneSlot)
    this.#slots.delete(workerId)
    this.#table.release(slot)
  }

  #replaceTaints(slot: number, before: readonly Taint[], after: readonly Taint[]): void {
    if (before.length === 0 && after.length === 0) return
    this.#taintEntries = undefined
    const kept = new Set(after.map(taintKey))
    for (const taint of before) {
      const key = taintKey(taint)
      if (kept.has(key)) continue
      const slots = this.#taints.get(key)?.slots
      slots?.delete(slot)
      if (slots?.size === 0) this.#taints.delete(key)
    }
    for (const taint of after) {
      const key = taintKey(taint)
      const entry = this.#taints.get(key) ?? { taint, slots: new SlotSetBuilder() }
      entry.slots.add(slot)
      this.#taints.set(key, entry)
    }
  }

  #taintSnapshot(): readonly TaintEntry[] {
    this.#taintEntries ??= [...this.#taints.values()].map(({ taint, slots }) => ({ taint, slots: slots.snapshot() }))
    return this.#taintEntries
  }

  /** Something that holds for the target has changed. */
  #refresh(target: string): void {
    this.#zones.refresh(target)
    const parts = this.#workers.get(target)
    if (parts === undefined) return
    parts.standing = this.#workerStanding(target)
    this.#write(target, parts)
  }

  #workerStanding(workerId: string): WorkerStanding {
    return {
      drain: this.#intent(IntentKind.drain, workerId),
      preferShard: this.#intent(IntentKind.preferShard, workerId),
      maintenance: this.#maintenance(workerId),
      limit: this.#limit(workerId),
    }
  }

  #zoneStanding(target: string): ZoneStanding {
    return {
      pause: this.#intent(IntentKind.pauseNode, target),
      rebalance: this.#intent(IntentKind.rebalance, target),
      maintenance: this.#maintenance(target),
      limit: this.#limit(target),
    }
  }

  #intent(kind: IntentKind, target: string): IntentRow | null {
    return this.#intents.get(receivedIntentKey(kind, target)) ?? null
  }

  #maintenance(scope: string): ConfigRow | null {
    const config = this.#configs.get(configKey('maintenance-mode', scope))
    return config?.kind === 'maintenance-mode' && config.enabled ? config : null
  }

  #limit(scope: string): number | null {
    const config = this.#configs.get(configKey('concurrency-limit', scope))
    return config?.kind === 'concurrency-limit' ? config.maxInFlight : null
  }
}

function configKey(kind: ConfigKind, scope: string): string {
  return `${kind} ${scope}`
}
