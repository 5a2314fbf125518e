import type { Counters } from '../core/counters.js'
import { Announcer } from '../discovery/announcer.js'
import { parseListedPeers } from '../discovery/listed-peer.js'
import { builtinPartition } from '../discovery/partition-groups.js'
import { Observer } from '../liveliness/observer.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import { aliveVerdict } from '../liveliness/verdict.js'
import { Reliability } from '../qos/policies.js'
import { Range } from '../transport/range.js'
import type { DatagramLane } from '../transport/transport.js'
import { Acquaintances } from './acquaintances.js'
import { BeaconSender } from './beacon-sender.js'
import { BuiltinFeed } from './builtin-feed.js'
import { CatchUpClient } from './catch-up-client.js'
import { CatchUpServer, firstDueSeq } from './catch-up-server.js'
import { Encounters } from './encounters.js'
import { EndpointFactory } from './endpoint-factory.js'
import type { MismatchEvent, PeerEvent } from './events.js'
import { Inbound } from './inbound.js'
import { Introducer } from './introducer.js'
import { LiveSubscriptions } from './live-subscriptions.js'
import { LocalDelivery } from './local-delivery.js'
import { LocalEndpoints, type SelfDescription } from './local-endpoints.js'
import { MatchedReaders } from './matched-readers.js'
import { Matchmaker } from './matchmaker.js'
import { Membership } from './membership.js'
import { MismatchLog } from './mismatch-log.js'
import type { ParticipantComponents } from './participant-components.js'
import type { ResolvedParticipantOptions } from './participant-options.js'
import { PeerDirectory } from './peer-directory.js'
import { checkMs, Pulse } from './pulse.js'
import { Reception } from './reception.js'
import { Relation } from './relation.js'
import { SyncWaiters } from './sync-waiters.js'

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
  readonly membership: Membership
  readonly peers: PeerDirectory
  readonly matchedReaders: MatchedReaders
  readonly observer: Observer
  readonly beacons: BeaconSender
  readonly #local: LocalDelivery
  readonly #announcer: Announcer
  readonly #catchUp: CatchUpClient
  readonly #introducer: Introducer
  readonly #acquaintances: Acquaintances
  readonly #waiters: SyncWaiters
  readonly #pulse: Pulse
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
    this.observer = new Observer(checkMs, options.leaseMs, clock.nowMs())
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
      loopDelayMs: () => this.#pulse.loopDelayMs,
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
    this.membership = new Membership({
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
      told: (peer, hearsUs) => this.peers.told(peer, hearsUs),
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
    const matchmaker = new Matchmaker({
      clock,
      counters,
      readers: () => this.endpoints.readers(),
      catchUp: this.#catchUp,
      followLive: (peer) => live.follow(peer),
      mismatches,
    })
    const relation = new Relation(this.endpoints)
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
      matchmaker,
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
    const encounters = new Encounters({
      self: guid,
      clock,
      counters,
      stream,
      peers: this.peers,
      catchUp: this.#catchUp,
      matchmaker,
      relation,
    })
    const reception = new Reception({
      self: guid,
      clock,
      observer: this.observer,
      endpoints: this.endpoints,
      peers: this.peers,
      encounters,
      server,
      relation,
      openLive: () => this.factory.openLive(),
    })
    const inbound = new Inbound({
      self: guid,
      counters,
      encounters,
      matchmaker,
      reception,
      onSolicit: (partition) => {
        if (partition === builtinPartition) this.beacons.observed()
        this.#announcer.solicited(partition)
      },
      onObserver: () => this.beacons.observed(),
    })
    const { endpoints, peers, observer } = this
    const meeting = { self: guid, clock, random, counters, stream, identity, endpoints, peers, encounters, observer }
    this.#introducer = new Introducer({ ...meeting, relation })
    this.factory = new EndpointFactory({
      participant: guid,
      clock,
      counters,
      transport,
      endpoints: this.endpoints,
      local: this.#local,
      announcer: this.#announcer,
      membership: this.membership,
      matchmaker,
      matchedReaders: this.matchedReaders,
      peers: this.peers,
      catchUp: this.#catchUp,
      waiters: this.#waiters,
      builtin,
      settled: () => this.#acquaintances.settled(),
    })
    const listed = parseListedPeers(options.peers)
    const isFound = listed.length > 0 || options.range !== Range.localhost
    this.#acquaintances = new Acquaintances(
      { ...meeting, introducer: this.#introducer, resolve: components.resolve },
      listed,
      isFound,
    )
    this.membership.write(builtinPartition)
    stream.serve((request) => inbound.onRequest(request))
    this.#pulse = new Pulse(clock, 1.1 * options.beaconIntervalMs, (nowMs) => {
      // Itself first: whoever was blind does not answer that with requests and connections.
      const hasSeen = this.peers.judge()
      if (hasSeen) {
        this.#introducer.look()
        this.#acquaintances.look()
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

  /** Sends what is waiting, says goodbye, stops every timer and closes every socket. To be called once. */
  async close(): Promise<void> {
    for (const { writer } of this.endpoints.writers()) writer.drain()
    this.#announcer.close()
    this.#pulse.close()
    this.#catchUp.close()
    this.#introducer.close()
    const ended = this.#acquaintances.close()
    this.#waiters.abandon()
    this.#local.close()
    for (const { writer } of [...this.endpoints.writers()]) writer.close()
    for (const { reader } of [...this.endpoints.readers()]) reader.close()
    this.peers.close()
    await ended
    await this.#close()
  }
}
