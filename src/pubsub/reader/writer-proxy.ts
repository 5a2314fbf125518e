import { InstanceState } from '../../cache/instance.js'
import { WriterProgress } from '../../cache/writer-progress.js'
import type { EntityGuid } from '../../core/ids.js'
import type { WriterInfo } from '../../wire/descriptor.js'
import { AckReport } from './ack-report.js'

/** A whole-cache catch-up that needs more than one reply. */
export interface Bootstrap {
  /** The writer's last seq when it began: instances ended since then have tombstones. */
  readonly base: number
  /** Everything that still holds up to here has been received. */
  cursor: number
  /** What the writer still has; anything else that it carried here is gone. */
  readonly seen: Set<string>
}

/** What a reader knows of one matched writer. */
export interface WriterProxy {
  readonly guid: EntityGuid
  readonly info: WriterInfo
  /** Its participant's. */
  readonly incarnation: number
  readonly progress: WriterProgress
  /** A first catch-up has been applied; until then "no gap" means nothing. */
  started: boolean
  bootstrap: Bootstrap | undefined
  /** What the writer has been told of `progress`. */
  readonly told: AckReport
  /** It carries values that were not kept because another owner's were newer; that owner has gone, so they are wanted. */
  stale: boolean
  /** The reader has no room for its next change: the token stays, and nobody is asked, until there is some. */
  blocked: boolean
  /** As its participant and its lease tell. */
  isAlive: boolean
  isReachable: boolean
  /** Manual liveliness: the last sign of life, on the monotonic clock. */
  assertedMs: number
}

export function newWriterProxy(guid: EntityGuid, info: WriterInfo, incarnation: number, nowMs: number): WriterProxy {
  return {
    guid,
    info,
    incarnation,
    progress: new WriterProgress(),
    started: false,
    bootstrap: undefined,
    told: new AckReport(),
    stale: false,
    blocked: false,
    isAlive: true,
    isReachable: true,
    assertedMs: nowMs,
  }
}

/** What becomes of its instances when the writer closes in good order. */
export function stateWhenClosed({ info }: WriterProxy): 'disposed' | 'no-writers' {
  return info.qos.autodispose ? InstanceState.disposed : InstanceState.noWriters
}
