import type { EntityGuid, Seq, Token } from '../core/ids.js'
import type { LinkedSet } from '../core/linked-set.js'
import type { Clock } from '../core/time/clock.js'

/** DDS instance states. */
export const InstanceState = {
  alive: 'alive',
  /** Its owner disposed it. */
  disposed: 'disposed',
  /** No writer or relay carries it, or its values no longer pass the reader's filter. */
  noWriters: 'no-writers',
} as const
export type InstanceState = (typeof InstanceState)[keyof typeof InstanceState]

/** When changes were received. Read from the clock once per frame, and shared by all changes of the frame. */
export interface Arrival {
  /** On the monotonic clock. */
  readonly nowMs: number
  /** Unix milliseconds, for display. */
  readonly wallMs: number
}

/** Returns the arrival of a frame that arrives now. */
export function arrivalNow(clock: Clock): Arrival {
  return { nowMs: clock.nowMs(), wallMs: clock.wallMs() }
}

/** A change on its way into a reader's copy. */
export interface IncomingChange {
  readonly key: string
  readonly disposed: boolean
  /** The reader's filter refuses the value: the instance moves on, out of the reader's view. */
  readonly outOfView: boolean
  /** Owner and number of the change, even if a relay delivered it. */
  readonly token: Token
  /** The writer that delivered it, and that writer's number for it: `token.seq` unless the writer is a relay. */
  readonly via: EntityGuid
  readonly viaSeq: Seq
  /** When it was written, on this process's monotonic clock. */
  readonly originTimeMs: number
  /** The same by its owner's wall clock. */
  readonly sourceTimeMs: number
  /** `bytes[start … end)` is the value; copied when it is applied. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** The names by which `bytes` decode: the delivering writer's field structure. */
  readonly fields: readonly string[]
  /** The decoded value, if the reader had to decode it to judge it. */
  readonly value: unknown
}

/** One change as a reader holds it. Its value stays encoded until it is read. */
export interface HeldSample {
  owner: EntityGuid
  seq: Seq
  via: EntityGuid
  originTimeMs: number
  sourceTimeMs: number
  /** When it was applied here. */
  arrival: Arrival
  bytes: Buffer
  byteLength: number
  fields: readonly string[]
  /** The decoded value once it was read; see `decoded`. */
  value: unknown
  decoded: boolean
  /** False: only the instance's state has changed. */
  validData: boolean
  /** DDS sample state. */
  read: boolean
  /**
   * How often the instance had come back after a disposal, and after its writers had gone, when this change arrived.
   */
  disposedGenerations: number
  noWritersGenerations: number
}

/** What another owner's change is compared with. */
export interface CurrentOwner {
  readonly current: Pick<HeldSample, 'owner' | 'originTimeMs' | 'sourceTimeMs'>
  /** The writers that carry it: its owner or relays. */
  readonly carriers: Iterable<EntityGuid>
}

/**
 * A reader's copy of one instance, twice: as its writers have it (`state`, `current`), by which changes are judged,
 * and as the user sees it (`shownState`, `shown`). They differ only while a time-based filter holds a value back, or
 * when the content filter refuses the current one.
 */
export interface Instance {
  readonly key: string
  readonly state: InstanceState
  readonly current: HeldSample
  readonly shownState: InstanceState
  readonly shown: HeldSample
  /** Whether the application has received this instance since it was last new: DDS view state. */
  viewed: boolean
  /** Whether it was ever in the user's view. An instance that was never shown needs no end. */
  readonly wasShown: boolean
  /** How often it has come back after a disposal, and after its writers had gone. */
  readonly disposedCount: number
  readonly noWritersCount: number
  /** Depth 1: `shown` has not been taken. */
  isWaiting: boolean
  /** Other depths: the samples that have not been taken, oldest first. */
  history: LinkedSet<HeldSample> | undefined
  /** Number of these that hold a value. */
  valueCount: number
}

export const noBytes: Buffer = Buffer.alloc(0)
export const noArrival: Arrival = Object.freeze({ nowMs: 0, wallMs: 0 })

export function emptySample(owner: EntityGuid): HeldSample {
  return {
    owner,
    seq: 0,
    via: owner,
    originTimeMs: 0,
    sourceTimeMs: 0,
    arrival: noArrival,
    bytes: noBytes,
    byteLength: 0,
    fields: [],
    value: undefined,
    decoded: true,
    validData: false,
    read: false,
    disposedGenerations: 0,
    noWritersGenerations: 0,
  }
}

/** Overwrites `sample` with the change. Reuses its buffer if that is large enough. */
export function fillSample(sample: HeldSample, change: IncomingChange, arrival: Arrival): void {
  sample.owner = change.token.writer
  sample.seq = change.token.seq
  sample.via = change.via
  sample.originTimeMs = change.originTimeMs
  sample.sourceTimeMs = change.sourceTimeMs
  sample.arrival = arrival
  sample.read = false
  if (change.disposed || change.outOfView) {
    clearSample(sample)
    return
  }
  const length = change.end - change.start
  // Re-using the sample's own buffer makes a conflated update cost a copy, not an allocation.
  if (sample.bytes.length < length) sample.bytes = Buffer.allocUnsafe(length)
  change.bytes.copy(sample.bytes, 0, change.start, change.end)
  sample.byteLength = length
  sample.fields = change.fields
  sample.value = change.value
  sample.decoded = change.value !== undefined
  sample.validData = true
}

/** Returns a copy that shares the buffer. Only for samples that are never rewritten in place. */
export function copySample(sample: HeldSample): HeldSample {
  const { owner, seq, via, originTimeMs, sourceTimeMs, arrival, bytes, byteLength, fields, value } = sample
  const { decoded, validData, read, disposedGenerations, noWritersGenerations } = sample
  return {
    ...{ owner, seq, via, originTimeMs, sourceTimeMs, arrival, bytes, byteLength, fields, value },
    ...{ decoded, validData, read, disposedGenerations, noWritersGenerations },
  }
}

/** Drops the value and keeps its writer and time. */
export function clearSample(sample: HeldSample): void {
  sample.bytes = noBytes
  sample.byteLength = 0
  sample.value = undefined
  sample.decoded = true
  sample.validData = false
}
