import { InstanceState } from '../cache/instance-table.js'
import { WriterProgress } from '../cache/writer-progress.js'
import type { EntityGuid } from '../core/ids.js'
import type { WriterInfo } from '../wire/descriptor.js'
import { ToldProgress } from './told-progress.js'

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
  readonly progress: WriterProgress
  /** A first catch-up has been applied; until then "no gap" means nothing. */
  started: boolean
  bootstrap: Bootstrap | undefined
  /** What the writer has been told of `progress`. */
  readonly told: ToldProgress
  /** It carries values that were not kept because another owner's were newer; that owner has gone, so they are wanted. */
  stale: boolean
}

export function newWriterProxy(guid: EntityGuid, info: WriterInfo): WriterProxy {
  const progress = new WriterProgress()
  return { guid, info, progress, started: false, bootstrap: undefined, told: new ToldProgress(), stale: false }
}

/** What becomes of its instances when the writer closes in good order. */
export function stateWhenClosed({ info }: WriterProxy): 'disposed' | 'no-writers' {
  return info.qos.autodispose ? InstanceState.disposed : InstanceState.noWriters
}
