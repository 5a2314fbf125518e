import { KeyedHeap } from '../core/keyed-heap.js'
import type { Counters } from '../core/reporting/counters.js'
import type { Liveliness } from '../liveliness/verdict.js'
import { type IntentKind, receivedIntentKey } from '../plane/intents/intents.js'
import { keyParts } from '../plane/vocabulary/keys.js'
import type { FleetModel, JudgedRow } from './fleet-model.js'
import type { IntentModel } from './intent-model.js'
import type { Held } from './rows/held.js'
import { SharedVerdicts } from './rows/shared-verdicts.js'
import { serverStateOf, type VerdictOf } from './rows/source-status.js'
import type { WorkerDetail } from './rows/worker-details.js'
import type { ChosenRow } from './rows/worker-rows.js'
import type { PlacementSnapshot } from './snapshot/placement-snapshot.js'
import {
  headroomFromCapacity,
  intentRowFrom,
  loadFromRoster,
  profileFromPublished,
  zoneFromCapacity,
} from './snapshot/rows-from-topics.js'
import { SnapshotBuilder } from './snapshot/snapshot-builder.js'
import type { WorkerLoad } from './snapshot/worker-row.js'
import type { SnapshotConfigs } from './snapshot-configs.js'

export interface SnapshotFeedComponents {
  readonly counters: Counters
  readonly fleet: FleetModel
  readonly intents: IntentModel
  readonly configs: SnapshotConfigs
  readonly verdictOf: VerdictOf
}

/** What the snapshot shows of a worker. */
interface ShownWorker extends WorkerDetail {
  readonly held: ChosenRow['held']
  readonly liveliness: Liveliness
}

/** What the snapshot shows of a zone. */
interface ShownZone {
  readonly held: Held<unknown>
  readonly liveliness: Liveliness
}

/** Changes that may wait for the next snapshot. Beyond this the time that passes applies them. */
const maxWaiting = 4_096

/**
 * Keeps the snapshots of a view up to date. A change only marks the row that it concerns. The next snapshot reads the
 * marked rows as the view judges them at that time. Until the first snapshot is asked for, nothing is kept.
 */
export class SnapshotFeed {
  readonly #components: SnapshotFeedComponents
  #builder: SnapshotBuilder | undefined
  readonly #shownWorkers = new Map<string, ShownWorker>()
  readonly #shownZones = new Map<string, ShownZone>()
  readonly #workers = new Set<string>()
  readonly #zones = new Set<string>()
  readonly #intents = new Map<string, { readonly kind: IntentKind; readonly target: string }>()
  /** Workers by the time at which their judgement changes by itself. */
  readonly #due = new KeyedHeap<string>()
  /** The verdict on a server has changed, or what is known of its departure. */
  #mustCheckAll = false

  constructor(components: SnapshotFeedComponents) {
    this.#components = components
  }

