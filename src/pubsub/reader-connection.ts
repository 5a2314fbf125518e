import type { CatchUpState } from '../cache/writer-progress.js'
import { closeEach } from '../core/close-all.js'
import { NumacastError } from '../core/errors.js'
import { type EntityGuid, type EntityId, participantOf } from '../core/ids.js'
import type { Clock } from '../core/time/clock.js'
import type { BuiltinFeed } from './builtin-feed.js'
import type { CatchUpClient } from './catchup/catch-up-client.js'
import type { LocalDelivery } from './catchup/local-delivery.js'
import type { SyncWaiters } from './catchup/sync-waiters.js'
import type { LocalEndpoints } from './endpoints/local-endpoints.js'
import type { EndpointMatcher } from './membership/endpoint-matcher.js'
import type { UnicastDiscovery } from './membership/unicast-discovery.js'
import type { PeerRegistry } from './peer/peer-registry.js'
import type { PartitionMembership } from './protocol/partition-membership.js'
import type { ReaderHost } from './reader/reader-feed.js'
import type { WriterProxy } from './reader/writer-proxy.js'

export interface ReaderConnectionComponents {
  readonly clock: Clock
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly local: LocalDelivery
  readonly catchUp: CatchUpClient
  readonly waiters: SyncWaiters
  readonly membership: PartitionMembership
  readonly discovery: UnicastDiscovery
  readonly endpointMatcher: EndpointMatcher
  readonly builtin: BuiltinFeed
}

export interface ReaderConnectionTarget {
  readonly entity: EntityId
  readonly partitions: readonly string[]
  /** It reads a built-in topic. */
  readonly isBuiltin: boolean
}

/** Reaches one reader's writers, here or at a peer, and takes the reader out again when it closes. */
export class ReaderConnection implements ReaderHost {
  readonly #components: ReaderConnectionComponents
  readonly #target: ReaderConnectionTarget

  constructor(components: ReaderConnectionComponents, target: ReaderConnectionTarget) {
    this.#components = components
    this.#target = target
  }

  async synced(signal: AbortSignal | undefined): Promise<void> {
    const { membership, endpoints, waiters, discovery } = this.#components
    const { entity, partitions } = this.#target
    await membership.ready()
    await discovery.settled()
    if (signal?.aborted === true) return
    if (endpoints.reader(entity) === undefined) {
      throw new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up')
    }
    return waiters.wait(entity, membership.exploredMs(partitions), signal)
  }

  refresh(writer: EntityGuid): void {
    const { peers, local, catchUp } = this.#components
    const peer = peers.get(participantOf(writer))
    if (peer === undefined) local.refresh(writer)
    else catchUp.scheduleSpread(peer)
  }

  resume(writer: EntityGuid): void {
    const { peers, local, catchUp } = this.#components
    const peer = peers.get(participantOf(writer))
    if (peer === undefined) local.resume(writer)
    else catchUp.scheduleNow(peer)
  }

  lastReceivedMs(writer: EntityGuid): number {
    const { peers, clock } = this.#components
    return peers.get(participantOf(writer))?.monitor.lastReceivedMs ?? clock.nowMs()
  }

  catchUpState(proxy: WriterProxy): CatchUpState {
    const { peers, catchUp } = this.#components
    return catchUp.stateOf(proxy, peers.get(participantOf(proxy.guid)))
  }

  readerClosed(): void {
    const { endpoints, local, membership, endpointMatcher, waiters, builtin } = this.#components
    const { entity, partitions, isBuiltin } = this.#target
    const guid = endpoints.removeReader(entity)?.reader.guid
    closeEach([
      () => guid !== undefined && local.removeReader(guid),
      () => guid !== undefined && endpointMatcher.removeReader(guid),
      () => waiters.reject(entity),
      ...partitions.map((partition) => () => membership.stopReading(partition)),
      () => isBuiltin && builtin.readerClosed(),
    ])
  }
}
