import type { EntityGuid, Seq } from '../core/ids.js'
import { ApplyResult, WithdrawResult } from './apply-result.js'
import {
  type Arrival,
  clearSample,
  copySample,
  emptySample,
  fillSample,
  type HeldSample,
  type IncomingChange,
  type Instance,
  InstanceState,
} from './instance.js'
import { InstanceRow, Relinquished } from './instance-row.js'
import type { Precedence } from './precedence.js'
import { RetiredInstances } from './retired-instances.js'
import { Tombstones, type UnseenEnd } from './tombstones.js'

export interface InstanceTableOptions {
  readonly maxInstances: number
  readonly precedence: Precedence
  /** Every change is a sample object of its own, and values that lost stand {@link ApplyResult.beside}. */
  readonly hasHistory: boolean
  /** What is shown may lag behind what is current, so a change must not overwrite it. */
  readonly isPaced: boolean
  /** Whether one more value of the instance may be held. Asked only when it would be applied. */
  readonly hasRoom: (instance: Instance | undefined) => boolean
  /** The instance has been forgotten. */
  readonly forgotten: (instance: Instance) => void
}

/**
 * A reader's copy of a topic: derived state, discardable, each instance knowing whose it is and how new.
 *
 * Within one owner the higher seq wins, whatever path it came by; a disposal under the seq of the value that is held
 * ends it (a relay's lifespan and a bootstrap end an instance without a number of their own). Between owners
 * {@link Precedence} decides.
 */
export class InstanceTable {
  readonly #options: InstanceTableOptions
  readonly #rows = new Map<string, InstanceRow>()
  readonly #retired: RetiredInstances
  readonly #tombstones = new Tombstones()
  readonly #endListeners = new Set<(end: UnseenEnd) => void>()
  #touched: InstanceRow | undefined

