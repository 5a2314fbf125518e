import { InstanceState } from '../../cache/instance.js'
import { WriterProgress } from '../../cache/writer-progress.js'
import type { EntityGuid } from '../../core/ids.js'
import type { WriterInfo } from '../../wire/descriptor.js'
import type { CatchUpAction } from '../../wire/pull.js'
import { AckReport } from './ack-report.js'

/** A catch-up of the whole cache that needs more than one reply. */
export interface Bootstrap {
  /** The writer's last seq when it began: instances ended since then have tombstones. */
  readonly base: number
  /** Every change that still holds up to this number has been received. */
  cursor: number
  /** Instances that the writer still has; the others that it carried here are gone. */
  readonly seen: Set<string>
}

/** Holds what a reader knows of one matched writer. */
export interface WriterProxy {
  readonly guid: EntityGuid
  readonly info: WriterInfo
  /** Its participant's. */
  readonly incarnation: number
  readonly progress: WriterProgress
  /** A first catch-up has been applied; until then "no gap" means nothing. */
  started: boolean
  bootstrap: Bootstrap | undefined
  /** What has been reported to the writer of `progress`. */
  readonly ackReport: AckReport
  /** It carries values that lost against another owner's. That owner has gone, so they are wanted. */
  stale: boolean
  /** The reader has no room for its next change: the token stays, and nothing is requested, until there is room. */
  blocked: boolean
  /** Its participant is reachable and its lease has not run out. */
  isAlive: boolean
  isReachable: boolean
  /**
   * When the copy was last known to have every change of the writer, on the monotonic clock: when a frame that showed it
   * was received, or when the request was sent whose reply showed it.
   */
  completeMs: number
  /** Changes of the writer are known to be missing. */
  isBehind: boolean
  /** How the last catch-up brought the copy on; undefined before the first. */
  lastAction: CatchUpAction | undefined
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
    ackReport: new AckReport(),
    stale: false,
    blocked: false,
    isAlive: true,
    isReachable: true,
    completeMs: Number.NEGATIVE_INFINITY,
    isBehind: false,
    lastAction: undefined,
    assertedMs: nowMs,
  }
}

/** Whether the copy has every change of the writer that is known to have been made. */
export function isComplete({ started, stale, progress }: WriterProxy): boolean {
  return started && !stale && !progress.hasGap
}

/** Returns the state of its instances after the writer has closed in order. */
export function stateWhenClosed({ info }: WriterProxy): 'disposed' | 'no-writers' {
  return info.qos.autodispose ? InstanceState.disposed : InstanceState.noWriters
}
