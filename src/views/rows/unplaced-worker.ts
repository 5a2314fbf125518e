import type { UnservedWorker } from '../../plane/worker/unserved-worker.js'

/** Why no collector serves a worker, as far as a view can tell. */
export const UnplacedReason = {
  /** A collector serves its host, but not its NUMA node. */
  noCollectorForNode: 'no-collector-for-node',
  /** No collector of its host is known. */
  noCollectorForHost: 'no-collector-for-host',
  /** A host of its name is known under another boot id: one of the two processes may not see `/proc`. */
  otherHostIdentity: 'other-host-identity',
  /** Its node is served, by a collector that does not receive from it. */
  notReceived: 'not-received',
} as const
export type UnplacedReason = (typeof UnplacedReason)[keyof typeof UnplacedReason]

/** A worker that runs, and that no collector serves: it is in no list of workers. */
export interface UnplacedWorker {
  readonly workerId: string
  readonly incarnation: number
  readonly pid: number
  readonly bootId: string
  readonly host: string
  readonly numaNode: number
  readonly reason: UnplacedReason
  /** How long no collector has served it, as far as it knows. */
  readonly unservedForMs: number
}

/** A node that the view lists. */
export interface KnownNode {
  readonly bootId: string
  readonly host: string
  readonly numaNode: number
}

export function unplacedReasonOf(worker: UnservedWorker, nodes: readonly KnownNode[]): UnplacedReason {
  const ofHost = nodes.filter(({ bootId }) => bootId === worker.bootId)
  if (ofHost.some(({ numaNode }) => numaNode === worker.numaNode)) return UnplacedReason.notReceived
  if (ofHost.length > 0) return UnplacedReason.noCollectorForNode
  const isNamed = nodes.some(({ host }) => host === worker.host)
  return isNamed ? UnplacedReason.otherHostIdentity : UnplacedReason.noCollectorForHost
}