  constructor(options: InstanceTableOptions) {
    this.#options = options
    this.#retired = new RetiredInstances((row) => {
      this.#rows.delete(row.key)
      this.#tombstones.add(row.key, row.toTombstone())
      options.forgotten(row)
    })
  }

  /** Out of view and forgotten ones aside. */
  get size(): number {
    return this.#rows.size - this.#retired.outOfView
  }
  /** Whether a new instance would be taken: instances that have ended make room for it. */
  get hasRoom(): boolean {
    return this.size < this.#options.maxInstances || this.#retired.hasEnded
  }
  get isExclusive(): boolean {
    return this.#options.precedence.isExclusive
  }
  get(key: string): Instance | undefined {
    return this.#rows.get(key)
  }
  /** The instance that the last change to be judged was of. */
  get touched(): Instance | undefined {
    return this.#touched
  }
  values(): IterableIterator<Instance> {
    return this.#rows.values()
  }

  /** Judges a change and, when it counts, makes it current; {@link makeVisible} makes it visible. */
  apply(change: IncomingChange, arrival: Arrival): ApplyResult {
    const row = this.#rows.get(change.key)
    if (row === undefined) return this.#create(change, arrival)
    this.#touched = row
    if (this.#isOutdated(change, row)) return ApplyResult.duplicate
    const { current } = row
    const { writer: owner, seq } = change.token
    // A relay that held this value and now sends another has given this one up.
    const givesUp = current.via === change.via && change.viaSeq > row.viaSeq && !row.hasSuccessor
    row.recordCarrier(change, this.#options.precedence.isExclusive)
    let isBeside = false
    if (current.owner === owner) {
      if (seq < current.seq || (seq === current.seq && !row.isNews(change))) return ApplyResult.duplicate
    } else if (!givesUp && !this.#options.precedence.replaces(change, row)) {
      const { precedence } = this.#options
      if (precedence.isExclusive) return ApplyResult.weaker
      if (!this.#options.hasHistory || precedence.isBySource || change.disposed || change.outOfView) {
        return ApplyResult.older
      }
      isBeside = true
    }
    if (this.#options.hasHistory && seq <= (row.appliedSeqs?.get(owner) ?? 0) && !change.disposed) {
      if (isBeside) return ApplyResult.duplicate
      this.#replace(row, change, arrival)
      return ApplyResult.restored
    }
    const comesIntoView = row.outOfView && !change.outOfView && !change.disposed && !isBeside
    if (comesIntoView && !this.#ensureRoom()) return ApplyResult.refused
    // A sample that waits is only replaced.
    const needsRoom = (!row.isWaiting || this.#options.hasHistory) && !change.disposed && !change.outOfView
    if (needsRoom && !this.#options.hasRoom(row)) return ApplyResult.refused
    this.#recordApplied(row, owner, seq)
    if (isBeside) return ApplyResult.beside
    this.#replace(row, change, arrival)
    return ApplyResult.applied
  }

  /**
   * Makes what is current visible. False when there is nothing to tell: an end of what was never seen, or what the
   * filter refuses once more.
   */
  makeVisible(instance: Instance): boolean {
    const row = instance as InstanceRow
    const before = row.shownState
    const hadValue = row.shown.byteLength > 0
    row.shownState = row.outOfView && row.state === InstanceState.alive ? InstanceState.noWriters : row.state
    row.shown = row.current
    const isAlive = row.shownState === InstanceState.alive
    if (isAlive && before !== InstanceState.alive) row.countRevival(before)
    if (row.shown.byteLength > 0) row.wasShown = true
    row.shown.disposedGenerations = row.disposedCount
    row.shown.noWritersGenerations = row.noWritersCount
    if (!row.wasShown) return false
    return isAlive || before !== row.shownState || hadValue !== row.shown.byteLength > 0
  }

  /** A change that stands {@link ApplyResult.beside}, as a sample of the instance. */
  sampleOf(instance: Instance, change: IncomingChange, arrival: Arrival): HeldSample {
    const held = emptySample(change.token.writer)
    fillSample(held, change, arrival)
    held.disposedGenerations = instance.disposedCount
    held.noWritersGenerations = instance.noWritersCount
    return held
  }

  /** Whether the user sees less than is current. */
  isHeldBack(instance: Instance): boolean {
    return instance.shown !== instance.current
  }

  /** The writer no longer carries the instance: it has disposed it, or it has gone. */
  withdraw(key: string, writer: EntityGuid, end: 'disposed' | 'no-writers', arrival: Arrival): WithdrawResult {
    const row = this.#rows.get(key)
    if (row === undefined) return WithdrawResult.kept
    const { current } = row
    if (current.via !== writer) {
      if (row.others?.delete(writer) !== true) return WithdrawResult.kept
      if (row.relinquished !== Relinquished.gone || row.state !== InstanceState.alive) return WithdrawResult.kept
      // The value was kept for the sake of a rival, which has none either.
      return row.hasRival ? WithdrawResult.orphaned : this.#end(row, end, arrival)
    }
    if (row.state === InstanceState.disposed) {
      row.relinquished = Relinquished.gone
      return row.hasRival ? WithdrawResult.orphaned : WithdrawResult.kept
    }
    if (row.state === end || row.relinquished === Relinquished.gone) return WithdrawResult.kept
    if (row.replaceCarrier()) return WithdrawResult.kept
    if (end === InstanceState.noWriters && row.state === InstanceState.alive && row.hasRival) {
      row.relinquished = Relinquished.gone
      return WithdrawResult.orphaned
    }
    return this.#end(row, end, arrival)
  }

  /**
   * Exclusive ownership: the writer is there but misses its deadline or lease, so the instance is open to the next strongest
   * until it writes again. True when that changed something.
   */
  demote(key: string, writer: EntityGuid): boolean {
    const row = this.#rows.get(key)
    if (row === undefined || row.current.via !== writer || row.relinquished !== Relinquished.no) return false
    row.relinquished = Relinquished.demoted
    return true
  }

  /** Writers that carry the instance with a value that lost against the one held; of exclusive ones the strongest only. */
  rivals(key: string): EntityGuid[] {
    const rivals = this.#rows.get(key)?.rivals ?? []
    const { precedence } = this.#options
    return precedence.isExclusive ? precedence.rank(rivals).slice(0, 1) : rivals
  }

  /** Writers that carry its owner's value: the owner, relays, or both. Empty when it is unknown or has ended. */
  carriers(key: string): EntityGuid[] {
    const row = this.#rows.get(key)
    return row === undefined || row.state !== InstanceState.alive ? [] : [...row.carriers]
  }

  /** The number under which the writer last delivered the instance; undefined when it does not carry it. */
  deliveredSeq(key: string, writer: EntityGuid): Seq | undefined {
    return this.#rows.get(key)?.deliveredSeq(writer)
  }

  /** The writer gives the instance up under this number. What it sent before may still arrive. */
  recordUnregistration(key: string, writer: EntityGuid, viaSeq: Seq): void {
    const row = this.#rows.get(key)
    if (row?.current.via === writer) row.viaSeq = Math.max(row.viaSeq, viaSeq)
  }

  /** Forgets instances whose time is up: disposed before `disposedBeforeMs`, without writers before the other. */
  purge(disposedBeforeMs: number, noWritersBeforeMs: number): void {
    this.#retired.purge(disposedBeforeMs, noWritersBeforeMs)
  }

  /** Calls `listener` at once for every end that the user does not see. Returns what stops that. */
  onUnseenEnd(listener: (end: UnseenEnd) => void): () => void {
    this.#endListeners.add(listener)
    return () => void this.#endListeners.delete(listener)
  }

  /** A first change; an end is remembered, against what was written before it and comes late. */
  #create(change: IncomingChange, arrival: Arrival): ApplyResult {
    if (this.#isOutlived(change)) return ApplyResult.outlived
    const { hasRoom } = this.#options
    const hasValue = !change.disposed && !change.outOfView
    if (!change.outOfView && !this.#ensureRoom()) return hasValue ? ApplyResult.refused : ApplyResult.unknownInstance
    if (hasValue && !hasRoom(undefined)) return ApplyResult.refused
    const row = new InstanceRow(change)
    this.#rows.set(change.key, row)
    this.#tombstones.delete(change.key)
    this.#touched = row
    this.#recordApplied(row, change.token.writer, change.token.seq)
    this.#replace(row, change, arrival)
    if (!change.disposed) return ApplyResult.applied
    this.makeVisible(row)
    this.#unseenEnd({ key: row.key, end: row.toTombstone(), isUnknownToRelay: false })
    return ApplyResult.unknownInstance
  }

  /** Whether a change of a forgotten instance is older than what was known of it. */
  #isOutlived(change: IncomingChange): boolean {
    const { key, disposed } = change
    const tombstone = this.#tombstones.get(key)
    if (tombstone === undefined) return this.#tombstones.isBelowFloor(change)
    const isNewer = this.#options.precedence.isAfterEnd(change, tombstone)
    if (!isNewer && tombstone.disposed && !disposed) {
      this.#unseenEnd({ key, end: tombstone, isUnknownToRelay: true })
    }
    return !isNewer
  }

  #unseenEnd(end: UnseenEnd): void {
    for (const listener of this.#endListeners) listener(end)
  }

  /**
   * Depth 1: its writer has brought a newer change of the instance, or given it up since. It comes late, and would look
   * newer than another owner's, for as long as it was under way, or revive what has ended.
   */
  #isOutdated({ via, viaSeq }: IncomingChange, row: InstanceRow): boolean {
    if (this.#options.hasHistory) return false
    return viaSeq < (row.deliveredSeq(via) ?? 0)
  }

  /** For one more instance in view: what has ended goes first. */
  #ensureRoom(): boolean {
    return this.size < this.#options.maxInstances || this.#retired.dropOldestEnded()
  }

  #replace(row: InstanceRow, change: IncomingChange, arrival: Arrival): void {
    row.takeOver(change)
    if (this.#mustKeepShown(row)) row.current = emptySample(change.token.writer)
    fillSample(row.current, change, arrival)
    row.state = change.disposed ? InstanceState.disposed : InstanceState.alive
    if (change.disposed) row.others = undefined
    row.outOfView = change.outOfView
    const isEnded = change.disposed || change.outOfView
    if (isEnded || row.isEnded) this.#retired.update(row, isEnded, arrival.nowMs)
  }

  #end(row: InstanceRow, end: 'disposed' | 'no-writers', arrival: Arrival): WithdrawResult {
    row.state = end
    this.#retired.update(row, true, arrival.nowMs)
    if (end === InstanceState.disposed) {
      row.others = undefined
      if (this.#mustKeepShown(row)) row.current = copySample(row.current)
      clearSample(row.current)
      row.current.arrival = arrival
    }
    return WithdrawResult.ended
  }

  /** Whether the shown sample must outlive the change, which then needs a sample of its own. */
  #mustKeepShown(row: InstanceRow): boolean {
    return this.#options.hasHistory || (this.#options.isPaced && row.current === row.shown)
  }

  #recordApplied(row: InstanceRow, owner: EntityGuid, seq: Seq): void {
    if (this.#options.hasHistory) row.recordApplied(owner, seq)
  }
}
