import type { Arrival, HeldSample, Instance, InstanceState } from '../../cache/instance.js'
import { deepFreeze } from '../../core/deep-freeze.js'
import type { EntityGuid, Token } from '../../core/ids.js'
import { decodeRecord } from '../../wire/encoding/record.js'

/** DDS view state: whether this reader has handed out the instance before, since it last became alive. */
export const ViewState = { new: 'new', notNew: 'not-new' } as const
export type ViewState = (typeof ViewState)[keyof typeof ViewState]

/** DDS sample state: whether `read` has handed out this sample before. */
export const SampleState = { read: 'read', notRead: 'not-read' } as const
export type SampleState = (typeof SampleState)[keyof typeof SampleState]

/** What each sample tells besides its value: DDS calls it the sample info. */
export interface SampleInfo {
  readonly key: string
  readonly sampleState: SampleState
  readonly viewState: ViewState
  /** The owner and the number of its change; the same however many relays lie between. */
  readonly token: Token
  /** The writer that delivered it: the owner, or a relay. */
  readonly via: EntityGuid
  /** When it was written, on this process's monotonic clock: reception less the age that it traveled with. */
  readonly writtenMs: number
  /** When it was taken in, on this process's monotonic clock. */
  readonly receivedMs: number
  /** When it was written, by the owner's wall clock, Unix milliseconds: for display, and the order under `by-source`. */
  readonly writtenWallMs: number
  /** When it was taken in, by this process's wall clock, Unix milliseconds: for display only. */
  readonly receivedWallMs: number
  /** How often the instance had been disposed, and had become alive again, before this came. */
  readonly disposedGenerationCount: number
  /** How often it had been without writers, and had found some again, before this came. */
  readonly noWritersGenerationCount: number
}

/** A sample with a value: a written one, or the last one of an instance whose state has changed. */
export interface ValueSample<T> extends SampleInfo {
  /** Shared by the reader's consumers, and frozen. */
  readonly value: T
  /** False: no value was written; the instance's state has changed. */
  readonly validData: boolean
  /** The instance's state now. */
  readonly instanceState: InstanceState
}

/** A sample without a value: the instance was disposed, or the reader's filter refused its value. */
export interface EndSample extends SampleInfo {
  readonly value: undefined
  readonly validData: false
  /** The instance's state now. */
  readonly instanceState: InstanceState
}

/**
 * One change of one instance, as a reader hands it out. `value` tells the kinds apart: `sample.value !== undefined`
 * narrows to {@link ValueSample}, and so does `sample.validData`.
 */
export type Sample<T> = ValueSample<T> | EndSample

/** Whether the sample has a value. */
export function isValueSample<T>(sample: Sample<T>): sample is ValueSample<T> {
  return sample.value !== undefined
}

/**
 * Makes a sample of what is held. Decodes at most once per change, and only when the change is handed out.
 * @param aheadMs see {@link wallAheadMs}
 */
export function toSample<T extends object>(
  instance: Instance,
  held: HeldSample,
  viewState: ViewState,
  aheadMs: number,
): Sample<T> {
  return {
    key: instance.key,
    value: decodedValue<T>(held),
    validData: held.validData,
    sampleState: held.read ? SampleState.read : SampleState.notRead,
    viewState,
    instanceState: instance.shownState,
    token: { writer: held.owner, seq: held.seq },
    via: held.via,
    writtenMs: held.originTimeMs,
    receivedMs: held.arrival.nowMs,
    writtenWallMs: held.sourceTimeMs,
    receivedWallMs: held.arrival.nowMs + aheadMs,
    disposedGenerationCount: held.disposedGenerations,
    noWritersGenerationCount: held.noWritersGenerations,
    // A cleared sample is never valid data: see `clearSample`.
  } as Sample<T>
}

/** Returns by how much the wall clock is ahead of the monotonic one. */
export function wallAheadMs({ nowMs, wallMs }: Arrival): number {
  return wallMs - nowMs
}

/** All consumers of a reader get the same object, so none may change it. */
function decodedValue<T extends object>(held: HeldSample): T | undefined {
  if (!held.decoded) {
    held.value = deepFreeze(decodeRecord<T>(held.fields, held.bytes))
    held.decoded = true
  }
  return held.value as T | undefined
}
