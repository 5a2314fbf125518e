import type { EntityGuid, Seq } from '../core/ids.js'
import type { LinkedSet } from '../core/linked-set.js'
import {
  type Arrival,
  type CurrentOwner,
  type HeldSample,
  type IncomingChange,
  type Instance,
  InstanceState,
  noArrival,
  noBytes,
} from './instance.js'
import type { Tombstone } from './tombstones.js'

/** Why an instance is open to the next best writer although its value is still held. */
export const Relinquished = {
  no: 'no',
  /** The last writer of the value has gone. */
  gone: 'gone',
  /** The writer is present but misses its deadline or lease. */
  demoted: 'demoted',
} as const
export type Relinquished = (typeof Relinquished)[keyof typeof Relinquished]

/** Number of owners per instance whose numbers are remembered. A value of an older owner may be delivered again. */
const maxOwners = 64

interface Carrier {
  /** The number under which it last delivered the instance. */
  readonly seq: Seq
  /** Whether it carries another owner's value, which is not held here. */
  readonly isRival: boolean
}

/**
 * What `InstanceTable` knows about one instance. The row is its own sample, and each change rewrites it: a conflated
 * update touches one object. If samples must outlive the next change, `current` is a separate object.
 */
export class InstanceRow implements Instance, HeldSample, CurrentOwner {
  readonly key: string
  current: HeldSample = this
  shown: HeldSample = this
  owner: EntityGuid
  seq: Seq = 0
  via: EntityGuid
  originTimeMs = 0
  sourceTimeMs = 0
  arrival: Arrival = noArrival
  bytes: Buffer = noBytes
  byteLength = 0
  fields: readonly string[]
  value: unknown = undefined
  decoded = true
  validData = false
  read = false
  disposedGenerations = 0
  noWritersGenerations = 0
  viaSeq: Seq = 0
  state: InstanceState = InstanceState.alive
  shownState: InstanceState = InstanceState.alive
  /** Writers other than `current.via` that also carry this instance; most instances have none. */
  others: Map<EntityGuid, Carrier> | undefined = undefined
  relinquished: Relinquished = Relinquished.no
  /** The filter refused the current value. */
  outOfView = false
  /** Held by `RetiredInstances`. */
  isEnded = false
  wasShown = false
  isWaiting = false
  viewed = false
  disposedCount = 0
  noWritersCount = 0
  endedMs = 0
  history: LinkedSet<HeldSample> | undefined = undefined
  valueCount = 0
  /** With a history: the highest number that was applied, of each of the latest owners. */
  appliedSeqs: Map<EntityGuid, Seq> | undefined = undefined

  constructor({ key, token, via, fields }: IncomingChange) {
    this.key = key
    this.owner = token.writer
    this.via = via
    this.fields = fields
  }

  /** The writers that carry the current value. */
  get carriers(): EntityGuid[] {
    const carriers = this.relinquished === Relinquished.gone ? [] : [this.current.via]
    for (const [writer, { isRival }] of this.others ?? []) if (!isRival) carriers.push(writer)
    return carriers
  }

  /** Whether another writer carries the current value too. */
  get hasSuccessor(): boolean {
    for (const { isRival } of this.others?.values() ?? []) if (!isRival) return true
    return false
  }

  get hasRival(): boolean {
    for (const { isRival } of this.others?.values() ?? []) if (isRival) return true
    return false
  }

  /** The writers that carry another owner's value. */
  get rivals(): EntityGuid[] {
    return [...(this.others ?? [])].flatMap(([writer, { isRival }]) => (isRival ? [writer] : []))
  }

  /** Returns the number under which the writer last delivered the instance; undefined if it does not carry it. */
  deliveredSeq(writer: EntityGuid): Seq | undefined {
    return this.current.via === writer ? this.viaSeq : this.others?.get(writer)?.seq
  }

  /** Records whether the change's writer carries the instance from now on. It does so even if the change is refused. */
  recordCarrier({ via, viaSeq, disposed, token }: IncomingChange, isExclusive: boolean): void {
    const isDisposed = this.state === InstanceState.disposed
    if (this.state === InstanceState.noWriters || (isDisposed && !isExclusive)) return
    const isRival = token.writer !== this.current.owner
    if (this.current.via === via) {
      this.viaSeq = Math.max(this.viaSeq, viaSeq)
      if (this.relinquished === Relinquished.gone && !disposed) this.relinquished = Relinquished.no
    } else if (disposed) this.others?.delete(via)
    else if (!isDisposed || isRival) {
      this.others ??= new Map()
      this.others.set(via, { seq: viaSeq, isRival })
    }
  }

  /** Makes the writer of the change the first carrier. The others still carry their values. */
  takeOver({ via, viaSeq, token }: IncomingChange): void {
    const { current } = this
    const isOthers = current.owner !== token.writer
    if (isOthers) for (const [writer, { seq }] of this.others ?? []) this.others?.set(writer, { seq, isRival: true })
    if (current.via !== via) {
      if (this.state === InstanceState.alive && this.relinquished !== Relinquished.gone) {
        this.others ??= new Map()
        this.others.set(current.via, { seq: this.viaSeq, isRival: isOthers })
      }
      this.others?.delete(via)
    }
    this.viaSeq = viaSeq
    this.relinquished = Relinquished.no
  }

  /** Replaces a writer that has gone by another carrier of the value. Returns false if there is none. */
  replaceCarrier(): boolean {
    for (const [successor, { seq, isRival }] of this.others ?? []) {
      if (isRival) continue
      this.current.via = successor
      this.viaSeq = seq
      this.others?.delete(successor)
      return true
    }
    return false
  }

  /** Counts that the instance is alive again, by the state before. */
  countRevival(before: InstanceState): void {
    this.viewed = false
    if (!this.wasShown) return
    if (before === InstanceState.disposed) this.disposedCount++
    else this.noWritersCount++
  }

  /** With a history: records that the changes of the owner have been applied up to `seq`. */
  recordApplied(owner: EntityGuid, seq: Seq): void {
    this.appliedSeqs ??= new Map()
    const highest = Math.max(seq, this.appliedSeqs.get(owner) ?? 0)
    // Behind all others: what is given up first is the owner that wrote longest ago.
    this.appliedSeqs.delete(owner)
    this.appliedSeqs.set(owner, highest)
    if (this.appliedSeqs.size <= maxOwners) return
    const [oldest] = this.appliedSeqs.keys()
    if (oldest !== undefined) this.appliedSeqs.delete(oldest)
  }

  /** Returns what is remembered of the instance once it is forgotten. */
  toTombstone(): Tombstone {
    const { owner, seq, originTimeMs, sourceTimeMs } = this.current
    return { owner, seq, disposed: this.state === InstanceState.disposed, originTimeMs, sourceTimeMs }
  }

  /** Whether a change with the seq that is held still changes the instance: its writer is back, or it has ended. */
  isNews(change: IncomingChange): boolean {
    return this.state === InstanceState.noWriters || (change.disposed && this.state === InstanceState.alive)
  }
}