  /** The rows of a worker, its profile, its capacity, or the record of its end have changed. */
  worker(workerId: string): void {
    if (this.#builder !== undefined) this.#workers.add(workerId)
  }

  /** The reports on a node have changed. */
  node(key: string): void {
    if (this.#builder !== undefined) this.#zones.add(key)
  }

  /** What holds for a target has changed. */
  intent(kind: IntentKind, target: string): void {
    if (this.#builder !== undefined) this.#intents.set(receivedIntentKey(kind, target), { kind, target })
  }

  /** Time has passed, or the verdict on a server has changed. */
  observe(nowMs: number): void {
    if (this.#builder === undefined) return
    this.#mustCheckAll = true
    this.#components.configs.observe()
    if (this.#workers.size + this.#intents.size > maxWaiting) this.#apply(this.#builder, nowMs)
  }

  /** Returns the fleet as the view judges it now; the same object until something changes. */
  snapshot(nowMs: number): PlacementSnapshot {
    this.#builder ??= this.#open()
    this.#apply(this.#builder, nowMs)
    return this.#builder.snapshot()
  }

  #open(): SnapshotBuilder {
    this.#mustCheckAll = true
    for (const { kind, intent } of this.#components.intents.holding()) {
      this.#intents.set(receivedIntentKey(kind, intent.target), { kind, target: intent.target })
    }
    return new SnapshotBuilder(this.#components.counters)
  }

  #apply(builder: SnapshotBuilder, nowMs: number): void {
    const { configs, verdictOf } = this.#components
    for (const change of configs.takeChanges()) builder.apply(change)
    for (const { kind, target } of this.#intents.values()) this.#applyIntent(builder, kind, target)
    this.#intents.clear()
    if (this.#mustCheckAll) this.#markUnchecked()
    for (let id = this.#due.shift(nowMs); id !== undefined; id = this.#due.shift(nowMs)) this.#workers.add(id)
    if (this.#workers.size + this.#zones.size === 0 && !this.#mustCheckAll) return
    const { ask } = new SharedVerdicts(verdictOf)
    for (const key of this.#zones) this.#applyZone(builder, key, ask)
    for (const workerId of this.#workers) this.#applyWorker(builder, workerId, nowMs, ask)
    this.#workers.clear()
    this.#zones.clear()
    this.#mustCheckAll = false
  }

  /** Marks everything that is here or shown. What has not changed is not written again. */
  #markUnchecked(): void {
    const { fleet } = this.#components
    for (const workerId of fleet.workerIds()) this.#workers.add(workerId)
    for (const workerId of this.#shownWorkers.keys()) this.#workers.add(workerId)
    for (const key of fleet.nodeKeys()) this.#zones.add(key)
    for (const key of this.#shownZones.keys()) this.#zones.add(key)
  }

  #applyWorker(builder: SnapshotBuilder, workerId: string, nowMs: number, verdictOf: VerdictOf): void {
    const row = this.#components.fleet.judged(workerId, nowMs, verdictOf)
    const shown = this.#shownWorkers.get(workerId)
    this.#due.delete(workerId)
    if (row === undefined) {
      if (this.#shownWorkers.delete(workerId)) builder.apply({ kind: 'worker-removed', workerId })
      return
    }
    if (row.nextMs !== undefined) this.#due.set(workerId, row.nextMs)
    const { held, judgement } = row
    const { liveliness } = judgement
    const { incarnation } = held.value
    const { profile, capacity } = this.#components.fleet.details.detailOf(held.value)
    const isSameProcess = shown?.held.value.incarnation === incarnation
    // The builder takes a lower incarnation for a late sample. Here the view has chosen it: a stronger claim.
    if (shown !== undefined && !isSameProcess) builder.apply({ kind: 'worker-removed', workerId })
    if (!isSameProcess || held !== shown.held || liveliness !== shown.liveliness) {
      builder.apply({ kind: 'worker-load', workerId, load: loadOf(row) })
    }
    if (profile !== undefined && (!isSameProcess || profile !== shown.profile)) {
      builder.apply({ kind: 'worker-profile', workerId, profile: profileFromPublished(profile.value) })
    }
    if (capacity !== undefined && (!isSameProcess || capacity !== shown.capacity)) {
      const headroom = headroomFromCapacity(capacity.value, capacity.writtenMs)
      builder.apply({ kind: 'worker-headroom', workerId, headroom })
    }
    this.#shownWorkers.set(workerId, { held, liveliness, profile, capacity })
  }

  #applyZone(builder: SnapshotBuilder, key: string, verdictOf: VerdictOf): void {
    const held = this.#components.fleet.node(key, verdictOf)
    if (held === undefined) {
      const [bootId = '', numaNode] = keyParts(key)
      if (this.#shownZones.delete(key)) {
        builder.apply({ kind: 'zone-removed', bootId, numaNode: Number(numaNode) })
      }
      return
    }
    const { liveliness } = serverStateOf(held, this.#components.fleet.serverVerdict(held, verdictOf))
    const shown = this.#shownZones.get(key)
    if (shown?.held === held && shown.liveliness === liveliness) return
    builder.apply({ kind: 'zone', zone: zoneFromCapacity(held.value, held.originTimeMs, liveliness) })
    this.#shownZones.set(key, { held, liveliness })
  }

  #applyIntent(builder: SnapshotBuilder, kind: IntentKind, target: string): void {
    const claim = this.#components.intents.current(kind, target)
    const intent = claim === undefined ? undefined : intentRowFrom(claim)
    if (intent === undefined) builder.apply({ kind: 'intent-ended', intentKind: kind, target })
    else builder.apply({ kind: 'intent', intent })
  }
}

function loadOf({ held, judgement }: JudgedRow): WorkerLoad {
  const probationMs = judgement.probationMs > 0 ? held.value.probationMs : 0
  const { liveliness } = judgement
  return loadFromRoster(held.value, held.originTimeMs, { liveliness, probationMs, nowMs: held.originTimeMs })
}
