import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { invalidArgument, NumacastError } from '../core/errors.js'
import { type EntityGuid, type EntityId, type Guid, participantOf } from '../core/ids.js'
import type { Announcer } from '../discovery/announcer.js'
import { builtinPartition, resolvePartitions } from '../discovery/partition-groups.js'
import type { QosOptions } from '../qos/qos.js'
import { resolveQos } from '../qos/resolve.js'
import type { Transport } from '../transport/lane/transport.js'
import { encodeAckRequest } from '../wire/ack-request.js'
import { largeName, mirrorName } from '../wire/group.js'
import type { BuiltinFeed } from './builtin-feed.js'
import type { CatchUpClient } from './catchup/catch-up-client.js'
import type { LocalDelivery } from './catchup/local-delivery.js'
import type { SyncWaiters } from './catchup/sync-waiters.js'
import type { LocalEndpoints } from './endpoints/local-endpoints.js'
import type { EndpointMatcher } from './membership/endpoint-matcher.js'
import type { MatchedReaders } from './membership/matched-readers.js'
import type { PeerDirectory } from './membership/peer-directory.js'
import { isBuiltin } from './model/builtin-topics.js'
import { Lane, type Topic } from './model/topic.js'
import type { PartitionMembership } from './protocol/partition-membership.js'
import { Reader } from './reader/reader.js'
import type { ReaderOptions } from './reader/reader-options.js'
import { SharedLiveliness } from './writer/liveliness-lease.js'
import { Writer, type WriterOptions } from './writer/writer.js'

export interface EndpointFactoryComponents {
  readonly participant: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly transport: Transport
  readonly endpoints: LocalEndpoints
  readonly local: LocalDelivery
  readonly announcer: Announcer
  readonly membership: PartitionMembership
  readonly endpointMatcher: EndpointMatcher
  readonly matchedReaders: MatchedReaders
  readonly peers: PeerDirectory
  readonly catchUp: CatchUpClient
  readonly waiters: SyncWaiters
  readonly builtin: BuiltinFeed
  /** Resolves when those who were listed have had their chance to be found. */
  readonly settled: () => Promise<void>
}

/** Frames waiting in the kernel's hands above which writers hold back and conflate. */
const maxPendingFrames = 64
/** Live frames on the stream lane: large enough to batch, small enough not to stall others. */
const streamFrameBytes = 64 * 1024

/** Makes a participant's writers and readers, joins them to everything that serves them, and takes them apart again. */
export class EndpointFactory {
  readonly #components: EndpointFactoryComponents
  readonly #sharedLiveliness = new SharedLiveliness()
  #opening: Promise<void> | undefined

  constructor(components: EndpointFactoryComponents) {
    this.#components = components
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions, relayed: Reader<T> | undefined): Writer<T> {
    if (isBuiltin(topic)) throw invalidArgument(`topic '${topic.name}' is built in: nobody writes it`)
    return this.#writer(topic, resolvePartitions(options.partition), options.qos, relayed, false)
  }

  /** A writer of a built-in topic, for the readers of this participant. @throws NumacastError NUMACAST_LIMIT */
  feed<T extends object>(topic: Topic<T>): Writer<T> {
    return this.#writer(topic, [builtinPartition], undefined, undefined, true)
  }

