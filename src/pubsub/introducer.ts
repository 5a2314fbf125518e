import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import type { Guid } from '../core/ids.js'
import type { Random } from '../core/random.js'
import { presenceIntervalMs } from '../discovery/earshot.js'
import type { Observer } from '../liveliness/observer.js'
import type { StreamLane } from '../transport/transport.js'
import { malformed, Rejection, rejectionOf } from '../wire/bytes.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import { decodeIntroductionReply, encodeIntroduction, type IntroductionReply } from '../wire/introduction.js'
import type { Encounters } from './encounters.js'
import type { LocalEndpoints } from './local-endpoints.js'
import type { PeerDirectory } from './peer-directory.js'
import type { Relation } from './relation.js'
import { type RemotePeer, requestEndpointsOf } from './remote-peer.js'

/** What those need who meet others by request. */
export interface MeetingComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly endpoints: LocalEndpoints
  readonly peers: PeerDirectory
  readonly encounters: Encounters
  readonly observer: Pick<Observer, 'stretch'>
}

export interface IntroducerComponents extends MeetingComponents {
  readonly relation: Relation
}

/** Introductions under way at once; others wait for the next look, in random order. */
const maxInFlight = 64
const timeoutMs = 1_000

/**
 * Makes this participant known, by request, to peers that do not hear it, and asks those that have fallen silent. So
 * two that hear each other in one direction only, or not at all by multicast, still keep each other's lease.
 */
export class Introducer {
  readonly #components: IntroducerComponents
  #inFlight = 0
  #closed = false

  constructor(components: IntroducerComponents) {
    this.#components = components
  }

  /** Looks whom to introduce itself to; a few times a second. */
  look(): void {
    const { clock, peers, relation, endpoints, observer } = this.#components
    const nowMs = clock.nowMs()
    const due: RemotePeer[] = []
    for (const peer of peers.values()) {
      const { descriptor, monitor, earshot, holdsVersion, pull } = peer
      const terms = {
        isDescribed: descriptor !== undefined,
        isSource: descriptor !== undefined && relation.isSource(descriptor),
        isObserved: relation.observes,
        isAudience: descriptor !== undefined && relation.isAudience(descriptor),
        isUpToDate: holdsVersion === endpoints.version,
        isAsked: pull.inFlight,
        quietFromMs: monitor.quietFromMs,
      }
      if (earshot.isIntroductionDue(terms, nowMs, observer.stretch)) due.push(peer)
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
  ): Promise<IntroductionReply> {
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
  ): Promise<IntroductionReply> {
    const { self, clock, counters, stream, endpoints, relation, observer } = this.#components
    const { stretch } = observer
    const theirs = known?.descriptor
    const request = encodeIntroduction({
      from: self,
      version: endpoints.version,
      ...(isDescribed && { descriptor: endpoints.descriptor() }),
      knownVersion: theirs?.version ?? 0,
      hears: theirs !== undefined && known?.earshot.hears(relation.isWanted(theirs), clock.nowMs(), stretch) === true,
      ...(intervalMs !== undefined && { intervalMs }),
    })
    counters.add('introduction.sent')
    const reply = decodeIntroductionReply(
      await stream.request(requestEndpoints, request, { timeoutMs: timeoutMs * stretch }),
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
    const { clock, random, counters, identity, peers, encounters, relation } = this.#components
    peer.earshot.introducing()
    this.#inFlight++
    try {
      const { descriptor } = peer
      const isMutual = descriptor === undefined || relation.isSource(descriptor) || relation.isAudience(descriptor)
      const intervalMs = isMutual ? presenceIntervalMs : undefined
      const reply = await this.ask(requestEndpointsOf(peer, identity), peer, intervalMs)
      if (this.#closed || peers.get(peer.guid) !== peer) return
      if (reply.from !== peer.guid) throw malformed(Rejection.foreignSource, 'introduction reply')
      peer.earshot.introductionAnswered(clock.nowMs(), random())
      encounters.onAnswer(reply)
    } catch (error) {
      peer.earshot.introductionFailed(clock.nowMs(), random())
      counters.add(`introduction.failed.${codeOf(error)}`)
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
