import type { Guid } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import type { Counters } from '../../core/reporting/counters.js'
import { PeerReachability } from '../../discovery/peer-reachability.js'
import type { ResolvedLivelinessOptions } from '../../liveliness/liveliness-options.js'
import { PeerDetector } from '../../liveliness/peer-detector.js'
import { DepartedPeers } from './departed-peers.js'
import type { RemotePeer } from './remote-peer.js'
import { SourceAddressFilter } from './source-address-filter.js'

export interface PeerRegistryComponents {
  readonly counters: Counters
  readonly random: Random
  readonly liveliness: ResolvedLivelinessOptions
  /** Peers held at once. */
  readonly maxPeers: number
}

/** Of these, peers without a descriptor. Any process can send a beacon, so each of them is a guess. */
const maxStrangers = 1_024
/** Refused participants that are counted between two checks. */
const maxRefused = 64

/** What the first frame of a participant tells of it. */
export interface FirstSign {
  readonly guid: Guid
  readonly incarnation: number
  /** Of its descriptor. */
  readonly version: number
  readonly intervalMs: number
}

/** Holds the peers of a participant. What happens to a peer is decided by `PeerDirectory`. */
export class PeerRegistry {
  readonly departed = new DepartedPeers()
  readonly #components: PeerRegistryComponents
  readonly #peers = new Map<Guid, RemotePeer>()
  /** Peers whose descriptor has not arrived yet. */
  readonly #strangers = new Set<Guid>()
  /** Participants that were refused because the registry is full. */
  readonly #refused = new Set<Guid>()

  constructor(components: PeerRegistryComponents) {
    this.#components = components
  }

  get size(): number {
    return this.#peers.size
  }
  /** How many more peers it can hold. */
  get room(): number {
    return Math.max(0, this.#components.maxPeers - this.#peers.size)
  }
  get(guid: Guid): RemotePeer | undefined {
    return this.#peers.get(guid)
  }
  values(): IterableIterator<RemotePeer> {
    return this.#peers.values()
  }

  /** Adds a peer at its first frame. Returns undefined, and counts it, when too many are held. */
  add({ guid, incarnation, version, intervalMs }: FirstSign, nowMs: number): RemotePeer | undefined {
    const { counters, liveliness, random, maxPeers } = this.#components
    const isFull = this.#peers.size >= maxPeers
    if (isFull || this.#strangers.size >= maxStrangers) {
      if (isFull && this.#refused.size < maxRefused) this.#refused.add(guid)
      counters.add('peer.refused.too-many')
      return undefined
    }
    const failures = this.departed.takeSilent(guid)
    const peer: RemotePeer = {
      guid,
      incarnation,
      monitor: new PeerDetector(liveliness, intervalMs, nowMs, failures !== undefined),
      reachability: new PeerReachability(nowMs, random()),
      sources: new SourceAddressFilter(),
      endpoint: undefined,
      announcedVersion: version,
      audience: 0,
      holdsVersion: 0,
      descriptor: undefined,
      isBeyondMulticast: false,
      matches: new Map(),
      subscriptions: new Map(),
      dialledEndpoints: '',
      pull: { timer: undefined, inFlight: false, isQuestion: false, failures: failures ?? 0, ended: false },
    }
    this.#peers.set(guid, peer)
    this.#strangers.add(guid)
    return peer
  }

  /** Returns how many participants, at most 64, were refused since the last call because the registry is full. */
  takeRefused(): number {
    const { size } = this.#refused
    this.#refused.clear()
    return size
  }

  /** The peer's descriptor has arrived: it no longer counts as a stranger. */
  markDescribed(peer: RemotePeer): void {
    this.#strangers.delete(peer.guid)
  }

  delete(peer: RemotePeer): void {
    this.#peers.delete(peer.guid)
    this.#strangers.delete(peer.guid)
  }
}
