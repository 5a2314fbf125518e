import { type EntityGuid, type EntityId, entityGuid, type Guid, type Seq } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import type { LocalHealth } from '../../liveliness/local-health.js'
import type { StreamLane } from '../../transport/lane/transport.js'
import { malformed, Rejection } from '../../wire/encoding/bytes.js'
import { decodeFenceReply, encodeFenceRequest, type FenceReply } from '../../wire/fence.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { type RemotePeer, requestEndpointsOf } from '../peer/remote-peer.js'
import type { CatchUpClient } from './catch-up-client.js'
import { failureReason } from './failure-reason.js'

/** What a participant answered to a fence. */
export interface FenceAnswer {
  readonly participant: Guid
  /** The number of the newest change of each of its writers, at the time of its answer; undefined when it was silent. */
  readonly heads: ReadonlyMap<EntityGuid, Seq> | undefined
  /** Version of its descriptor that names all these writers; 0 when it was silent. */
  readonly version: number
  /** Why there is no answer: `timeout`, `closed`, `unknown-peer`, or why the reply was rejected; null with an answer. */
  readonly failure: string | null
}

export interface FenceClientComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly catchUp: CatchUpClient
  /** Answers and timeouts are evidence of how well this participant receives. */
  readonly observer: { readonly local: Pick<LocalHealth, 'answered' | 'unanswered'> }
}

/** Asks participants for the present numbers of their writers. What the copies lack of them is caught up with. */
export class FenceClient {
  readonly #components: FenceClientComponents

  constructor(components: FenceClientComponents) {
    this.#components = components
  }

  /** Asks all of them at once. Never rejects: a participant that cannot be asked, or is silent, is part of the result. */
  ask(participants: readonly Guid[], timeoutMs: number, signal?: AbortSignal): Promise<FenceAnswer[]> {
    return Promise.all(participants.map((guid) => this.#ask(guid, timeoutMs, signal)))
  }

  async #ask(guid: Guid, timeoutMs: number, signal: AbortSignal | undefined): Promise<FenceAnswer> {
    const { self, peers, counters } = this.#components
    if (guid === self) return this.#ownAnswer()
    const peer = peers.get(guid)
    if (peer === undefined) return silent(guid, 'unknown-peer')
    try {
      return await this.#askPeer(peer, timeoutMs, signal)
    } catch (error) {
      if (signal?.aborted === true) return silent(guid, 'aborted')
      const failure = failureReason(error)
      counters.addError(`fence.failed.${failure}`, error)
      return silent(guid, failure)
    }
  }

  async #askPeer(peer: RemotePeer, timeoutMs: number, signal: AbortSignal | undefined): Promise<FenceAnswer> {
    const { clock, counters, stream, endpoints, observer } = this.#components
    const askedMs = clock.nowMs()
    const { identity } = endpoints.descriptor()
    const options = { timeoutMs, ...(signal !== undefined && { signal }) }
    let bytes: Buffer
    try {
      bytes = await stream.request(requestEndpointsOf(peer, identity), encodeFenceRequest(), options)
    } catch (error) {
      // Its frames arrive and its answer does not: the fault may be this participant's.
      const isTimeout = (error as { code?: unknown }).code === 'NUMACAST_TIMEOUT'
      if (isTimeout && peer.monitor.lastReceivedMs > askedMs) observer.local.unanswered(peer.guid)
      throw error
    }
    const reply = decodeFenceReply(bytes)
    if (reply.from !== peer.guid) throw malformed(Rejection.badValue, 'fence reply of another participant')
    counters.add('fence.answered')
    observer.local.answered()
    this.#apply(peer, reply, askedMs)
    const heads = reply.writers.map(({ writer, seq }) => [entityGuid(peer.guid, writer as EntityId), seq] as const)
    return { participant: peer.guid, heads: new Map(heads), version: reply.version, failure: null }
  }

  /** The reply is evidence of life. What the copies lack is requested as after a beacon. */
  #apply(peer: RemotePeer, { version, writers }: FenceReply, askedMs: number): void {
    const { clock, catchUp } = this.#components
    const nowMs = clock.nowMs()
    peer.monitor.answered(nowMs)
    peer.reachability.contacted(nowMs)
    peer.announcedVersion = Math.max(peer.announcedVersion, version)
    let mustPull = (peer.descriptor?.version ?? 0) < version
    for (const { writer, seq } of writers) {
      for (const { reader, proxy } of peer.matches.get(writer as EntityId) ?? []) {
        proxy.progress.announce(seq)
        reader.progressed(proxy, askedMs)
        mustPull ||= !proxy.started || proxy.progress.hasGap
      }
    }
    if (mustPull) catchUp.scheduleSpread(peer)
  }

  #ownAnswer(): FenceAnswer {
    const { self, endpoints } = this.#components
    const heads = new Map([...endpoints.writers()].map(({ writer }) => [writer.guid, writer.lastSeq]))
    return { participant: self, heads, version: endpoints.writersVersion, failure: null }
  }
}

function silent(participant: Guid, failure: string): FenceAnswer {
  return { participant, heads: undefined, version: 0, failure }
}
