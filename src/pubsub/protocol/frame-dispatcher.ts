import type { Counters } from '../../core/counters.js'
import type { Guid } from '../../core/ids.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import type { FrameSource } from '../../transport/lane/transport.js'
import { decodeAckRequest } from '../../wire/ack-request.js'
import { decodeBeacon } from '../../wire/beacon.js'
import { ByteReader, malformed, Rejection, rejectionOf } from '../../wire/bytes.js'
import { encodeGossipReply } from '../../wire/gossip.js'
import { FrameKind, readHeader } from '../../wire/header.js'
import { encodeHelloReply } from '../../wire/hello.js'
import { encodePullReply } from '../../wire/pull.js'
import { decodeRequest } from '../../wire/request.js'
import type { EndpointMatcher } from '../membership/endpoint-matcher.js'
import type { PeerIntake } from '../membership/peer-intake.js'
import type { RemotePeer } from '../peer/remote-peer.js'
import type { RequestDispatcher } from './request-dispatcher.js'

export interface FrameDispatcherComponents {
  readonly self: Guid
  readonly counters: Counters
  readonly peerIntake: PeerIntake
  readonly endpointMatcher: EndpointMatcher
  readonly reception: RequestDispatcher
  /** Somebody asks who writes to the partition. */
  readonly onSolicit: (partition: string) => void
  /** Somebody reads the built-in topics. */
  readonly onObserver: () => void
}

/**
 * Where everything from outside comes in. What does not follow the wire format is counted by its reason
 * (`frame.rejected.…`, `request.rejected.…`) and goes no further; nothing is thrown into a lane.
 */
export class FrameDispatcher {
  readonly #components: FrameDispatcherComponents

  constructor(components: FrameDispatcherComponents) {
    this.#components = components
  }

  /** A datagram of a partition that this participant reads. */
  onFrame(body: Buffer, source: FrameSource): void {
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
      else if (kind === FrameKind.ask) peerIntake.onAsk(from, decodeAckRequest(input), source)
      else throw malformed(Rejection.badKind, 'frame among data')
    })
  }

  /** A datagram of the solicit group of a partition that this participant writes to. */
  onAside(partition: string, body: Buffer, source: FrameSource): void {
    const { self, peerIntake, onSolicit } = this.#components
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from === self) return
      if (kind === FrameKind.solicit) {
        onSolicit(partition)
        return
      }
      if (kind !== FrameKind.beacon) throw malformed(Rejection.badKind, 'frame among solicits')
      const beacon = decodeBeacon(input)
      if (!beacon.presence) throw malformed(Rejection.badKind, 'beacon among solicits')
      if (partition === builtinPartition) {
        // An observer of everybody is nobody's peer for that.
        this.#components.onObserver()
        return
      }
      peerIntake.onPresence(from, beacon, source)
    })
  }

  /** A frame that the peer published on the stream lane: its own beacons and samples and nothing else. */
  onLiveFrame(peer: RemotePeer, body: Buffer): void {
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from !== peer.guid) throw malformed(Rejection.foreignSource, 'live frame')
      if (kind === FrameKind.beacon) this.#components.peerIntake.onLiveBeacon(peer, decodeBeacon(input))
      else if (kind === FrameKind.samples) this.#components.endpointMatcher.samples(peer, input)
      else if (kind === FrameKind.ask) this.#components.endpointMatcher.ask(peer, decodeAckRequest(input))
      else throw malformed(Rejection.badKind, 'live frame')
    })
  }

  /** @throws NumacastError NUMACAST_MALFORMED: the lane counts it, and the requester runs into its timeout */
  async onRequest(bytes: Buffer): Promise<Buffer> {
    const { counters, reception } = this.#components
    try {
      const request = decodeRequest(bytes)
      switch (request.ask) {
        case 'pull':
          return encodePullReply(await reception.pull(request))
        case 'introduce':
          return encodeHelloReply(await reception.introduce(request))
        case 'peers':
          return encodeGossipReply(reception.gossip(request))
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
