import type { Timer } from '../../core/clock.js'
import type { EntityId, Guid } from '../../core/ids.js'
import type { Subscription } from '../../core/listeners.js'
import type { PeerReachability } from '../../discovery/peer-reachability.js'
import type { PeerDetector } from '../../liveliness/peer-detector.js'
import { type PeerPlace, PeerReach } from '../../liveliness/peer-reach.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { Descriptor, ProcessIdentity } from '../../wire/descriptor.js'
import type { Peer } from '../model/peer.js'
import type { Reader } from '../reader/reader.js'
import type { WriterProxy } from '../reader/writer-proxy.js'
import type { SourceAddressFilter } from './source-address-filter.js'

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

/** What this participant holds of another. Only `PeerDirectory`, `CatchUpClient` and `Introducer` change it. */
export interface RemotePeer {
  readonly guid: Guid
  readonly incarnation: number
  readonly monitor: PeerDetector
  readonly reachability: PeerReachability
  /** Where its datagrams come from. */
  readonly ways: SourceAddressFilter
  /** Where it answers requests, by the way that its multicast came; undefined until some did. */
  endpoint: string | undefined
  announcedVersion: number
  /** Participants that read what it writes, as it says: so many may miss what is missed here. */
  audience: number
  /** Version of this participant's own descriptor that it holds, as far as it has said. */
  holdsVersion: number
  descriptor: Descriptor | undefined
  /** A stream stands in for the multicast that does not come from it. */
  isBeyondMulticast: boolean
  readonly matches: Map<EntityId, Match[]>
  readonly subscriptions: Map<string, Subscription>
  /** Where those subscriptions were dialled. */
  dialled: string
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
    receivesFromUs: peer.reachability.receivesFromUs,
  }
}

/** Whether loopback and `ipc://` lead from one to the other. */
export function sharesNetwork(
  one: Pick<ProcessIdentity, 'bootId' | 'networkNamespace'>,
  other: Pick<ProcessIdentity, 'bootId' | 'networkNamespace'>,
): boolean {
  // Namespace inodes are alike on different hosts, so they only say something under one kernel.
  return one.bootId === other.bootId && one.networkNamespace === other.networkNamespace
}

/** How this participant reaches the peer. */
export function placeOf({ isBeyondMulticast }: RemotePeer, { identity }: Descriptor, own: ProcessIdentity): PeerPlace {
  const otherHost = isBeyondMulticast ? PeerReach.far : PeerReach.lan
  const reach = identity.bootId === own.bootId ? PeerReach.host : otherHost
  return { reach, sharesNetwork: sharesNetwork(identity, own) }
}

/**
 * Where the peer may be asked, best first: the way that its beacons came, which is known to work one way at least, and
 * then, unless it is here, the other addresses that its descriptor names. Empty when it listens nowhere that can be
 * reached from here.
 */
export function requestEndpointsOf(peer: RemotePeer, own: ProcessIdentity): readonly string[] {
  const { descriptor, endpoint } = peer
  const heard = endpoint === undefined ? [] : [endpoint]
  if (descriptor === undefined) return heard
  const isLocal = sharesNetwork(descriptor.identity, own)
  if (isLocal && endpoint !== undefined) return heard
  return [...heard, ...dialable(descriptor.requestEndpoints, isLocal)]
}

/** Every local reader of every writer of the peer. */
export function* eachMatch(peer: RemotePeer): IterableIterator<Match> {
  for (const matches of peer.matches.values()) yield* matches
}

export function isDescribed(peer: RemotePeer): boolean {
  return peer.descriptor !== undefined && peer.descriptor.version >= peer.announcedVersion
}
