import type { EntityGuid, Seq, Token } from '../core/ids.js'

/** DDS instance states. */
export const InstanceState = {
  alive: 'alive',
  /** Its owner disposed it. */
  disposed: 'disposed',
  /** Nobody who wrote or relayed it is left; the last value stays readable. */
  noWriters: 'no-writers',
} as const
export type InstanceState = (typeof InstanceState)[keyof typeof InstanceState]

/** A change on its way into a reader's copy. */
export interface IncomingChange {
  readonly key: string
  readonly disposed: boolean
  /** Owner and number of the change, also when a relay delivered it. */
  readonly token: Token
  /** The writer that delivered it, and the number under which it did: `token.seq` unless it is a relay. */
  readonly via: EntityGuid
  readonly viaSeq: Seq
  /** When it was written, on this process's monotonic clock. */
  readonly originTimeMs: number
  readonly sourceTimeMs: number
  /** `bytes[start … end)` is the value; copied when it is applied. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** The names by which `bytes` decode: the delivering writer's field structure. */
  readonly fields: readonly string[]
  /** The decoded value, where the reader had to decode it to judge it. */
  readonly value: unknown
}

/** A reader's copy of one instance. Only {@link InstanceTable} changes it. */
export interface Instance {
  readonly key: string
  readonly state: InstanceState
  readonly owner: EntityGuid
  readonly seq: Seq
  readonly via: EntityGuid
  readonly originTimeMs: number
  readonly sourceTimeMs: number
  readonly bytes: Buffer
  readonly byteLength: number
  readonly fields: readonly string[]
  /** The decoded value once somebody asked for it; see `decoded`. */
  value: unknown
  decoded: boolean
  /** Somebody has been handed this instance since it was last new: DDS view state. */
  viewed: boolean
  readonly changedMs: number
}

interface Carrier {
  /** The number under which it last delivered the instance. */
  readonly seq: Seq
  /** It carries another owner's value, which is not held here. */
  readonly isRival: boolean
}

interface Row extends Instance {
  state: InstanceState
  owner: EntityGuid
  seq: Seq
  via: EntityGuid
  viaSeq: Seq
  originTimeMs: number
  sourceTimeMs: number
  bytes: Buffer
  byteLength: number
  fields: readonly string[]
  changedMs: number
  /** Writers other than `via` that also carry this instance; most instances have none. */
  others: Map<EntityGuid, Carrier> | undefined
}

