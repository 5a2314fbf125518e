import type { Counters } from '../core/counters.js'
import { checkMs, LoopMonitor } from '../core/loop-monitor.js'
import { Announcer } from '../discovery/announcer.js'
import { parseListedPeers } from '../discovery/listed-peer.js'
import { builtinPartition } from '../discovery/partition-groups.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import { SelfMonitor } from '../liveliness/self-monitor.js'
import { aliveVerdict } from '../liveliness/verdict.js'
import { Reliability } from '../qos/policies.js'
import { Range } from '../transport/lane/range.js'
import type { DatagramLane } from '../transport/lane/transport.js'
import { BuiltinFeed } from './builtin-feed.js'
import { CatchUpClient } from './catchup/catch-up-client.js'
import { CatchUpServer, firstDueSeq } from './catchup/catch-up-server.js'
import { LocalDelivery } from './catchup/local-delivery.js'
import { SyncWaiters } from './catchup/sync-waiters.js'
import { EndpointFactory } from './endpoint-factory.js'
import { InterestFilter } from './endpoints/interest-filter.js'
import { LocalEndpoints, type SelfDescription } from './endpoints/local-endpoints.js'
import { MismatchLog } from './endpoints/mismatch-log.js'
import { BeaconSender } from './membership/beacon-sender.js'
import { EndpointMatcher } from './membership/endpoint-matcher.js'
import { HelloClient } from './membership/hello-client.js'
import { LiveSubscriptions } from './membership/live-subscriptions.js'
import { MatchedReaders } from './membership/matched-readers.js'
import { PeerDirectory } from './membership/peer-directory.js'
import { PeerIntake } from './membership/peer-intake.js'
import { UnicastDiscovery } from './membership/unicast-discovery.js'
import type { MismatchEvent, PeerEvent } from './model/events.js'
import type { ParticipantComponents } from './participant-components.js'
import type { ResolvedParticipantOptions } from './participant-options.js'
import { FrameDispatcher } from './protocol/frame-dispatcher.js'
import { PartitionMembership } from './protocol/partition-membership.js'
import { RequestDispatcher } from './protocol/request-dispatcher.js'

export interface EngineEvents {
  readonly counters: Counters
  readonly onPeer: (event: PeerEvent) => void
  readonly onMismatch: (event: MismatchEvent) => void
  /** How far this participant trusts itself may have changed. */
  readonly onHealth: (health: ObserverHealth) => void
}

/** The composition root: what a participant is made of, and who talks to whom. Decides nothing itself. */
export class Engine {
  readonly endpoints: LocalEndpoints
  readonly factory: EndpointFactory
  readonly membership: PartitionMembership
  readonly peers: PeerDirectory
  readonly matchedReaders: MatchedReaders
  readonly observer: SelfMonitor
  readonly beacons: BeaconSender
  readonly #local: LocalDelivery
  readonly #announcer: Announcer
  readonly #catchUp: CatchUpClient
  readonly #helloClient: HelloClient
  readonly #unicastDiscovery: UnicastDiscovery
  readonly #waiters: SyncWaiters
  readonly #loopMonitor: LoopMonitor
  readonly #datagram: DatagramLane
  readonly #close: () => Promise<void>
  readonly #joinedMs: number

