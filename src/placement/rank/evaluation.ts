import { IntentKind, receivedIntentKey } from '../../plane/intents/intents.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { slotsPerChunk } from '../../views/snapshot/slot-set.js'
import { Column, columnCount, WorkerFlag } from '../../views/snapshot/worker-columns.js'
import type { Chunk } from '../../views/snapshot/worker-table.js'
import { refusalBit, refusingFlags } from '../filter/refusal.js'
import type { ReservedAtWorker } from '../fit/reserved-totals.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { defaultScoreWeights, type ScoreTerm, type ScoreWeights, scoreTerms, unknownScore } from '../score/terms.js'
import { ChunkFilters } from './chunk-filters.js'
import { ChunkPreferences } from './chunk-preferences.js'
import type { ResolvedRankOptions } from './rank-options.js'
import { ZoneVerdicts } from './zone-verdicts.js'

/** Scores are compared in this many steps; what is in the same step is equal. */
export const scoreSteps = 10_000

const nothingReserved: ReservedAtWorker = Object.freeze({
  incarnation: 0,
  jobs: 0,
  cpus: 0,
  memoryBytes: 0,
  vramBytes: 0,
})

/**
 * Judges the workers of a snapshot for one request, one slot at a time: which reasons refuse it, and how it scores.
 * What does not depend on the worker is computed before: per zone, and per chunk of slots for what the index knows.
 * `open` a chunk first; then `refusals` and `score` are about its slots. A judgement can be had again at any time,
 * because nothing that it rests on changes, so explanations need not be stored.
 */
export class Evaluation {
  readonly snapshot: PlacementSnapshot
  readonly request: ResolvedRequest
  readonly options: ResolvedRankOptions
  readonly zones: ZoneVerdicts
  /** The terms of the slot whose score was kept last. */
  terms: Readonly<Record<ScoreTerm, number>> = defaultScoreWeights
  /** What each term weighs for this request; 0 where it does not apply. */
  readonly weights: ScoreWeights
  readonly #filters: ChunkFilters
  readonly #preferences: ChunkPreferences
  readonly #weightSum: number
  /** Reservations by slot. */
  readonly #reserved = new Map<number, ReservedAtWorker>()
  /** Jobs of the request's queue that each worker may run; null where nothing throttles it. */
  readonly #queueLimit: number | null
  #chunk: Chunk = { rows: [], numbers: new Float64Array(0), flags: new Uint32Array(0) }
  #opened = -1
  #firstSlot = 0

  constructor(snapshot: PlacementSnapshot, request: ResolvedRequest, options: ResolvedRankOptions) {
    this.snapshot = snapshot
    this.request = request
    this.options = options
    this.zones = new ZoneVerdicts(snapshot, request, options)
    this.#filters = new ChunkFilters(snapshot, request)
    this.#preferences = new ChunkPreferences(snapshot, request)
    this.weights = applicable(options.weights, request)
    this.#weightSum = scoreTerms.reduce((sum, term) => sum + this.weights[term], 0)
    this.#queueLimit = queueLimit(snapshot, request, options.nowMs)
    for (const [workerId, incarnations] of options.reserved?.workers ?? []) {
      const slot = snapshot.slotOf(workerId)
      if (slot === undefined) continue
      const shown = snapshot.at(slot)?.load.incarnation
      const reserved = incarnations.find(({ incarnation }) => incarnation === shown)
      if (reserved !== undefined) this.#reserved.set(slot, reserved)
    }
  }

