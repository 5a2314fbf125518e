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
import type { InstanceTableOptions } from './instance-table-options.js'
import { RetiredInstances } from './retired-instances.js'
import { Tombstones, type UnseenEnd } from './tombstones.js'

/**
 * A reader's copy of a topic. It is derived state and can be discarded. Each instance knows its owner and its number.
 *
 * Between changes of one owner the higher seq wins, whatever path it took. A disposal with the seq of the held value
 * ends the instance, because a relay's lifespan and a bootstrap have no number of their own. Between owners `Precedence`
 * decides.
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

  /** Number of instances in view. */
  get size(): number {
    return this.#rows.size - this.#retired.outOfView
  }
  /** Whether the table accepts a new instance. Instances that have ended make room for it. */
  get hasRoom(): boolean {
    return this.size < this.#options.maxInstances || this.#retired.hasEnded
  }
  get isExclusive(): boolean {
    return this.#options.precedence.isExclusive
  }
  get(key: string): Instance | undefined {
    return this.#rows.get(key)
  }
  /** The instance of the last change that was judged. */
  get touched(): Instance | undefined {
    return this.#touched
  }
  values(): IterableIterator<Instance> {
    return this.#rows.values()
  }

  /** Judges a change, and makes it current if it counts. {@link makeVisible} then makes it visible. */
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
   * Makes the current value visible. Returns false if the user sees no difference: an end of an instance that was never
   * shown, or another value that the filter refuses.
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

  /** Returns a change that is {@link ApplyResult.beside} the current one as a sample. */
  sampleOf(instance: Instance, change: IncomingChange, arrival: Arrival): HeldSample {
    const held = emptySample(change.token.writer)
    fillSample(held, change, arrival)
    held.disposedGenerations = instance.disposedCount
    held.noWritersGenerations = instance.noWritersCount
    return held
  }

  /** Whether the shown value lags behind the current one. */
  isHeldBack(instance: Instance): boolean {
    return instance.shown !== instance.current
  }

  /** Removes the writer as a carrier of the instance: it has disposed the instance, or has gone. */
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
   * Exclusive ownership: opens the instance to the next strongest writer, because the writer misses its deadline or
   * lease. This ends when the writer writes again. Returns whether that changed the instance.
   */
  demote(key: string, writer: EntityGuid): boolean {
    const row = this.#rows.get(key)
    if (row === undefined || row.current.via !== writer || row.relinquished !== Relinquished.no) return false
    row.relinquished = Relinquished.demoted
    return true
  }

  /** Returns the writers that carry another value than the held one; under exclusive ownership only the strongest. */
  rivals(key: string): EntityGuid[] {
    const rivals = this.#rows.get(key)?.rivals ?? []
    const { precedence } = this.#options
    return precedence.isExclusive ? precedence.rank(rivals).slice(0, 1) : rivals
  }

  /**
   * Returns the writers that carry the held value: its owner, relays, or both. Empty if the instance is unknown or has
   * ended.
   */
  carriers(key: string): EntityGuid[] {
    const row = this.#rows.get(key)
    return row === undefined || row.state !== InstanceState.alive ? [] : [...row.carriers]
  }

  /** Returns the number under which the writer last delivered the instance; undefined if it does not carry it. */
  deliveredSeq(key: string, writer: EntityGuid): Seq | undefined {
    return this.#rows.get(key)?.deliveredSeq(writer)
  }

  /** Records that the writer unregisters the instance with this number. Its earlier changes may still arrive. */
  recordUnregistration(key: string, writer: EntityGuid, viaSeq: Seq): void {
    const row = this.#rows.get(key)
    if (row?.current.via === writer) row.viaSeq = Math.max(row.viaSeq, viaSeq)
  }

  /**
   * Forgets instances that were disposed before `disposedBeforeMs`, or have had no writer since `noWritersBeforeMs`.
   */
  purge(disposedBeforeMs: number, noWritersBeforeMs: number): void {
    this.#retired.purge(disposedBeforeMs, noWritersBeforeMs)
  }

  /** Calls `listener` for every end that the user does not see. Returns a function that removes the listener. */
  onUnseenEnd(listener: (end: UnseenEnd) => void): () => void {
    this.#endListeners.add(listener)
    return () => void this.#endListeners.delete(listener)
  }

  /**
   * Adds an instance by its first change. An end is remembered too, so that an earlier value that arrives late is
   * refused.
   */
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

  /** Whether a change of a forgotten instance is older than the last known one. */
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
   * Depth 1: whether the writer has since delivered a newer change of the instance, or unregistered it. A change that
   * arrives late would otherwise look newer than another owner's, or revive an instance that has ended.
   */
  #isOutdated({ via, viaSeq }: IncomingChange, row: InstanceRow): boolean {
    if (this.#options.hasHistory) return false
    return viaSeq < (row.deliveredSeq(via) ?? 0)
  }

  /** Makes room for one more instance in view. Instances that have ended are dropped first. */
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
