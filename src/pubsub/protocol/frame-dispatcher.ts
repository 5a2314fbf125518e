import type { Guid } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Announcer } from '../../discovery/announcer.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import type { FrameSource } from '../../transport/lane/transport.js'
import { decodeAckRequest } from '../../wire/ack-request.js'
import { decodeBeacon } from '../../wire/beacon.js'
import { ByteReader, malformed, Rejection, rejectionOf } from '../../wire/encoding/bytes.js'
import { encodeFenceReply } from '../../wire/fence.js'
import { encodeGossipReply } from '../../wire/gossip.js'
import { FrameKind, readHeader } from '../../wire/header.js'
import { encodeHelloReply } from '../../wire/hello.js'
import { encodePullReply } from '../../wire/pull.js'
import { decodeRequest } from '../../wire/request.js'
import type { BeaconSender } from '../membership/beacon-sender.js'
import type { EndpointMatcher } from '../membership/endpoint-matcher.js'
import type { LiveFrameSink } from '../membership/live-subscriptions.js'
import type { PeerIntake } from '../membership/peer-intake.js'
import type { RemotePeer } from '../peer/remote-peer.js'
import type { FrameSink } from './partition-membership.js'
import type { RequestDispatcher } from './request-dispatcher.js'

export interface FrameDispatcherComponents {
  readonly self: Guid
  readonly counters: Counters
  readonly peerIntake: PeerIntake
  readonly endpointMatcher: EndpointMatcher
  readonly requests: RequestDispatcher
  readonly announcer: Announcer
  readonly beacons: BeaconSender
}

/**
 * Decodes everything that comes from outside and passes it on by kind. Input that does not follow the wire format is
 * counted by its reason (`frame.rejected.…`, `request.rejected.…`) and dropped. Nothing is thrown into a lane.
 */
export class FrameDispatcher implements FrameSink, LiveFrameSink {
  readonly #components: FrameDispatcherComponents

  constructor(components: FrameDispatcherComponents) {
    this.#components = components
  }

  onDataFrame(body: Buffer, source: FrameSource): void {
    const { self, peerIntake } = this.#components
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from === self) return
      if (kind === FrameKind.beacon) {
        const beacon = decodeBeacon(input)
        if (beacon.presence) throw malformed(Rejection.badKind, 'presence among data')
        peerIntake.onBeacon(from, beacon, source)
      } else if (kind === FrameKind.samples) peerIntake.onSamples(from, input, source)
      else if (kind === FrameKind.ask) peerIntake.onAckRequest(from, decodeAckRequest(input), source)
      else throw malformed(Rejection.badKind, 'frame among data')
    })
  }

  onSolicitFrame(partition: string, body: Buffer, source: FrameSource): void {
    const { self, peerIntake, announcer, beacons } = this.#components
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from === self) return
      if (kind === FrameKind.solicit) {
        if (partition === builtinPartition) beacons.observed()
        announcer.onSolicit(partition)
        return
      }
      if (kind !== FrameKind.beacon) throw malformed(Rejection.badKind, 'frame among solicits')
      const beacon = decodeBeacon(input)
      if (!beacon.presence) throw malformed(Rejection.badKind, 'beacon among solicits')
      if (partition === builtinPartition) {
        // A participant does not become a peer only because it reads the built-in topics.
        beacons.observed()
        return
      }
      peerIntake.onPresence(from, beacon, source)
    })
  }

  /** Takes a frame that the peer published by stream; it may only be of that peer. */
  onLiveFrame(peer: RemotePeer, body: Buffer): void {
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from !== peer.guid) throw malformed(Rejection.foreignSource, 'live frame')
      if (kind === FrameKind.beacon) this.#components.peerIntake.onLiveBeacon(peer, decodeBeacon(input))
      else if (kind === FrameKind.samples) this.#components.endpointMatcher.samples(peer, input)
      else if (kind === FrameKind.ask)
        this.#components.endpointMatcher.acknowledgmentAsked(peer, decodeAckRequest(input))
      else throw malformed(Rejection.badKind, 'live frame')
    })
  }

  /** @throws NumacastError NUMACAST_MALFORMED: the lane counts it, and the requester runs into its timeout */
  async onRequest(bytes: Buffer): Promise<Buffer> {
    const { counters, requests } = this.#components
    try {
      const request = decodeRequest(bytes)
      switch (request.ask) {
        case 'pull':
          return encodePullReply(await requests.pull(request))
        case 'introduce':
          return encodeHelloReply(await requests.hello(request))
        case 'peers':
          return encodeGossipReply(requests.gossip(request))
        case 'fence':
          return encodeFenceReply(requests.fence())
      }
    } catch (error) {
      counters.addError(`request.rejected.${rejectionOf(error)}`, error)
      throw error
    }
  }

  #guard(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#components.counters.addError(`frame.rejected.${rejectionOf(error)}`, error)
    }
  }
}
