import type { Instance, InstanceState } from '../cache/instance-table.js'
import type { EntityGuid, Token } from '../core/ids.js'
import { decodeRecord } from '../wire/record.js'

/** DDS view state: whether this reader has handed out the instance before, since it last became alive. */
export const ViewState = { new: 'new', notNew: 'not-new' } as const
export type ViewState = (typeof ViewState)[keyof typeof ViewState]

/** One change of one instance, as a reader hands it out. */
export interface Sample<T> {
  readonly key: string
  /** Undefined when disposed. Without writers, the last value. */
  readonly value: T | undefined
  readonly instanceState: InstanceState
  readonly viewState: ViewState
  /** The owner and the number of its change; the same however many relays lie between. */
  readonly token: Token
  /** The writer that delivered it: the owner, or a relay. */
  readonly via: EntityGuid
  /** The owner's wall clock, Unix milliseconds: for display only. */
  readonly sourceTimeMs: number
  /** When it was written, on this process's monotonic clock: reception less the age that it travelled with. */
  readonly originTimeMs: number
}

/** Decodes at most once per change, and only when somebody looks. */
export function toSample<T extends object>(instance: Instance, viewState: ViewState): Sample<T> {
  return {
    key: instance.key,
    value: decodedValue<T>(instance),
    instanceState: instance.state,
    viewState,
    token: { writer: instance.owner, seq: instance.seq },
    via: instance.via,
    sourceTimeMs: instance.sourceTimeMs,
    originTimeMs: instance.originTimeMs,
  }
}

function decodedValue<T extends object>(instance: Instance): T | undefined {
  if (!instance.decoded) {
    instance.value = decodeRecord<T>(instance.fields, instance.bytes)
    instance.decoded = true
  }
  return instance.value as T | undefined
}