/** What became of a change: only `applied` changed anything that a user sees. */
export const Outcome = {
  applied: 'applied',
  /** This very change of this owner, or a newer one, is held already. */
  duplicate: 'duplicate',
  /** Another owner's newer change is held. */
  older: 'older',
  /** The end of an instance that was never held: remembered, and no news to anybody. */
  unheard: 'unheard',
  /** The table is full. */
  refused: 'refused',
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

const noBytes = Buffer.alloc(0)

/**
 * A reader's copy of a topic: derived state, discardable, each instance knowing whose it is and how new.
 *
 * Within one owner the higher seq wins, whatever path it came by; a disposal under the seq of the value that is held
 * ends it (a relay's lifespan and a bootstrap end an instance without a number of their own). Between owners the later
 * written wins, and of two written in the same millisecond the higher writer GUID. "Later" is measured on this
 * process's clock, so of two owners that write one key within the network's jitter readers may differ until the next
 * write.
 */
export class InstanceTable {
  readonly #rows = new Map<string, Row>()
  readonly #maxInstances: number

  constructor(maxInstances: number) {
    this.#maxInstances = maxInstances
  }

  get size(): number {
    return this.#rows.size
  }
  get(key: string): Instance | undefined {
    return this.#rows.get(key)
  }
  values(): IterableIterator<Instance> {
    return this.#rows.values()
  }

  apply(change: IncomingChange, nowMs: number): Outcome {
    const { writer: owner, seq } = change.token
    const row = this.#rows.get(change.key)
    if (row === undefined) {
      if (this.#rows.size >= this.#maxInstances) return Outcome.refused
      this.#rows.set(change.key, this.#newRow(change, nowMs))
      return change.disposed ? Outcome.unheard : Outcome.applied
    }
    // A relay that held this value and now sends another has given this one up.
    const givesUp = row.via === change.via && change.viaSeq > row.viaSeq && !hasHeir(row)
    this.#carry(row, change)
    if (row.owner === owner) {
      if (seq < row.seq || (seq === row.seq && !isNews(change, row))) return Outcome.duplicate
    } else if (row.state !== InstanceState.noWriters && !givesUp && !isLater(change, row)) {
      return Outcome.older
    }
    this.#replace(row, change, nowMs)
    return Outcome.applied
  }

  /**
   * The writer no longer carries the instance. True when that changed the instance's state: nobody is left who has
   * this value, or the last one who had it is back and says that it has ended. Those in {@link rivals} have another.
   */
  abandon(key: string, writer: EntityGuid, state: 'disposed' | 'no-writers', nowMs: number): boolean {
    const row = this.#rows.get(key)
    if (row === undefined || row.state === InstanceState.disposed) return false
    if (row.via === writer && row.state !== state) {
      for (const [heir, { seq, isRival }] of row.others ?? []) {
        if (isRival) continue
        row.via = heir
        row.viaSeq = seq
        row.others?.delete(heir)
        return false
      }
      row.changedMs = nowMs
      if (state === InstanceState.disposed) endRow(row)
      else row.state = state
      return true
    }
    row.others?.delete(writer)
    return false
  }

  /** Who carries the instance with a value that lost against the one held. */
  rivals(key: string): EntityGuid[] {
    return [...(this.#rows.get(key)?.others ?? [])].flatMap(([writer, { isRival }]) => (isRival ? [writer] : []))
  }

  /** Those who carry its owner's value: the owner, relays, or both. Empty when it is unknown or has ended. */
  carriers(key: string): EntityGuid[] {
    const row = this.#rows.get(key)
    if (row === undefined || row.state !== InstanceState.alive) return []
    return [row.via, ...[...(row.others ?? [])].flatMap(([writer, { isRival }]) => (isRival ? [] : [writer]))]
  }

  /** The number under which the writer last delivered the instance; undefined when it does not carry it. */
  carriedBy(key: string, writer: EntityGuid): Seq | undefined {
    const row = this.#rows.get(key)
    return row?.via === writer ? row.viaSeq : row?.others?.get(writer)?.seq
  }

  /** Forgets instances whose time is up: disposed before `disposedBeforeMs`, without writers before the other. */
  purge(disposedBeforeMs: number, noWritersBeforeMs: number): void {
    for (const row of this.#rows.values()) {
      if (row.state === InstanceState.alive) continue
      const limitMs = row.state === InstanceState.disposed ? disposedBeforeMs : noWritersBeforeMs
      if (row.changedMs < limitMs) this.#rows.delete(row.key)
    }
  }

  #newRow(change: IncomingChange, nowMs: number): Row {
    const row: Row = {
      key: change.key,
      state: InstanceState.alive,
      owner: change.token.writer,
      seq: 0,
      via: change.via,
      viaSeq: 0,
      originTimeMs: 0,
      sourceTimeMs: 0,
      bytes: noBytes,
      byteLength: 0,
      fields: change.fields,
      value: undefined,
      decoded: false,
      viewed: false,
      changedMs: nowMs,
      others: undefined,
    }
    this.#replace(row, change, nowMs)
    return row
  }

  #replace(row: Row, change: IncomingChange, nowMs: number): void {
    if (row.state !== InstanceState.alive) row.viewed = false
    const isOthers = row.owner !== change.token.writer
    if (isOthers) for (const [writer, { seq }] of row.others ?? []) row.others?.set(writer, { seq, isRival: true })
    row.owner = change.token.writer
    row.seq = change.token.seq
    row.originTimeMs = change.originTimeMs
    row.sourceTimeMs = change.sourceTimeMs
    row.changedMs = nowMs
    if (row.via !== change.via) {
      // Whoever brought the newest change comes first; the others still carry the instance.
      if (row.state === InstanceState.alive) {
        row.others ??= new Map()
        row.others.set(row.via, { seq: row.viaSeq, isRival: isOthers })
      }
      row.others?.delete(change.via)
      row.via = change.via
    }
    row.viaSeq = change.viaSeq
    if (change.disposed) {
      endRow(row)
      return
    }
    row.state = InstanceState.alive
    const length = change.end - change.start
    // Re-using the row's own buffer makes a conflated update cost a copy, not an allocation.
    if (row.bytes.length < length) row.bytes = Buffer.allocUnsafe(length)
    change.bytes.copy(row.bytes, 0, change.start, change.end)
    row.byteLength = length
    row.fields = change.fields
    row.value = change.value
    row.decoded = change.value !== undefined
  }

  /** Whatever becomes of the change: its writer now carries the instance, or no longer does. */
  #carry(row: Row, { via, viaSeq, disposed, token }: IncomingChange): void {
    if (row.state !== InstanceState.alive) return
    if (row.via === via) row.viaSeq = Math.max(row.viaSeq, viaSeq)
    else if (disposed) row.others?.delete(via)
    else {
      row.others ??= new Map()
      row.others.set(via, { seq: viaSeq, isRival: token.writer !== row.owner })
    }
  }
}

function hasHeir(row: Row): boolean {
  for (const { isRival } of row.others?.values() ?? []) if (!isRival) return true
  return false
}

function endRow(row: Row): void {
  row.state = InstanceState.disposed
  row.others = undefined
  row.bytes = noBytes
  row.byteLength = 0
  row.value = undefined
  row.decoded = true
}

/** Whether a change under the very seq that is held still says something: its writer is back, or it has ended. */
function isNews(change: IncomingChange, row: Instance): boolean {
  return row.state === InstanceState.noWriters || (change.disposed && row.state === InstanceState.alive)
}

function isLater(change: IncomingChange, row: Instance): boolean {
  // Ages are whole milliseconds: closer than that, the order is the writers' names'.
  const byMs = Math.round(change.originTimeMs - row.originTimeMs)
  return byMs > 0 || (byMs === 0 && change.token.writer > row.owner)
}
