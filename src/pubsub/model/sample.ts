import type { Arrival, HeldSample, Instance, InstanceState } from '../../cache/instance.js'
import type { EntityGuid, Token } from '../../core/ids.js'
import { decodeRecord } from '../../wire/record.js'

/** DDS view state: whether this reader has handed out the instance before, since it last became alive. */
export const ViewState = { new: 'new', notNew: 'not-new' } as const
export type ViewState = (typeof ViewState)[keyof typeof ViewState]

/** DDS sample state: whether `read` has handed out this sample before. */
export const SampleState = { read: 'read', notRead: 'not-read' } as const
export type SampleState = (typeof SampleState)[keyof typeof SampleState]

/** One change of one instance, as a reader hands it out, with what DDS calls its sample info. */
export interface Sample<T> {
  readonly key: string
  /** Undefined when disposed, or refused by the reader's filter. Without writers, the last value. */
  readonly value: T | undefined
  /** False: nothing was written, the instance's state has changed. */
  readonly validData: boolean
  readonly sampleState: SampleState
  readonly viewState: ViewState
  /** The instance's, now. */
  readonly instanceState: InstanceState
  /** The owner and the number of its change; the same however many relays lie between. */
  readonly token: Token
  /** The writer that delivered it: the owner, or a relay. */
  readonly via: EntityGuid
  /** The owner's wall clock when it was written, Unix milliseconds: for display, and the order under `by-source`. */
  readonly sourceTimeMs: number
  /** When it was written, on this process's monotonic clock: reception less the age that it traveled with. */
  readonly originTimeMs: number
  /** This process's wall clock when it was taken in, Unix milliseconds: for display only. */
  readonly receptionTimeMs: number
  /** The same on this process's monotonic clock. */
  readonly receivedMs: number
  /** How often the instance had been disposed, and born again, before this came. */
  readonly disposedGenerationCount: number
  /** How often it had been without writers, and found some again, before this came. */
  readonly noWritersGenerationCount: number
}

/**
 * Decodes at most once per change, and only when somebody looks.
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
    sourceTimeMs: held.sourceTimeMs,
    originTimeMs: held.originTimeMs,
    receptionTimeMs: held.arrival.nowMs + aheadMs,
    receivedMs: held.arrival.nowMs,
    disposedGenerationCount: held.disposedGenerations,
    noWritersGenerationCount: held.noWritersGenerations,
  }
}

/** By how much the wall clock is ahead of the monotonic one. */
export function wallAheadMs({ nowMs, wallMs }: Arrival): number {
  return wallMs - nowMs
}

/** The value, for those who have to judge it. */
export function decodedValue<T extends object>(held: HeldSample): T | undefined {
  if (!held.decoded) {
    held.value = decodeRecord<T>(held.fields, held.bytes)
    held.decoded = true
  }
  return held.value as T | undefined
}
