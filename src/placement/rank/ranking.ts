import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { slotsPerChunk } from '../../views/snapshot/slot-set.js'
import { Column, columnCount } from '../../views/snapshot/worker-columns.js'
import type { WorkerRow } from '../../views/snapshot/worker-row.js'
import { type RefusalReason, reasonsOf } from '../filter/refusal.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { mayStayMs } from '../request/tolerations.js'
import type { ScoreTerm } from '../score/terms.js'
import { type Evaluation, scoreSteps } from './evaluation.js'
import { retryAfterMs } from './retry.js'
import { scanAll, stepOf } from './scan.js'
import type { ZoneUse } from './zone-verdicts.js'

export interface Candidate {
  readonly workerId: string
  readonly row: WorkerRow
  /** 0 … 1, in steps of a ten-thousandth. */
  readonly score: number
  /** The terms that make up the score; null where a term does not apply to the request. */
  readonly scores: Readonly<Record<ScoreTerm, number | null>>
  /** The zones that the request would use, the worker's own first; empty where it asks for no CPU and no memory. */
  readonly zones: readonly ZoneUse[]
  /** How long the work may stay under `no-execute` taints that it tolerates for a while; null: forever. */
  readonly mayStayMs: number | null
}

export interface Refusal {
  readonly workerId: string
  readonly row: WorkerRow
  /** All of them, in the order of the filters. */
  readonly reasons: readonly RefusalReason[]
  /** When to look again; null when waiting does not help. */
  readonly retryAfterMs: number | null
}

/** Candidates that are made one by one before the rest is made at once. */
const madeSingly = 16

/**
 * The candidates in order, and why each of the other workers is none. Candidates and refusals become objects when they
 * are looked at; all that they hold follows from the snapshot, the request and the options.
 */
export class Ranking {
  readonly snapshot: PlacementSnapshot
  readonly request: ResolvedRequest
  readonly #evaluation: Evaluation
  readonly #ordered: Uint32Array
  #refusals: Uint32Array | undefined
  /** One list per combination of reasons, shared by all workers that have it. */
  readonly #reasons = new Map<number, readonly RefusalReason[]>()

  /** @internal */
  constructor(evaluation: Evaluation, ordered: Uint32Array, refusals: Uint32Array | undefined) {
    this.snapshot = evaluation.snapshot
    this.request = evaluation.request
    this.#evaluation = evaluation
    this.#ordered = ordered
    this.#refusals = refusals
  }

  /** How many candidates there are. */
  get size(): number {
    return this.#ordered.length
  }

  get best(): Candidate | undefined {
    return this.at(0)
  }

  at(place: number): Candidate | undefined {
    const slot = this.#ordered[place]
    return slot === undefined ? undefined : this.#candidate(slot)
  }

  /** Yields the candidates in order. The first few are made one by one, the others all at once. */
  *candidates(): IterableIterator<Candidate> {
    for (const slot of this.#ordered.subarray(0, madeSingly)) yield this.#candidate(slot)
    if (this.size > madeSingly) yield* this.#candidatesOf(this.#ordered.subarray(madeSingly))
  }

  /** Makes candidates by ascending slot, so that each chunk is opened once, and puts them in their places. */
  #candidatesOf(slots: Uint32Array): readonly Candidate[] {
    const places = new Int32Array(this.snapshot.chunks.length * slotsPerChunk)
    for (let place = 0; place < slots.length; place++) places[slots[place] ?? 0] = place + 1
    const candidates = new Array<Candidate>(slots.length)
    for (let slot = 0; slot < places.length; slot++) {
      const place = places[slot] ?? 0
      if (place > 0) candidates[place - 1] = this.#candidate(slot)
    }
    return candidates
  }

