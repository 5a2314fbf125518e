import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import type { Guid } from '../core/ids.js'
import type { FrameSource } from '../transport/transport.js'
import { decodeAsk } from '../wire/ask.js'
import { decodeBeacon } from '../wire/beacon.js'
import { ByteReader, malformed, Rejection, rejectionOf } from '../wire/bytes.js'
import { FrameKind, readHeader } from '../wire/header.js'
import { decodePullRequest, encodePullReply } from '../wire/pull.js'
import type { CatchUpServer } from './catch-up-server.js'
import type { Matchmaker } from './matchmaker.js'
import type { PeerDirectory } from './peer-directory.js'
import type { RemotePeer } from './remote-peer.js'

export interface InboundComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly peers: PeerDirectory
  readonly matchmaker: Matchmaker
  readonly server: CatchUpServer
}

/**
 * Where everything from outside comes in. What does not follow the wire format is counted by its reason
 * (`frame.rejected.…`, `request.rejected.…`) and goes no further; nothing is thrown into a lane.
 */
export class Inbound {
  readonly #components: InboundComponents

  constructor(components: InboundComponents) {
    this.#components = components
  }

  /** A datagram of a partition that this participant reads. */
  onFrame(body: Buffer, source: FrameSource): void {
    const { self, peers } = this.#components
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from === self) return
      if (kind === FrameKind.beacon) peers.onBeacon(from, decodeBeacon(input), source)
      else if (kind === FrameKind.samples) peers.onSamples(from, input, source)
      else if (kind === FrameKind.ask) peers.onAsk(from, decodeAsk(input), source)
      else throw malformed(Rejection.badKind, 'frame among data')
    })
  }

  /** A frame that the peer published on the stream lane: its own samples and nothing else. */
  onLiveFrame(peer: RemotePeer, body: Buffer): void {
    this.#guard(() => {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from !== peer.guid) throw malformed(Rejection.foreignSource, 'live frame')
      if (kind === FrameKind.samples) this.#components.matchmaker.samples(peer, input)
      else if (kind === FrameKind.ask) this.#components.matchmaker.ask(peer, decodeAsk(input))
      else throw malformed(Rejection.badKind, 'live frame')
    })
  }

  /** @throws NumacastError NUMACAST_MALFORMED: the lane counts it, and the requester runs into its timeout */
  onRequest(bytes: Buffer): Buffer {
    const { clock, counters, peers, server } = this.#components
    try {
      const request = decodePullRequest(bytes)
      peers.get(request.descriptor.guid)?.monitor.heard(clock.nowMs())
      return encodePullReply(server.answer(request))
    } catch (error) {
      counters.add(`request.rejected.${rejectionOf(error)}`)
      throw error
    }
  }

  #guard(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#components.counters.add(`frame.rejected.${rejectionOf(error)}`)
    }
  }
}
