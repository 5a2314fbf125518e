import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { Guid } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import { PeerReachability } from '../../discovery/peer-reachability.js'
import type { ResolvedLivelinessOptions } from '../../liveliness/liveliness-options.js'
import { PeerDetector } from '../../liveliness/peer-detector.js'
import type { ProcessReading } from '../../liveliness/process-reading.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { type Finding, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from '../../liveliness/verdict.js'
import { tcpAddresses } from '../../transport/lane/endpoint.js'
import type { Descriptor, ProcessIdentity } from '../../wire/descriptor.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import type { PeerEvent } from '../model/events.js'
import { FailureDetector } from '../peer/failure-detector.js'
import { placeOf, type RemotePeer, toPeer } from '../peer/remote-peer.js'
import { SourceAddressFilter } from '../peer/source-address-filter.js'
import type { EndpointMatcher } from './endpoint-matcher.js'
import type { MatchedReaders } from './matched-readers.js'

export interface PeerDirectoryComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly random: Random
  readonly identity: ProcessIdentity
  readonly liveliness: ResolvedLivelinessOptions
  readonly observer: SelfMonitor
  readonly catchUp: CatchUpClient
  readonly endpointMatcher: EndpointMatcher
  readonly matchedReaders: MatchedReaders
  readonly relation: InterestFilter
  readonly forgetUnreachableMs: number
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessReading
  readonly onPeer: (event: PeerEvent) => void
  /** Its descriptor, or the verdict on it, is new. */
  readonly onChanged: (peer: RemotePeer) => void
  readonly onForgotten: (peer: RemotePeer) => void
  /** A verdict has changed, or a peer has been forgotten, also one that nobody was told of. */
  readonly onSettled: () => void
}

/** GUIDs remembered of those that left, of either kind. */
const maxRemembered = 4096
/** Peers held at once. */
const maxPeers = 16_384
/** Of these, those that have not described themselves yet: anybody can send a beacon, so each is a guess. */
const maxStrangers = 1_024

const farewell: Finding = {
  liveliness: Liveliness.dead,
  cause: LivelinessCause.goodbye,
  detail: null,
  evidence: VerdictEvidence.goodbye,
}

const replaced: Finding = {
  liveliness: Liveliness.dead,
  cause: LivelinessCause.replaced,
  detail: null,
  evidence: VerdictEvidence.beacon,
}

/** What is known of somebody at the first sign of life. */
export interface Met {
  readonly guid: Guid
  readonly incarnation: number
  /** Of its descriptor. */
  readonly version: number
  readonly intervalMs: number
}

/** Who is there: holds the peers and what they say of themselves, and forgets those who are gone. */
export class PeerDirectory {
  readonly #components: PeerDirectoryComponents
  readonly #judge: FailureDetector
  readonly #peers = new Map<Guid, RemotePeer>()
  /** Said goodbye, or known to be dead: a late frame of theirs must not bring them back. */
  readonly #departed = new Set<Guid>()
  /** Given up for silence: they may come back, on probation. With the requests in a row that they left unanswered. */
  readonly #givenUp = new Map<Guid, number>()
  /** Met, and not described yet. */
  readonly #strangers = new Set<Guid>()

