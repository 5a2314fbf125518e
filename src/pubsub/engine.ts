import { closeAll } from '../core/close-all.js'
import type { Counters } from '../core/reporting/counters.js'
import { checkMs, LoopMonitor } from '../core/time/loop-monitor.js'
import { Announcer } from '../discovery/announcer.js'
import { parseListedPeers } from '../discovery/listed-peer.js'
import { builtinPartition } from '../discovery/partition-groups.js'
import { SelfMonitor } from '../liveliness/self-monitor.js'
import { Range } from '../transport/lane/range.js'
import { BuiltinFeed } from './builtin-feed.js'
import { CatchUpClient } from './catchup/catch-up-client.js'
import { CatchUpServer } from './catchup/catch-up-server.js'
import { FenceClient } from './catchup/fence-client.js'
import { LocalDelivery } from './catchup/local-delivery.js'
import { SyncWaiters } from './catchup/sync-waiters.js'
import { GroupTable } from './endpoints/group-table.js'
import { InterestFilter } from './endpoints/interest-filter.js'
import { LiveSocket } from './endpoints/live-socket.js'
import { LocalEndpoints, type SelfDescription } from './endpoints/local-endpoints.js'
import { MatchCheck } from './endpoints/match-check.js'
import { MismatchLog } from './endpoints/mismatch-log.js'
import { BeaconSender } from './membership/beacon-sender.js'
import { EndpointMatcher } from './membership/endpoint-matcher.js'
import { LiveSubscriptions } from './membership/live-subscriptions.js'
import { MatchedReaders } from './membership/matched-readers.js'
import { PeerCheck } from './membership/peer-check.js'
import { PeerDirectory } from './membership/peer-directory.js'
import { PeerIntake } from './membership/peer-intake.js'
import { UnicastDiscovery } from './membership/unicast-discovery.js'
import type { ParticipantComponents } from './participant-components.js'
import { ParticipantEvents } from './participant-events.js'
import type { ResolvedParticipantOptions } from './participant-options.js'
import { FailureDetector } from './peer/failure-detector.js'
import { PeerRegistry } from './peer/peer-registry.js'
import { FrameDispatcher } from './protocol/frame-dispatcher.js'
import { PartitionMembership } from './protocol/partition-membership.js'
import { RequestDispatcher } from './protocol/request-dispatcher.js'
import { ReaderFactory } from './reader-factory.js'
import { WriterFactory } from './writer-factory.js'

/**
 * The composition root: makes the parts of a participant, lowest room first, and gives each the parts that it calls.
 * Decides nothing itself.
 *
 * Two parts that call each other cannot both be made first. Such a part gets the later one by a getter, which is
 * evaluated at its first use.
 */
export class Engine {
  readonly endpoints: LocalEndpoints
  readonly writers: WriterFactory
  readonly readers: ReaderFactory
  readonly membership: PartitionMembership
  readonly peers: PeerRegistry
  readonly detector: FailureDetector
  readonly matchedReaders: MatchedReaders
  readonly observer: SelfMonitor
  readonly beacons: BeaconSender
  readonly events: ParticipantEvents
  readonly fences: FenceClient
  readonly #components: Required<ParticipantComponents>
  readonly #announcer: Announcer
  readonly #builtin: BuiltinFeed
  readonly #catchUp: CatchUpClient
  readonly #directory: PeerDirectory
  readonly #discovery: UnicastDiscovery
  readonly #local: LocalDelivery
  readonly #loop: LoopMonitor
  readonly #peerCheck: PeerCheck
  readonly #waiters: SyncWaiters