  /** Yields the ids of the candidates in order, for a caller that needs no more. */
  *workerIds(): IterableIterator<string> {
    for (const slot of this.#ordered) yield this.#row(slot).workerId
  }

  *refused(): IterableIterator<Refusal> {
    const explained = this.#allReasons()
    for (let slot = 0; slot < explained.length; slot++) {
      const bits = explained[slot] ?? 0
      if (bits !== 0) yield this.#refusal(slot, bits)
    }
  }

  /** How many workers are refused for each reason; a worker counts once for each of its reasons. */
  refusedByReason(): Readonly<Partial<Record<RefusalReason, number>>> {
    const workers = new Map<number, number>()
    for (const bits of this.#allReasons()) if (bits !== 0) workers.set(bits, (workers.get(bits) ?? 0) + 1)
    const counts: Partial<Record<RefusalReason, number>> = {}
    for (const [bits, count] of workers) {
      for (const reason of this.#reasonsOf(bits)) counts[reason] = (counts[reason] ?? 0) + count
    }
    return counts
  }

  /** Returns what is decided about one worker; undefined when the snapshot does not hold it. */
  explain(workerId: string): Candidate | Refusal | undefined {
    const slot = this.snapshot.slotOf(workerId)
    if (slot === undefined) return undefined
    const bits = this.#allReasons()[slot] ?? 0
    return bits === 0 ? this.#candidate(slot) : this.#refusal(slot, bits)
  }

  /**
   * When to rank again: 0 when there is a candidate, null when waiting does not help, because every worker is refused
   * for a reason that does not end by itself.
   */
  get retryAfterMs(): number | null {
    if (this.size > 0) return 0
    let soonest: number | null = null
    for (const [slot, bits] of this.#allReasons().entries()) {
      if (bits === 0) continue
      const waitMs = retryAfterMs(this.#evaluation, this.#row(slot), bits)
      if (waitMs !== null && (soonest === null || waitMs < soonest)) soonest = waitMs
    }
    return soonest
  }

  /** The reasons of every slot, as bits; computed now where the ranking was made without. */
  #allReasons(): Uint32Array {
    if (this.#refusals === undefined) {
      const { size, chunks } = this.snapshot
      this.#refusals = new Uint32Array(chunks.length * slotsPerChunk)
      scanAll(this.#evaluation, new Uint32Array(size), new Uint16Array(size), this.#refusals)
    }
    return this.#refusals
  }

  #candidate(slot: number): Candidate {
    const evaluation = this.#evaluation
    const { request, zones } = evaluation
    const { numbers } = evaluation.open(Math.floor(slot / slotsPerChunk))
    const index = slot % slotsPerChunk
    const score = stepOf(evaluation.score(index, true)) / scoreSteps
    const row = this.#row(slot)
    const zone = this.snapshot.zones[numbers[index * columnCount + Column.zoneSlot] ?? -1]
    const taints = row.profile?.taints ?? []
    return {
      workerId: row.workerId,
      row,
      score,
      scores: this.#scores(),
      zones: zone === undefined ? [] : zones.shares(zone, row.profile?.numaBound === true),
      mayStayMs: taints.length === 0 ? null : mayStayMs(taints, request.tolerations),
    }
  }

  #scores(): Candidate['scores'] {
    const { terms, weights } = this.#evaluation
    // One literal and no loop: objects of one shape, at once of full size.
    return {
      load: weights.load > 0 ? terms.load : null,
      numaFit: weights.numaFit > 0 ? terms.numaFit : null,
      pressure: weights.pressure > 0 ? terms.pressure : null,
      residency: weights.residency > 0 ? terms.residency : null,
      preferredLabels: weights.preferredLabels > 0 ? terms.preferredLabels : null,
      shard: weights.shard > 0 ? terms.shard : null,
      allocation: weights.allocation > 0 ? terms.allocation : null,
      staleness: weights.staleness > 0 ? terms.staleness : null,
      probation: weights.probation > 0 ? terms.probation : null,
      taints: weights.taints > 0 ? terms.taints : null,
    }
  }

  #refusal(slot: number, bits: number): Refusal {
    const row = this.#row(slot)
    return {
      workerId: row.workerId,
      row,
      reasons: this.#reasonsOf(bits),
      retryAfterMs: retryAfterMs(this.#evaluation, row, bits),
    }
  }

  #reasonsOf(bits: number): readonly RefusalReason[] {
    const known = this.#reasons.get(bits)
    if (known !== undefined) return known
    const reasons = reasonsOf(bits)
    this.#reasons.set(bits, reasons)
    return reasons
  }

  #row(slot: number): WorkerRow {
    const row = this.snapshot.at(slot)
    if (row === undefined) throw new RangeError(`slot ${slot} holds no worker`)
    return row
  }
}
