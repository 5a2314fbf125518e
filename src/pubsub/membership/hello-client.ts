import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { Guid } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import { malformed, Rejection, rejectionOf } from '../../wire/bytes.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { decodeHelloReply, encodeHello, type HelloReply } from '../../wire/hello.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import { type RemotePeer, requestEndpointsOf } from '../peer/remote-peer.js'
import type { PeerDirectory } from './peer-directory.js'
import type { PeerIntake } from './peer-intake.js'

/** What those need who meet others by request. */
export interface HelloComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly endpoints: LocalEndpoints
  readonly peers: PeerDirectory
  readonly peerIntake: PeerIntake
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
}

export interface HelloClientComponents extends HelloComponents {
  readonly relation: InterestFilter
}

/** Introductions under way at once; others wait for the next look, in random order. */
const maxInFlight = 64
const timeoutMs = 1_000

/**
 * Makes this participant known, by request, to peers that do not hear it, and asks those that have fallen silent. So
 * two that hear each other in one direction only, or not at all by multicast, still keep each other's lease.
 */
export class HelloClient {
  readonly #components: HelloClientComponents
  #inFlight = 0
  #closed = false

  constructor(components: HelloClientComponents) {
    this.#components = components
  }

  /** Looks whom to introduce itself to; a few times a second. */
  look(): void {
    const { clock, peers, relation, endpoints, observer } = this.#components
    const nowMs = clock.nowMs()
    const due: RemotePeer[] = []
    for (const peer of peers.values()) {
      const { descriptor, monitor, reachability, holdsVersion, pull } = peer
      const terms = {
        isDescribed: descriptor !== undefined,
        isSource: descriptor !== undefined && relation.isSource(descriptor),
        isObserved: relation.observes,
        isSink: descriptor !== undefined && relation.isSink(descriptor),
        isUpToDate: holdsVersion === endpoints.version,
        isAsked: pull.inFlight,
        quietFromMs: monitor.quietFromMs,
      }
      if (reachability.isIntroductionDue(terms, nowMs, observer.timeoutMultiplier)) due.push(peer)
    }
    for (const peer of this.#shuffled(due)) {
      if (this.#inFlight >= maxInFlight) return
      void this.#introduce(peer)
    }
  }

  /**
   * Introduces this participant to whoever answers at one of `requestEndpoints`, which are those of one participant.
   * @param known who is expected there
   * @param intervalMs until the next time; undefined: this is no acquaintance to be kept
   * @throws NumacastError NUMACAST_TIMEOUT, NUMACAST_CLOSED, NUMACAST_LIMIT, NUMACAST_INVALID_ARGUMENT, NUMACAST_MALFORMED
   */
  async ask(
    requestEndpoints: readonly string[],
    known: RemotePeer | undefined,
    intervalMs: number | undefined,
  ): Promise<HelloReply> {
    const { version } = this.#components.endpoints
    const isHeld = known !== undefined && known.holdsVersion === version
    const reply = await this.#send(requestEndpoints, known, intervalMs, !isHeld)
    // It has forgotten this participant, or is another one than was expected.
    return isHeld && reply.knows !== version ? this.#send(requestEndpoints, known, intervalMs, true) : reply
  }

  async #send(
    requestEndpoints: readonly string[],
    known: RemotePeer | undefined,
    intervalMs: number | undefined,
    isDescribed: boolean,
  ): Promise<HelloReply> {
    const { self, clock, counters, stream, endpoints, relation, observer } = this.#components
    const { timeoutMultiplier } = observer
    const theirs = known?.descriptor
    const request = encodeHello({
      from: self,
      version: endpoints.version,
      ...(isDescribed && { descriptor: endpoints.descriptor() }),
      knownVersion: theirs?.version ?? 0,
      hears:
        theirs !== undefined &&
        known?.reachability.hears(relation.isWanted(theirs), clock.nowMs(), timeoutMultiplier) === true,
      ...(intervalMs !== undefined && { intervalMs }),
    })
    counters.add('introduction.sent')
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

  /** Never rejects: a failure is counted and tried again. */
  async #introduce(peer: RemotePeer): Promise<void> {
    const { clock, random, counters, identity, peers, peerIntake, relation } = this.#components
    peer.reachability.introducing()
    this.#inFlight++
    try {
      const { descriptor } = peer
      const isMutual = descriptor === undefined || relation.isSource(descriptor) || relation.isSink(descriptor)
      const intervalMs = isMutual ? presenceIntervalMs : undefined
      const reply = await this.ask(requestEndpointsOf(peer, identity), peer, intervalMs)
      if (this.#closed || peers.get(peer.guid) !== peer) return
      if (reply.from !== peer.guid) throw malformed(Rejection.foreignSource, 'introduction reply')
      peer.reachability.introductionAnswered(clock.nowMs(), random())
      peerIntake.onAnswer(reply)
    } catch (error) {
      peer.reachability.introductionFailed(clock.nowMs(), random())
      counters.addError(`introduction.failed.${codeOf(error)}`, error)
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

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  return code === 'NUMACAST_TIMEOUT' ? 'timeout' : code === 'NUMACAST_CLOSED' ? 'closed' : rejectionOf(error)
}
