import type { Timer } from '../core/clock.js'
import type { EntityId, Guid } from '../core/ids.js'
import type { Subscription } from '../core/listeners.js'
import type { PeerMonitor } from '../liveliness/peer-monitor.js'
import { dialable } from '../transport/endpoint.js'
import type { FrameSource } from '../transport/transport.js'
import type { Descriptor, ProcessIdentity } from '../wire/descriptor.js'
import type { Peer } from './peer.js'
import type { WriterProxy } from './proxy.js'
import type { Reader } from './reader.js'

/** One local reader of one remote writer. */
export interface Match {
  readonly reader: Reader<object>
  readonly proxy: WriterProxy
}

/** A request to a peer: at most one waits or is under way. */
export interface PullState {
  timer: Timer | undefined
  inFlight: boolean
  /** Whether it is there is to be asked, although there may be nothing to learn. */
  isQuestion: boolean
  /** Since the last success. */
  failures: number
  /** The peer has been forgotten: what a request under way still brings is too late. */
  ended: boolean
}

/** What this participant holds of another. Only `PeerDirectory` and `CatchUpClient` change it. */
export interface RemotePeer {
  readonly guid: Guid
  readonly incarnation: number
  readonly monitor: PeerMonitor
  /** The one socket that it sends datagrams from, as the kernel tells it. */
  source: FrameSource
  /** Where it answers requests. */
  endpoint: string
  announcedVersion: number
  descriptor: Descriptor | undefined
  readonly matches: Map<EntityId, Match[]>
  readonly subscriptions: Map<string, Subscription>
  readonly pull: PullState
}

/** Undefined until its descriptor is here. */
export function toPeer(peer: RemotePeer): Peer | undefined {
  const { descriptor, monitor } = peer
  if (descriptor === undefined) return undefined
  return {
    guid: peer.guid,
    incarnation: peer.incarnation,
    name: descriptor.name,
    identity: descriptor.identity,
    properties: descriptor.properties,
    verdict: monitor.verdict,
    lastHeardMs: monitor.lastHeardMs,
    loopDelayMs: monitor.loop.delayMs,
    progress: monitor.loop.completed,
    progressedMs: monitor.loop.completedMs ?? null,
  }
}

/** Whether loopback and `ipc://` lead from one to the other. */
export function sharesNetwork(one: ProcessIdentity, other: ProcessIdentity): boolean {
  // Namespace inodes are alike on different hosts, so they only say something under one kernel.
  return one.bootId === other.bootId && one.networkNamespace === other.networkNamespace
}

/**
 * Where the peer may be asked, best first: the way that its beacons came, which is known to work one way at least, and
 * then, unless it is here, the other addresses that its descriptor names.
 */
export function requestEndpointsOf(peer: RemotePeer, own: ProcessIdentity): readonly string[] {
  const { descriptor, endpoint } = peer
  if (descriptor === undefined || sharesNetwork(descriptor.identity, own)) return [endpoint]
  return [endpoint, ...dialable(descriptor.requestEndpoints, false)]
}

export function isDescribed(peer: RemotePeer): boolean {
  return peer.descriptor !== undefined && peer.descriptor.version >= peer.announcedVersion
}