  #writer<T extends object>(
    topic: Topic<T>,
    partitions: readonly string[],
    ownQos: QosOptions | undefined,
    relayed: Reader<T> | undefined,
    isHidden: boolean,
  ): Writer<T> {
    const { participant, clock, counters, transport, endpoints, membership, matchedReaders, peers } = this.#components
    const { datagram, stream } = transport
    const qos = resolveQos(topic.qos, ownQos)
    const entity = endpoints.newEntity('writer')
    const isStream = topic.lane === Lane.stream
    const groups = (isHidden ? [] : partitions).map((partition) => {
      const group = membership.dataGroup(partition)
      return { group, mirror: mirrorName(group.name), large: isStream ? group.name : largeName(group.name) }
    })
    const send = (frame: Buffer): void => {
      for (const { group, mirror } of groups) {
        if (isStream) stream.publish(group.name, frame)
        else {
          datagram.send(group, frame)
          stream.publish(mirror, frame)
        }
      }
    }
    const sendLarge = (frame: Buffer): boolean => {
      const isExpected = isStream || isHidden || local.info.large
      if (!isExpected) {
        endpoints.announceLarge(entity)
        void this.openLive()
      }
      for (const { large } of groups) stream.publish(large, frame)
      return isExpected
    }
    const writer = new Writer<T>(
      {
        participant,
        clock,
        counters,
        maxFrameBytes: isStream ? streamFrameBytes : datagram.maxBodyBytes,
        send,
        sendLarge,
        ask: (seq) => {
          this.#components.local.asked(local.writer)
          send(encodeAckRequest(participant, { writer: entity, seq }))
        },
        sharedLiveliness: this.#sharedLiveliness,
        congested: () => !isStream && datagram.pending > maxPendingFrames,
        hurry: () => this.#hurry(isHidden ? [] : partitions),
        sent: () => this.#components.local.written(local.writer),
        closed: () => this.#writerClosed(entity, isHidden ? [] : partitions),
      },
      { topic, entity, partitions, qos },
    )
    const local = endpoints.addWriter(writer, relayed, isHidden)
    this.#components.local.addWriter(local)
    if (isHidden) return writer
    matchedReaders.addWriter(peers.values(), local)
    if (isStream) void this.openLive()
    for (const partition of partitions) membership.write(partition)
    return writer
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T>): Reader<T> {
    const { participant, clock, counters, endpoints, membership, endpointMatcher, peers, catchUp, builtin } =
      this.#components
    const partitions = isBuiltin(topic) ? builtinOnly(topic, options) : resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    const entity = endpoints.newEntity('reader')
    const reader = new Reader<T>(
      {
        participant,
        clock,
        counters,
        synced: (id, signal) => this.#synced(id, signal),
        refresh: (writer) => this.#refresh(writer),
        resume: (writer) => this.#resume(writer),
        lastHeardMs: (proxy) => peers.get(participantOf(proxy.guid))?.monitor.lastHeardMs ?? clock.nowMs(),
        catchUpState: (proxy) => catchUp.stateOf(proxy, peers.get(participantOf(proxy.guid))),
        closed: () => {
          this.#readerClosed(entity, partitions)
          if (isBuiltin(topic)) builtin.closed()
        },
      },
      { topic, entity, partitions, qos },
      options,
    )
    const local = endpoints.addReader(reader)
    for (const partition of partitions) membership.read(partition)
    this.#components.local.addReader(local)
    endpointMatcher.addReader(peers.values(), local.reader, local.info)
    if (isBuiltin(topic)) builtin.opened()
    return reader
  }

  #writerClosed(entity: EntityId, partitions: readonly string[]): void {
    const { endpoints, local, membership, matchedReaders } = this.#components
    endpoints.removeWriter(entity)
    local.removeWriter(entity)
    matchedReaders.removeWriter(entity)
    this.#hurry(partitions)
    for (const partition of partitions) membership.stopWriting(partition)
  }

  #readerClosed(entity: EntityId, partitions: readonly string[]): void {
    const { endpoints, local, membership, endpointMatcher, peers, waiters } = this.#components
    const closed = endpoints.removeReader(entity)
    if (closed !== undefined) {
      local.removeReader(closed.reader)
      endpointMatcher.removeReader(peers.values(), closed.reader)
    }
    waiters.abandon(entity)
    for (const partition of partitions) membership.stopReading(partition)
  }

  async #synced(entity: EntityId, signal: AbortSignal | undefined): Promise<void> {
    const { membership, endpoints, waiters, settled } = this.#components
    await membership.ready()
    await settled()
    if (signal?.aborted === true) return
    const local = endpoints.reader(entity)
    if (local === undefined) {
      throw new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up')
    }
    return waiters.wait(entity, membership.exploredMs(local.info.partitions), signal)
  }

  /** Asks for the writer's cache again. */
  #refresh(writer: EntityGuid): void {
    const { peers, local, catchUp } = this.#components
    const peer = peers.get(participantOf(writer))
    if (peer === undefined) local.refresh(writer)
    else catchUp.afterSpread(peer)
  }

  /** Asks for what the writer has beyond the token. */
  #resume(writer: EntityGuid): void {
    const { peers, local, catchUp } = this.#components
    const peer = peers.get(participantOf(writer))
    if (peer === undefined) local.resume(writer)
    else catchUp.soon(peer)
  }

  #hurry(partitions: readonly string[]): void {
    for (const partition of partitions) this.#components.announcer.hurry(partition)
  }

  /** Live frames need a socket of their own, opened with the first that wants them by stream. Never rejects. */
  async openLive(): Promise<void> {
    this.#opening ??= this.#openLive()
    await this.#opening
  }

  async #openLive(): Promise<void> {
    const { endpoints, transport, counters } = this.#components
    try {
      await transport.stream.publishEndpoints()
      endpoints.endpointsChanged()
      this.#hurry([...endpoints.partitions().writes])
    } catch (error) {
      counters.addError('stream.failed.publish', error)
    }
  }
}

function builtinOnly<T>(topic: Topic<T>, { partition }: ReaderOptions<T>): readonly string[] {
  if (partition !== undefined)
    throw invalidArgument(`topic '${topic.name}' is built in: it has no partitions to choose from`)
  return [builtinPartition]
}
