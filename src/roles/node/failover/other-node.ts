import type { Guid } from '../../../core/ids.js'
import type { NodeService } from '../node-service.js'

/** A process that has published a node's capacity. */
export interface Server {
  readonly guid: Guid
  readonly incarnation: number
  readonly reportedMs: number
}

/** What a failover candidate knows of one node of its host that is not its own. */
export interface OtherNode {
  /** The node's own collector: the latest that published so. */
  owner: Server | undefined
  /** Other processes that have served the node in the owner's place. */
  readonly standIns: Map<Guid, Server>
  ownerGoneMs: number | undefined
  relievedMs: number | undefined
  /** Set while this process serves the node. */
  service: NodeService | undefined
  /** Since when this process has served a node that has neither a collector nor workers. */
  idleSinceMs: number | undefined
  /** A worker of the node reports that no collector serves it. */
  isWanted: boolean
  /** When this process last failed to serve it. */
  failedMs: number | undefined
}

export function otherNode(): OtherNode {
  return {
    owner: undefined,
    standIns: new Map(),
    ownerGoneMs: undefined,
    relievedMs: undefined,
    service: undefined,
    idleSinceMs: undefined,
    isWanted: false,
    failedMs: undefined,
  }
}