  constructor(components: PeerDirectoryComponents) {
    const { clock, counters, identity, observer, probe, catchUp } = components
    this.#components = components
    this.#judge = new FailureDetector({
      clock,
      counters,
      identity,
      observer,
      probe,
      ask: (peer) => catchUp.ask(peer),
      onVerdict: (peer, before, verdict) => this.#onVerdict(peer, before, verdict),
    })
  }

  get size(): number {
    return this.#peers.size
  }
  get(guid: Guid): RemotePeer | undefined {
    return this.#peers.get(guid)
  }
  values(): IterableIterator<RemotePeer> {
    return this.#peers.values()
  }

  /** Said goodbye, or is known to be dead. */
  hasDeparted(guid: Guid): boolean {
    return this.#departed.has(guid)
  }

  /** Undefined, and counted, when there are too many. */
  meet({ guid, incarnation, version, intervalMs }: Met, nowMs: number): RemotePeer | undefined {
    const { counters, liveliness, random } = this.#components
    if (this.#peers.size >= maxPeers || this.#strangers.size >= maxStrangers) {
      counters.add('peer.refused.too-many')
      return undefined
    }
    const failures = this.#givenUp.get(guid)
    this.#givenUp.delete(guid)
    const peer: RemotePeer = {
      guid,
      incarnation,
      monitor: new PeerDetector(liveliness, intervalMs, nowMs, failures !== undefined),
      reachability: new PeerReachability(nowMs, random()),
      ways: new SourceAddressFilter(),
      endpoint: undefined,
      announcedVersion: version,
      audience: 0,
      holdsVersion: 0,
      descriptor: undefined,
      isBeyondMulticast: false,
      matches: new Map(),
      subscriptions: new Map(),
      dialled: '',
      pull: { timer: undefined, inFlight: false, isQuestion: false, failures: failures ?? 0, ended: false },
    }
    this.#peers.set(guid, peer)
    this.#strangers.add(guid)
    return peer
  }

  /** It says goodbye. */
  takeLeave(guid: Guid): void {
    const known = this.#peers.get(guid)
    bounded(this.#departed.add(guid))
    if (known !== undefined) this.conclude(known, farewell)
  }

  /** A newer descriptor. */
  described(peer: RemotePeer, descriptor: Descriptor): void {
    const { identity, endpointMatcher, matchedReaders, onPeer, onChanged } = this.#components
    const isFirst = peer.descriptor === undefined
    peer.descriptor = descriptor
    peer.ways.setAddresses(tcpAddresses(descriptor.requestEndpoints))
    this.#strangers.delete(peer.guid)
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    peer.monitor.setPlace(placeOf(peer, descriptor, identity))
    if (isFirst) this.#replaceOlder(descriptor)
    endpointMatcher.follow(peer, descriptor)
    matchedReaders.follow(peer, descriptor)
    onChanged(peer)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) onPeer({ kind: 'joined', peer: described })
  }

  /**
   * Judges this participant, then everybody else. To be called at each check. False when this participant has been
   * blind: then nothing is to be concluded from who has not been heard.
   */
  judge(): boolean {
    const { clock, counters, relation, liveliness: terms } = this.#components
    // Not before a policy that ends it would.
    const forgetMs = this.#components.forgetUnreachableMs + (terms.unreachableDeadAfterMs ?? 0)
    if (!this.#judge.checkSelf(this.#peers.values())) return false
    const nowMs = clock.nowMs()
    const watched: RemotePeer[] = []
    for (const peer of [...this.#peers.values()]) {
      const { monitor, reachability, descriptor } = peer
      // Its beacons have ended, and its signs of presence have not.
      if (monitor.isOverdue(nowMs) && reachability.isHeardOtherwise(nowMs))
        monitor.expectEvery(reachability.intervalMs(nowMs))
      const isOverdue = monitor.isOverdue(nowMs)
      const { liveliness, sinceMs } = monitor.verdict
      const isQuiet = isOverdue || monitor.shouldAsk(nowMs)
      if (isQuiet && descriptor !== undefined && !relation.isRelated(descriptor)) this.#drop(peer)
      else if (isOverdue && liveliness === Liveliness.unreachable && nowMs - sinceMs >= forgetMs) {
        counters.add('peer.forgotten')
        this.#drop(peer)
      } else watched.push(peer)
    }
    this.#judge.round(watched)
    return true
  }

  /** The peer has said whether it hears this participant. */
  told(peer: RemotePeer, receivesFromUs: boolean): void {
    const { clock, counters, observer } = this.#components
    const didHear = peer.reachability.receivesFromUs === true
    if (!peer.reachability.told(receivesFromUs, clock.nowMs())) return
    if (!receivesFromUs) counters.add('peer.does-not-hear-us')
    // That it never did may be how the network is. That most do no longer may be this participant's own doing.
    if (!receivesFromUs && didHear && this.#isMissedByMost()) observer.local.missedByPeer(clock.nowMs())
    const changed = toPeer(peer)
    if (changed !== undefined) this.#components.onPeer({ kind: 'hearing-changed', peer: changed })
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, finding: Finding): void {
    this.#judge.conclude(peer, finding)
  }

  close(): void {
    for (const peer of this.#peers.values()) this.#forget(peer)
    this.#peers.clear()
    this.#strangers.clear()
  }

  /** A process has been restarted under the pid that an older peer had: that one is gone, whatever its lease says. */
  #replaceOlder({ identity }: Descriptor): void {
    const { bootId, pidNamespace, pid, startTimeTicks } = identity
    if (pidNamespace === null || startTimeTicks === null) return
    for (const older of [...this.#peers.values()]) {
      const theirs = older.descriptor?.identity
      if (theirs?.pid !== pid || theirs.bootId !== bootId || theirs.pidNamespace !== pidNamespace) continue
      if (theirs.startTimeTicks !== null && theirs.startTimeTicks < startTimeTicks) this.conclude(older, replaced)
    }
  }

  #isMissedByMost(): boolean {
    const said = [...this.#peers.values()].flatMap(({ reachability }) => reachability.receivesFromUs ?? [])
    return said.filter((hears) => !hears).length * 2 > said.length
  }

  #onVerdict(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    const { onPeer, onSettled, counters, endpointMatcher } = this.#components
    endpointMatcher.judged(peer, verdict.liveliness !== Liveliness.unreachable)
    counters.add(`peer.${verdict.liveliness}`)
    if (verdict.liveliness !== Liveliness.dead) this.#components.onChanged(peer)
    const changed = toPeer(peer)
    if (changed !== undefined) onPeer({ kind: 'liveliness-changed', peer: changed, before })
    if (verdict.liveliness === Liveliness.dead) {
      // One that was only silent for too long may come back; one that is known to be gone may not.
      const wasSilent = verdict.evidence === VerdictEvidence.lease || verdict.evidence === VerdictEvidence.phi
      if (wasSilent) bounded(this.#givenUp.set(peer.guid, peer.pull.failures))
      else bounded(this.#departed.add(peer.guid))
      this.#remove(peer)
      if (changed !== undefined) onPeer({ kind: 'left', peer: changed })
    }
    onSettled()
  }

  /** Forgets a peer without a verdict on it. */
  #drop(peer: RemotePeer): void {
    this.#remove(peer)
    const left = toPeer(peer)
    if (left !== undefined) this.#components.onPeer({ kind: 'left', peer: left })
    this.#components.onSettled()
  }

  #remove(peer: RemotePeer): void {
    this.#peers.delete(peer.guid)
    this.#strangers.delete(peer.guid)
    this.#forget(peer)
    this.#components.endpointMatcher.forget(peer)
    this.#components.matchedReaders.forget(peer)
    this.#components.onForgotten(peer)
  }

  #forget(peer: RemotePeer): void {
    this.#components.catchUp.forget(peer)
    for (const subscription of peer.subscriptions.values()) subscription.close()
    peer.subscriptions.clear()
  }
}

/** Forgets the oldest when there are too many. */
function bounded(guids: Set<Guid> | Map<Guid, unknown>): void {
  if (guids.size > maxRemembered) guids.delete(guids.keys().next().value as Guid)
}