  open(chunk: number): Chunk {
    if (this.#opened === chunk) return this.#chunk
    this.#opened = chunk
    this.#chunk = this.snapshot.chunks[chunk] ?? this.#chunk
    this.#firstSlot = chunk * slotsPerChunk
    this.#filters.load(chunk)
    this.#preferences.load(chunk)
    return this.#chunk
  }

  /** Whether the index alone refuses a slot of the open chunk. */
  isFiltered(index: number): boolean {
    return (((this.#filters.refused[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1
  }

  /** All reasons that refuse a slot of the open chunk, as bits; 0 for a candidate. */
  refusals(index: number): number {
    const { numbers, flags } = this.#chunk
    const { nowMs, probation } = this.options
    const at = index * columnCount
    const flag = flags[index] ?? 0
    let bits = flag & refusingFlags
    if (this.isFiltered(index)) bits |= this.#filters.refusals(index)
    if (probation === 'refuse' && (numbers[at + Column.reliableFromMs] ?? 0) > nowMs) bits |= refusalBit.onProbation
    if ((numbers[at + Column.drainUntilMs] ?? 0) > nowMs) bits |= refusalBit.draining
    const zone = numbers[at + Column.zoneSlot] ?? 0
    bits |= this.zones.standing[zone] ?? 0
    const reserved = this.#reservedAt(index)
    if ((flag & WorkerFlag.reactive) === 0) {
      const inFlight = (numbers[at + Column.inFlight] ?? 0) + reserved.jobs
      if (inFlight >= (numbers[at + Column.limit] ?? 0)) bits |= refusalBit.saturated
      else if (inFlight >= (this.zones.limit[zone] ?? 0)) bits |= refusalBit.throttled
    }
    if (this.#queueLimit !== null) bits |= this.#queueRefusal(index, reserved)
    if ((flag & WorkerFlag.vramBudget) !== 0) bits |= this.#vramRefusal(at, reserved)
    const fit = (flag & WorkerFlag.numaBound) === 0 ? this.zones.spanning : this.zones.single
    return bits | (fit.refusals[zone] ?? 0) | this.#headroomRefusal(at, reserved)
  }

  /** Scores a slot of the open chunk, 0 … 1, and leaves its terms in `terms` if they are to be kept. */
  score(index: number, keep = false): number {
    const { numbers, flags } = this.#chunk
    const { weights } = this
    const { nowMs, freshMs, staleMs } = this.options
    const at = index * columnCount
    const flag = flags[index] ?? 0
    const zone = numbers[at + Column.zoneSlot] ?? 0
    const fit = (flag & WorkerFlag.numaBound) === 0 ? this.zones.spanning : this.zones.single
    const load = 1 - this.#load(at, flag, this.#reservedAt(index))
    const numaFit = fit.numaFit[zone] ?? unknownScore
    const worst = Math.max(numbers[at + Column.pressurePercent] ?? -1, this.zones.pressurePercent[zone] ?? -1)
    const pressure = worst < 0 ? unknownScore : 1 - worst / 100
    const preferences = this.#preferences
    const residency = weights.residency > 0 ? shareOf(preferences.residents, index) : 0
    const labels = weights.preferredLabels > 0 ? shareOf(preferences.labels, index) : 0
    const shard = weights.shard > 0 ? this.#shard(index, at) : 0
    const allocation = fit.allocation[zone] ?? unknownScore
    const ageMs = nowMs - (numbers[at + Column.observedMs] ?? 0)
    const staleness = ageMs <= freshMs ? 1 : ageMs >= staleMs ? 0 : 1 - (ageMs - freshMs) / (staleMs - freshMs)
    const probation = (numbers[at + Column.reliableFromMs] ?? 0) > nowMs ? 0 : 1
    const taints = 1 / (1 + preferences.taints.sum(index))
    if (keep) {
      this.terms = {
        load,
        numaFit,
        pressure,
        residency,
        preferredLabels: labels,
        shard,
        allocation,
        staleness,
        probation,
        taints,
      }
    }
    if (this.#weightSum === 0) return 0
    const sum =
      weights.load * load +
      weights.numaFit * numaFit +
      weights.pressure * pressure +
      weights.residency * residency +
      weights.preferredLabels * labels +
      weights.shard * shard +
      weights.allocation * allocation +
      weights.staleness * staleness +
      weights.probation * probation +
      weights.taints * taints
    return sum / this.#weightSum
  }

  #reservedAt(index: number): ReservedAtWorker {
    return this.#reserved.size === 0
      ? nothingReserved
      : (this.#reserved.get(this.#firstSlot + index) ?? nothingReserved)
  }

  #queueRefusal(index: number, { jobs }: ReservedAtWorker): number {
    const load = this.#chunk.rows[index]?.load
    const { queue } = this.request
    if (load === undefined || queue === null || this.#queueLimit === null) return 0
    // Where it is not known which jobs are of the queue, all of them may be.
    const inFlight = load.inFlightByQueue === null ? load.inFlight : (load.inFlightByQueue[queue] ?? 0)
    return inFlight + jobs >= this.#queueLimit ? refusalBit.throttled : 0
  }

  #vramRefusal(at: number, reserved: ReservedAtWorker): number {
    const { vramBytes } = this.request
    if (vramBytes === null) return refusalBit.missingVramHint
    const budget = this.#chunk.numbers[at + Column.vramBudgetBytes] ?? 0
    if (vramBytes > budget) return refusalBit.tooLarge
    const used = (this.#chunk.numbers[at + Column.vramUsedBytes] ?? 0) + reserved.vramBytes
    return used + vramBytes > budget ? refusalBit.saturated : 0
  }

  /** Against what the worker's own cgroup still allows it. */
  #headroomRefusal(at: number, reserved: ReservedAtWorker): number {
    const { numbers } = this.#chunk
    const { cpus, memoryBytes } = this.request
    if (
      cpus > (numbers[at + Column.cpuTotalCores] ?? 0) ||
      memoryBytes > (numbers[at + Column.memoryTotalBytes] ?? 0)
    ) {
      return refusalBit.tooLarge
    }
    const freeCpus = Math.max(0, (numbers[at + Column.cpuFreeCores] ?? 0) - reserved.cpus)
    const freeBytes = Math.max(0, (numbers[at + Column.memoryFreeBytes] ?? 0) - reserved.memoryBytes)
    return cpus > freeCpus || memoryBytes > freeBytes ? refusalBit.noHeadroom : 0
  }

  /** 0 … 1, as the worker's admission counts it. */
  #load(at: number, flag: number, reserved: ReservedAtWorker): number {
    const { numbers } = this.#chunk
    if ((flag & WorkerFlag.reactive) !== 0) {
      const capacityScore = numbers[at + Column.capacityScore] ?? -1
      if (capacityScore >= 0) return 1 - capacityScore
      const utilization = numbers[at + Column.eventLoopUtilization] ?? -1
      return utilization >= 0 ? utilization : unknownScore
    }
    if ((flag & WorkerFlag.vramBudget) !== 0) {
      const used = (numbers[at + Column.vramUsedBytes] ?? 0) + reserved.vramBytes
      return shareUsed(used, numbers[at + Column.vramBudgetBytes] ?? 0)
    }
    return shareUsed((numbers[at + Column.inFlight] ?? 0) + reserved.jobs, numbers[at + Column.limit] ?? 0)
  }

  #shard(index: number, at: number): number {
    if (this.#preferences.shardHeld.sum(index) > 0) return 1
    const isWanted = (this.#chunk.numbers[at + Column.preferUntilMs] ?? 0) > this.options.nowMs
    return isWanted ? this.#preferences.shardWanted.sum(index) : 0
  }
}

/** Terms that a request gives no cause for are left out for every worker alike, so that the others keep their order. */
function applicable(weights: ScoreWeights, { residents, preferred, shard, strategy }: ResolvedRequest): ScoreWeights {
  return {
    load: weights.load,
    numaFit: weights.numaFit,
    pressure: weights.pressure,
    residency: residents.length > 0 ? weights.residency : 0,
    preferredLabels: preferred.length > 0 ? weights.preferredLabels : 0,
    shard: shard !== null ? weights.shard : 0,
    allocation: strategy !== 'random' ? weights.allocation : 0,
    staleness: weights.staleness,
    probation: weights.probation,
    taints: weights.taints,
  }
}

function queueLimit(snapshot: PlacementSnapshot, { queue }: ResolvedRequest, nowMs: number): number | null {
  if (queue === null) return null
  const intent = snapshot.intent(receivedIntentKey(IntentKind.throttleQueue, queue))
  return intent !== undefined && intent.expiresMs > nowMs ? intent.maxInFlight : null
}

function shareOf(clauses: { readonly total: number; sum(index: number): number }, index: number): number {
  return clauses.total > 0 ? clauses.sum(index) / clauses.total : 0
}

function shareUsed(used: number, of: number): number {
  return of > 0 ? Math.min(1, used / of) : 1
}