  constructor(
    self: SelfDescription,
    options: ResolvedParticipantOptions,
    components: Required<ParticipantComponents>,
    counters: Counters,
  ) {
    const { clock, transport, random, identity, probe, resolve } = components
    const { guid, incarnation } = self
    const { stream, datagram } = transport
    this.#components = components
    const observer = new SelfMonitor(checkMs, options.leaseMs, clock.nowMs())
    const loop = new LoopMonitor(clock, 1.1 * options.beaconIntervalMs, (nowMs) => this.#check(nowMs))
    const events = new ParticipantEvents({ guid, clock, counters }, observer.health)
    this.observer = observer
    this.#loop = loop
    this.events = events

    // model, endpoints, peer
    const groups = new GroupTable(options.domain)
    const endpoints = new LocalEndpoints(self, stream)
    this.endpoints = endpoints
    stream.onEndpointsChanged(() => endpoints.endpointsChanged())
    const interest = new InterestFilter(endpoints)
    const matchCheck = new MatchCheck(new MismatchLog(counters, endpoints, events))
    const peers = new PeerRegistry({ counters, random, liveliness: options, maxPeers: options.maxPeers })
    this.peers = peers

    // catchup
    const waiters = new SyncWaiters(clock, peers)
    this.#waiters = waiters
    const catchUp = new CatchUpClient({
      ...{ clock, random, counters, stream, endpoints, waiters, observer },
      get replies(): PeerDirectory {
        return directory
      },
    })
    this.#catchUp = catchUp
    this.fences = new FenceClient({ self: guid, clock, counters, stream, endpoints, peers, catchUp, observer })
    const detector = new FailureDetector({
      ...{ clock, counters, identity, observer, probe, queries: catchUp },
      get verdicts(): PeerDirectory {
        return directory
      },
    })
    this.detector = detector
    const server = new CatchUpServer({ participant: guid, clock, counters, endpoints, matchCheck })
    const local = new LocalDelivery({ participant: guid, incarnation, clock, endpoints, server, matchCheck })
    this.#local = local

    // membership
    const live = new LiveSubscriptions({
      ...{ clock, stream, counters, identity, observer, endpoints, groups, peers, catchUp },
      get frames(): FrameDispatcher {
        return frames
      },
    })
    const matching = { self: guid, clock, counters, endpoints, peers, matchCheck }
    const endpointMatcher = new EndpointMatcher({ ...matching, catchUp, live })
    const matchedReaders = new MatchedReaders(matching)
    this.matchedReaders = matchedReaders
    const beacons = new BeaconSender({
      ...{ clock, guid, incarnation, intervalMs: options.beaconIntervalMs },
      ...{ datagram, stream, endpoints, groups, loop, matchedReaders },
    })
    this.beacons = beacons
    const announcer = new Announcer({ clock, random, sender: beacons }, options.beaconIntervalMs)
    this.#announcer = announcer
    const directory = new PeerDirectory({
      ...{
        clock,
        counters,
        identity,
        observer,
        peers,
        detector,
        catchUp,
        waiters,
        endpointMatcher,
        matchedReaders,
        events,
      },
      get follower(): BuiltinFeed {
        return builtin
      },
    })
    this.#directory = directory
    // Not before a policy that ends unreachable peers would.
    const forgetUnreachableMs = options.forgetUnreachableMs + (options.unreachableDeadAfterMs ?? 0)
    this.#peerCheck = new PeerCheck({ clock, counters, peers, directory, detector, interest, forgetUnreachableMs })
    const peerIntake = new PeerIntake({
      ...{ self: guid, clock, counters, stream, peers, directory, catchUp, endpointMatcher, interest },
    })
    const listed = parseListedPeers(options.peers)
    const isFound = listed.length > 0 || options.range !== Range.localhost
    const discovery = new UnicastDiscovery(
      {
        ...{ self: guid, clock, random, counters, stream, identity, endpoints, peers, peerIntake, observer, interest },
        ...{ live, resolve },
      },
      listed,
      isFound,
    )
    this.#discovery = discovery

    // protocol
    const liveSocket = new LiveSocket({ clock, counters, stream, endpoints, announcer })
    const requests = new RequestDispatcher({
      ...{ self: guid, clock, observer, endpoints, peers, directory, peerIntake, server, interest, liveSocket },
    })
    const frames = new FrameDispatcher({
      ...{ self: guid, counters, peerIntake, endpointMatcher, requests, announcer, beacons },
    })
    const membership = new PartitionMembership({ clock, counters, transport, announcer, groups, frames })
    this.membership = membership

    // the application's endpoints
    const writers = new WriterFactory({
      ...{ participant: guid, clock, counters, datagram, stream, groups, endpoints, liveSocket, local, announcer },
      ...{ membership, matchedReaders },
    })
    this.writers = writers
    const builtin = new BuiltinFeed({ counters, writers, endpoints, peers }, clock.nowMs())
    this.#builtin = builtin
    this.readers = new ReaderFactory({
      ...{ participant: guid, clock, counters, endpoints, peers, local, catchUp, waiters, membership, discovery },
      ...{ endpointMatcher, builtin },
    })

    membership.write(builtinPartition)
    stream.serve((request) => frames.onRequest(request))
  }

  /** Datagrams read so far. */
  get received(): number {
    return this.#components.transport.datagram.received
  }

  /** Frames that the kernel has not taken yet. */
  get pendingDatagrams(): number {
    return this.#components.transport.datagram.pending
  }

  /**
   * Sends what is waiting and the goodbyes, stops every timer and closes every socket. Closes each part although another
   * one fails to close. Call it once.
   *
   * @throws the first error of a part that failed to close
   */
  async close(): Promise<void> {
    const { transport } = this.#components
    const writers = [...this.endpoints.writers()].map(({ writer }) => writer)
    const readers = [...this.endpoints.readers()].map(({ reader }) => reader)
    let discoveryClosed: Promise<void> | undefined
    await closeAll([
      ...writers.map((writer) => () => writer.drain()),
      () => this.#announcer.close(),
      () => this.#loop.close(),
      () => this.#catchUp.close(),
      () => {
        discoveryClosed = this.#discovery.close()
      },
      () => this.#waiters.reject(),
      () => this.#local.close(),
      ...writers.map((writer) => () => writer.close()),
      ...readers.map((reader) => () => reader.close()),
      () => this.#directory.close(),
      () => discoveryClosed,
      () => transport.close(),
      () => this.events.close(),
    ])
  }

  /** The regular check, four times per second. */
  #check(nowMs: number): void {
    // This participant first: if it was blind, it does not answer that with requests and connections.
    if (this.#peerCheck.run()) this.#discovery.check()
    this.#builtin.check()
    this.#waiters.removeAborted()
    this.events.healthChecked(this.observer.health)
    for (const { writer } of this.endpoints.writers()) writer.expire(nowMs)
    for (const { reader } of this.endpoints.readers()) reader.feed.expire(nowMs)
  }
}
