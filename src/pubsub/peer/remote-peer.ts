import type { EntityId, Guid } from '../../core/ids.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Timer } from '../../core/time/clock.js'
import type { PeerReachability } from '../../discovery/peer-reachability.js'
import type { PeerDetector } from '../../liveliness/peer-detector.js'
import { type PeerPlace, PeerReach } from '../../liveliness/peer-reach.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { Descriptor, ProcessIdentity } from '../../wire/descriptor.js'
import type { Peer } from '../model/peer.js'
import type { ReaderFeed } from '../reader/reader-feed.js'
import type { WriterProxy } from '../reader/writer-proxy.js'
import type { SourceAddressFilter } from './source-address-filter.js'

/** One local reader of one remote writer. */
export interface Match {
  readonly reader: ReaderFeed
  readonly proxy: WriterProxy
}

/** The pull request to a peer: at most one waits or is under way. */
export interface PullState {
  timer: Timer | undefined
  inFlight: boolean
  /** The peer is to be asked whether it is there, although there may be nothing to learn. */
  isQuestion: boolean
  /** Since the last success. */
  failures: number
  /** The peer has been forgotten: what a request under way still brings is too late. */
  ended: boolean
}

/** Holds what this participant knows of another one. Changed only in `peer/`, `catchup/` and `membership/`. */
export interface RemotePeer {
  readonly guid: Guid
  readonly incarnation: number
  readonly monitor: PeerDetector
  readonly reachability: PeerReachability
  /** Where its datagrams come from. */
  readonly sources: SourceAddressFilter
  /** Where it answers requests, by the path of its multicast frames; undefined until one arrived. */
  endpoint: string | undefined
  announcedVersion: number
  /** Participants that read what it writes, by its own count. A frame missed here may be missed by all of them. */
  audience: number
  /** Version of this participant's descriptor that the peer last reported to hold. */
  holdsVersion: number
  descriptor: Descriptor | undefined
  /** A stream stands in for the multicast that does not come from it. */
  isBeyondMulticast: boolean
  readonly matches: Map<EntityId, Match[]>
  readonly subscriptions: Map<string, Subscription>
  /** The endpoints of those subscriptions, joined by spaces. */
  dialledEndpoints: string
  readonly pull: PullState
}

/** Returns the public view of a peer; undefined until its descriptor has arrived. */
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
    lastReceivedMs: monitor.lastReceivedMs,
    loopDelayMs: monitor.loop.delayMs,
    progress: monitor.loop.completed,
    progressedMs: monitor.loop.completedMs ?? null,
    receivesFromUs: peer.reachability.receivesFromUs,
  }
}

/** Returns whether loopback connects the two. */
export function sharesNetwork(
  one: Pick<ProcessIdentity, 'bootId' | 'networkNamespace'>,
  other: Pick<ProcessIdentity, 'bootId' | 'networkNamespace'>,
): boolean {
  // Namespace inodes may be equal on different hosts, so they are compared only under one kernel.
  return one.bootId === other.bootId && one.networkNamespace === other.networkNamespace
}

/** Returns how this participant reaches the peer. */
export function placeOf({ isBeyondMulticast }: RemotePeer, { identity }: Descriptor, own: ProcessIdentity): PeerPlace {
  const otherHost = isBeyondMulticast ? PeerReach.far : PeerReach.lan
  const reach = identity.bootId === own.bootId ? PeerReach.host : otherHost
  return { reach, sharesNetwork: sharesNetwork(identity, own) }
}

/**
 * Returns where the peer answers requests, best first. The path of its beacons comes first, because it is known to work
 * in one direction at least. For a peer of another network the other addresses of its descriptor follow. Empty when no
 * address can be reached from here.
 */
export function requestEndpointsOf(peer: RemotePeer, own: ProcessIdentity): readonly string[] {
  const { descriptor, endpoint } = peer
  const observed = endpoint === undefined ? [] : [endpoint]
  if (descriptor === undefined) return observed
  const isLocal = sharesNetwork(descriptor.identity, own)
  if (isLocal && endpoint !== undefined) return observed
  return [...observed, ...dialable(descriptor.requestEndpoints, isLocal)]
}

/** Yields each local reader of each writer of the peer. */
export function* eachMatch(peer: RemotePeer): IterableIterator<Match> {
  for (const matches of peer.matches.values()) yield* matches
}

/** Whether the newest descriptor that the peer announced has arrived. */
export function isDescribed(peer: RemotePeer): boolean {
  return peer.descriptor !== undefined && peer.descriptor.version >= peer.announcedVersion
}