  constructor(
    self: SelfDescription,
    options: ResolvedParticipantOptions,
    components: Required<ParticipantComponents>,
    events: EngineEvents,
  ) {
    const { clock, transport, random, identity, probe } = components
    const { counters, onPeer, onMismatch, onHealth } = events
    const { guid, incarnation } = self
    const { stream, datagram } = transport
    this.#datagram = datagram
    this.#close = () => transport.close()
    this.#joinedMs = clock.nowMs()
    this.endpoints = new LocalEndpoints(self, stream)
    this.observer = new SelfMonitor(checkMs, options.leaseMs, clock.nowMs())
    stream.onEndpointsChanged(() => this.endpoints.endpointsChanged())
    this.beacons = new BeaconSender({
      clock,
      guid,
      incarnation,
      intervalMs: options.beaconIntervalMs,
      datagram,
      stream,
      endpoints: this.endpoints,
      dataGroup: (partition) => this.membership.dataGroup(partition),
      solicitGroup: (partition) => this.membership.solicitGroup(partition),
      loopDelayMs: () => this.#loopMonitor.loopDelayMs,
      audience: () => this.matchedReaders.participants,
    })
    this.#announcer = new Announcer(
      {
        clock,
        random,
        beacon: (partition, goodbye) => this.beacons.beacon(partition, goodbye),
        solicit: (partition) => this.beacons.solicit(partition),
        presence: (partition, goodbye) => this.beacons.presence(partition, goodbye),
      },
      options.beaconIntervalMs,
    )
    this.membership = new PartitionMembership({
      domain: options.domain,
      clock,
      transport,
      announcer: this.#announcer,
      onFrame: (body, from) => inbound.onFrame(body, from),
      onAside: (partition, body, from) => inbound.onAside(partition, body, from),
    })
    this.#catchUp = new CatchUpClient({
      clock,
      random,
      counters,
      stream,
      descriptor: () => this.endpoints.descriptor(),
      observer: this.observer,
      described: (peer, descriptor) => this.peers.described(peer, descriptor),
      told: (peer, receivesFromUs) => this.peers.told(peer, receivesFromUs),
      progressed: () => this.#waiters.look(),
    })
    const mismatches = new MismatchLog(counters, (event) => {
      onMismatch(event)
      this.endpoints.mismatched(event)
    })
    const live = new LiveSubscriptions({
      clock,
      stream,
      counters,
      identity,
      observer: this.observer,
      reads: () => this.endpoints.partitions().reads,
      groupName: (partition) => this.membership.dataGroup(partition).name,
      onBeyond: (peer) => this.#catchUp.soon(peer),
      onFrame: (peer, body) => inbound.onLiveFrame(peer, body),
    })
    const endpointMatcher = new EndpointMatcher({
      clock,
      counters,
      readers: () => this.endpoints.readers(),
      catchUp: this.#catchUp,
      followLive: (peer) => live.follow(peer),
      mismatches,
    })
    const relation = new InterestFilter(this.endpoints)
    this.matchedReaders = new MatchedReaders({
      writers: () => this.endpoints.announcedWriters(),
      mismatches,
      onMatched: ({ writer, guid: reader, info }) => {
        const local = this.endpoints.writer(writer)?.writer
        local?.audience.join(
          reader,
          info.qos.reliability === Reliability.reliable,
          firstDueSeq(local, info),
          clock.nowMs(),
        )
      },
      onUnmatched: ({ writer, guid: reader }) => this.endpoints.writer(writer)?.writer.audience.leave(reader),
    })
    this.peers = new PeerDirectory({
      clock,
      counters,
      random,
      identity,
      liveliness: options,
      forgetUnreachableMs: options.forgetUnreachableMs,
      observer: this.observer,
      catchUp: this.#catchUp,
      endpointMatcher,
      matchedReaders: this.matchedReaders,
      relation,
      probe,
      onPeer,
      onChanged: (peer) => builtin.follow(peer),
      onForgotten: (peer) => builtin.forget(peer),
      onSettled: () => this.#waiters.look(),
    })
    this.#waiters = new SyncWaiters(clock, () => this.peers.values())
    const server = new CatchUpServer({ participant: guid, clock, counters, endpoints: this.endpoints, mismatches })
    this.#local = new LocalDelivery({
      participant: guid,
      incarnation,
      clock,
      endpoints: this.endpoints,
      server,
      mismatches,
    })
    const builtin = new BuiltinFeed({
      counters,
      open: (topic) => this.factory.feed(topic),
      own: () => ({ descriptor: this.endpoints.descriptor(), verdict: aliveVerdict(this.#joinedMs) }),
      peers: () => this.peers.values(),
    })
    const peerIntake = new PeerIntake({
      self: guid,
      clock,
      counters,
      stream,
      peers: this.peers,
      catchUp: this.#catchUp,
      endpointMatcher,
      relation,
    })
    const reception = new RequestDispatcher({
      self: guid,
      clock,
      observer: this.observer,
      endpoints: this.endpoints,
      peers: this.peers,
      peerIntake,
      server,
      relation,
      openLive: () => this.factory.openLive(),
    })
    const inbound = new FrameDispatcher({
      self: guid,
      counters,
      peerIntake,
      endpointMatcher,
      reception,
      onSolicit: (partition) => {
        if (partition === builtinPartition) this.beacons.observed()
        this.#announcer.solicited(partition)
      },
      onObserver: () => this.beacons.observed(),
    })
    const { endpoints, peers, observer } = this
    const meeting = { self: guid, clock, random, counters, stream, identity, endpoints, peers, peerIntake, observer }
    this.#helloClient = new HelloClient({ ...meeting, relation })
    this.factory = new EndpointFactory({
      participant: guid,
      clock,
      counters,
      transport,
      endpoints: this.endpoints,
      local: this.#local,
      announcer: this.#announcer,
      membership: this.membership,
      endpointMatcher,
      matchedReaders: this.matchedReaders,
      peers: this.peers,
      catchUp: this.#catchUp,
      waiters: this.#waiters,
      builtin,
      settled: () => this.#unicastDiscovery.settled(),
    })
    const listed = parseListedPeers(options.peers)
    const isFound = listed.length > 0 || options.range !== Range.localhost
    this.#unicastDiscovery = new UnicastDiscovery(
      { ...meeting, helloClient: this.#helloClient, resolve: components.resolve },
      listed,
      isFound,
    )
    this.membership.write(builtinPartition)
    stream.serve((request) => inbound.onRequest(request))
    this.#loopMonitor = new LoopMonitor(clock, 1.1 * options.beaconIntervalMs, (nowMs) => {
      // Itself first: whoever was blind does not answer that with requests and connections.
      const hasSeen = this.peers.judge()
      if (hasSeen) {
        this.#helloClient.look()
        this.#unicastDiscovery.look()
        live.look(this.peers.values())
      }
      builtin.look()
      onHealth(this.observer.health)
      for (const { writer } of this.endpoints.writers()) writer.sweep(nowMs)
      for (const { reader } of this.endpoints.readers()) reader.sweep(nowMs)
    })
  }

  /** Datagrams read so far. */
  get received(): number {
    return this.#datagram.received
  }

  /** Frames that the kernel has not taken yet. */
  get pendingDatagrams(): number {
    return this.#datagram.pending
  }

  /** Sends what is waiting, says goodbye, stops every timer and closes every socket. To be called once. */
  async close(): Promise<void> {
    for (const { writer } of this.endpoints.writers()) writer.drain()
    this.#announcer.close()
    this.#loopMonitor.close()
    this.#catchUp.close()
    this.#helloClient.close()
    const ended = this.#unicastDiscovery.close()
    this.#waiters.abandon()
    this.#local.close()
    for (const { writer } of [...this.endpoints.writers()]) writer.close()
    for (const { reader } of [...this.endpoints.readers()]) reader.close()
    this.peers.close()
    await ended
    await this.#close()
  }
}
