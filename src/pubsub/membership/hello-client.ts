import type { Guid } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { malformed, Rejection } from '../../wire/encoding/bytes.js'
import { decodeHelloReply, encodeHello, type HelloReply } from '../../wire/hello.js'
import { receptionField } from '../../wire/reception.js'
import { failureReason } from '../catchup/failure-reason.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { type RemotePeer, requestEndpointsOf } from '../peer/remote-peer.js'
import type { PeerIntake } from './peer-intake.js'

export interface HelloClientComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly peerIntake: PeerIntake
  readonly interest: InterestFilter
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
}

/** Hellos under way at once; others wait for the next check, in random order. */
const maxInFlight = 64
const timeoutMs = 1_000

/**
 * Sends a hello, by request, to peers that do not receive this participant's multicast, and to peers that have fallen
 * silent. So two participants keep each other's lease although multicast works in one direction only, or not at all.
 */
export class HelloClient {
  readonly #components: HelloClientComponents
  #inFlight = 0
  #closed = false

  constructor(components: HelloClientComponents) {
    this.#components = components
  }

  /** Sends the hellos that are due. Call it a few times per second. */
  check(): void {
    const { clock, peers, interest, endpoints, observer } = this.#components
    const nowMs = clock.nowMs()
    const due: RemotePeer[] = []
    for (const peer of peers.values()) {
      const { descriptor, monitor, reachability, holdsVersion, pull } = peer
      const terms = {
        isDescribed: descriptor !== undefined,
        isSource: descriptor !== undefined && interest.isSource(descriptor),
        isObserved: interest.observes,
        isSink: descriptor !== undefined && interest.isSink(descriptor),
        isUpToDate: holdsVersion === endpoints.version,
        isAsked: pull.inFlight,
        quietFromMs: monitor.quietFromMs,
      }
      if (reachability.isHelloDue(terms, nowMs, observer.timeoutMultiplier)) due.push(peer)
    }
    for (const peer of this.#shuffled(due)) {
      if (this.#inFlight >= maxInFlight) return
      void this.#exchangeHello(peer)
    }
  }

  /**
   * Sends a hello to the participant that answers at one of `requestEndpoints`, which are those of one participant.
   * @param known the peer that is expected there
   * @param intervalMs time until the next hello; undefined: no further one is promised
   * @throws NumacastError NUMACAST_TIMEOUT, NUMACAST_CLOSED, NUMACAST_LIMIT, NUMACAST_INVALID_ARGUMENT, NUMACAST_MALFORMED
   */
  async sendHello(
    requestEndpoints: readonly string[],
    known: RemotePeer | undefined,
    intervalMs: number | undefined,
  ): Promise<HelloReply> {
    const { version } = this.#components.endpoints
    const isHeld = known !== undefined && known.holdsVersion === version
    const reply = await this.#send(requestEndpoints, known, intervalMs, !isHeld)
    // The peer has forgotten this participant, or another one answered than was expected.
    return isHeld && reply.knows !== version ? this.#send(requestEndpoints, known, intervalMs, true) : reply
  }

  async #send(
    requestEndpoints: readonly string[],
    known: RemotePeer | undefined,
    intervalMs: number | undefined,
    isDescribed: boolean,
  ): Promise<HelloReply> {
    const { self, clock, counters, stream, endpoints, interest, observer } = this.#components
    const { timeoutMultiplier } = observer
    const theirs = known?.descriptor
    const request = encodeHello({
      from: self,
      version: endpoints.version,
      ...(isDescribed && { descriptor: endpoints.descriptor() }),
      knownVersion: theirs?.version ?? 0,
      ...receptionField(
        theirs !== undefined &&
          known?.reachability.isReceiving(interest.isWanted(theirs), clock.nowMs(), timeoutMultiplier) === true,
      ),
      ...(intervalMs !== undefined && { intervalMs }),
    })
    counters.add('hello.sent')
    const reply = decodeHelloReply(
      await stream.request(requestEndpoints, request, { timeoutMs: timeoutMs * timeoutMultiplier }),
    )
    if (reply.descriptor !== undefined && reply.descriptor.guid !== reply.from) {
      throw malformed(Rejection.badValue, 'descriptor of another participant')
    }
    return reply
  }

  close(): void {
    this.#closed = true
  }

  /** Never rejects: a failure is counted and retried. */
  async #exchangeHello(peer: RemotePeer): Promise<void> {
    const { clock, random, counters, identity, peers, peerIntake, interest } = this.#components
    peer.reachability.helloSent()
    this.#inFlight++
    try {
      const { descriptor } = peer
      const isMutual = descriptor === undefined || interest.isSource(descriptor) || interest.isSink(descriptor)
      const intervalMs = isMutual ? presenceIntervalMs : undefined
      const reply = await this.sendHello(requestEndpointsOf(peer, identity), peer, intervalMs)
      if (this.#closed || peers.get(peer.guid) !== peer) return
      if (reply.from !== peer.guid) throw malformed(Rejection.foreignSource, 'hello reply')
      peer.reachability.helloAnswered(clock.nowMs(), random())
      peerIntake.onHelloReply(reply)
    } catch (error) {
      peer.reachability.helloFailed(clock.nowMs(), random())
      counters.addError(`hello.failed.${failureReason(error)}`, error)
    } finally {
      this.#inFlight--
    }
  }

  #shuffled(peers: RemotePeer[]): RemotePeer[] {
    for (let at = peers.length - 1; at > 0; at--) {
      const other = Math.floor(this.#components.random() * (at + 1))
      const moved = peers[at] as RemotePeer
      peers[at] = peers[other] as RemotePeer
      peers[other] = moved
    }
    return peers
  }
}
