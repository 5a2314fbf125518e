import { type Clock, systemClock, type Timer } from '../core/clock.js'
import { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import { type EntityId, type Guid, newGuid, participantOf } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import type { Random } from '../core/random.js'
import { Announcer } from '../discovery/announcer.js'
import { resolvePartitions } from '../discovery/partition-groups.js'
import type { Liveliness, LivelinessCause, ProcessProbe } from '../liveliness/verdict.js'
import { type ResolvedQos, resolveQos } from '../qos/qos.js'
import { openTransport } from '../transport/open.js'
import type { FrameSource, Transport } from '../transport/transport.js'
import { decodeBeacon, digestCapacity, encodeBeacon, encodeSolicit } from '../wire/beacon.js'
import { ByteReader, malformed, Rejection, rejectionOf } from '../wire/bytes.js'
import type { Descriptor, ProcessIdentity, ReaderInfo, WriterInfo } from '../wire/descriptor.js'
import { FrameKind, readHeader } from '../wire/header.js'
import { decodePullRequest, encodePullReply } from '../wire/pull.js'
import { CatchUpClient } from './catch-up-client.js'
import { CatchUpServer } from './catch-up-server.js'
import type { MismatchEvent, PeerEvent } from './events.js'
import { LiveSubscriptions } from './live-subscriptions.js'
import { Membership } from './membership.js'
import { MismatchLog } from './mismatch-log.js'
import {
  type ParticipantOptions,
  type ResolvedParticipantOptions,
  resolveParticipantOptions,
} from './participant-options.js'
import { PeerDirectory } from './peer-directory.js'
import { ownIdentity, probeProcess } from './process.js'
import { Reader, type ReaderOptions } from './reader.js'
import { Relay, type RelayOptions } from './relay.js'
import { type Peer, type RemotePeer, toPeer } from './remote-peer.js'
import { SyncWaiters } from './sync-waiters.js'
import { Lane, type Topic } from './topic.js'
import { Writer, type WriterOptions } from './writer.js'

/** What a participant stands on; each is made for real unless a test brings its own. */
export interface ParticipantComponents {
  readonly clock?: Clock
  /** Closed together with the participant. */
  readonly transport?: Transport
  readonly random?: Random
  readonly identity?: ProcessIdentity
  /** What the kernel says of a process of this host and PID namespace. */
  readonly probe?: (identity: ProcessIdentity) => ProcessProbe
}

/** A word of the kernel on a local peer; it beats every lease. */
export interface ProcessFact {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause
  readonly detail?: string
}

/** Frames waiting in the kernel's hands above which writers hold back and conflate. */
const maxPendingFrames = 64
/** Live frames on the stream lane: large enough to batch, small enough not to stall others. */
const streamFrameBytes = 64 * 1024
/** Writers, and readers, of one participant: what a descriptor may name. */
const maxEndpoints = 4096
/** How often verdicts, lifespans and purges are looked at. */
const tickMs = 250
/** A tick this late is the observer's own stall. */
const lateMs = 100

/**
 * Joins a domain on this host: opens its sockets, begins to listen and to announce itself.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT for an option, NUMACAST_TRANSPORT when a socket cannot be opened
 */
export async function joinDomain(
  options: ParticipantOptions = {},
  components: ParticipantComponents = {},
): Promise<Participant> {
  const resolved = resolveParticipantOptions(options)
  const clock = components.clock ?? systemClock
  const transport = components.transport ?? (await openTransport({ domain: resolved.domain, clock }))
  return new Participant(resolved, {
    clock,
    transport,
    random: components.random ?? Math.random,
    identity: components.identity ?? ownIdentity(),
    probe: components.probe ?? probeProcess,
  })
}

/**
 * One member of a domain: the maker of writers and readers, and the observer of its peers. Made by
 * {@link joinDomain}. Keeps the process alive until it is closed, as a server would.
 */
export class Participant {
  readonly guid: Guid = newGuid()
  readonly domain: number
  readonly name: string
  /** Wall-clock milliseconds at joining: of two claims to one name the higher is the later. */
  readonly incarnation: number
  readonly identity: ProcessIdentity
  readonly clock: Clock
  readonly counters = new Counters()
  readonly #options: ResolvedParticipantOptions
  readonly #transport: Transport
  readonly #announcer: Announcer
  readonly #membership: Membership
  readonly #peers: PeerDirectory
  readonly #catchUp: CatchUpClient
  readonly #waiters: SyncWaiters
  readonly #writers = new Map<EntityId, { readonly writer: Writer<object>; readonly info: WriterInfo }>()
  readonly #readers = new Map<
    EntityId,
    { readonly reader: Reader<object>; readonly info: ReaderInfo; exploredMs: number }
  >()
  readonly #peerListeners = new Listeners<PeerEvent>(() => this.counters.add('participant.listener-threw'))
  readonly #mismatchListeners = new Listeners<MismatchEvent>(() => this.counters.add('participant.listener-threw'))
  #liveEndpoints: readonly string[] = []
  #descriptorVersion = 1
  #beaconSequence = 0
  #nextEntity = 1
  #tick: Timer | undefined
  #tickDueMs = 0
  #loop = { delayMs: 0, untilMs: 0 }
  #closing: Promise<void> | undefined

  /** @internal Use {@link joinDomain}. */
  constructor(options: ResolvedParticipantOptions, components: Required<ParticipantComponents>) {
    const { clock, transport, random, identity, probe } = components
    this.#options = options
    this.domain = options.domain
    this.name = options.name
    this.incarnation = Math.floor(clock.wallMs())
    this.identity = identity
    this.clock = clock
    this.#transport = transport
    this.#announcer = new Announcer(
      {
        clock,
        random,
        beacon: (partition, goodbye) => this.#sendBeacon(partition, goodbye),
        solicit: (partition) => {
          transport.datagram.send(this.#membership.solicitGroup(partition), encodeSolicit(this.guid))
        },
      },
      options.beaconIntervalMs,
    )
    this.#membership = new Membership({
      domain: options.domain,
      transport,
      announcer: this.#announcer,
      onFrame: (body, from) => this.#onFrame(body, from),
      onSolicit: (partition) => this.#announcer.solicited(partition),
    })
    this.#catchUp = new CatchUpClient({
      clock,
      random,
      counters: this.counters,
      stream: transport.stream,
      descriptor: () => this.#descriptor(),
      crowd: () => this.#peers.size,
      described: (peer, descriptor) => this.#peers.described(peer, descriptor),
      progressed: () => this.#waiters.look(),
    })
    const mismatches = new MismatchLog(this.counters, (event) => this.#mismatchListeners.emit(event))
    const live = new LiveSubscriptions({
      stream: transport.stream,
      counters: this.counters,
      identity,
      groupName: (partition) => this.#membership.dataGroup(partition).name,
      onFrame: (peer, body) => this.#onLiveFrame(peer, body),
    })
    this.#peers = new PeerDirectory({
      clock,
      counters: this.counters,
      stream: transport.stream,
      identity,
      leaseMs: options.leaseMs,
      readers: () => this.#readers.values(),
      catchUp: this.#catchUp,
      probe,
      followLive: (peer) => live.follow(peer),
      onPeer: (event) => this.#peerListeners.emit(event),
      onSettled: () => this.#waiters.look(),
      mismatches,
    })
    this.#waiters = new SyncWaiters(clock, () => this.#peers.values())
    const server = new CatchUpServer({
      participant: this.guid,
      clock,
      counters: this.counters,
      descriptor: () => this.#descriptor(),
      writers: () => [...this.#writers.values()].map(({ writer }) => writer),
      mismatches,
    })
    transport.stream.serve((request) => this.#answer(server, request))
    this.#scheduleTick()
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions = {}): Writer<T> {
    this.#mustTakeOneMore('writers', this.#writers.size)
    const { datagram, stream } = this.#transport
    const partitions = resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    const entity = this.#nextEntity++ as EntityId
    const isStream = topic.lane === Lane.stream
    const groups = partitions.map((partition) => this.#membership.dataGroup(partition))
    const writer = new Writer<T>(
      {
        participant: this.guid,
        clock: this.clock,
        counters: this.counters,
        maxFrameBytes: isStream ? streamFrameBytes : datagram.maxBodyBytes,
        send: (frame) => {
          for (const group of groups) {
            if (isStream) stream.publish(group.name, frame)
            else datagram.send(group, frame)
          }
        },
        congested: () => !isStream && datagram.pending > maxPendingFrames,
        hurry: () => {
          for (const partition of partitions) this.#announcer.hurry(partition)
        },
        closed: () => this.#writerClosed(entity, partitions),
      },
      { topic, entity, partitions, qos },
      options,
    )
    const info: WriterInfo = {
      ...endpointInfo(entity, topic, partitions, qos),
      fields: [...topic.fields],
      lane: topic.lane,
    }
    this.#writers.set(entity, { writer, info })
    this.#descriptorVersion++
    if (isStream) void this.#openLive(partitions)
    for (const partition of partitions) this.#membership.write(partition)
    return writer
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T> = {}): Reader<T> {
    this.#mustTakeOneMore('readers', this.#readers.size)
    const partitions = resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    const entity = this.#nextEntity++ as EntityId
    const reader = new Reader<T>(
      {
        participant: this.guid,
        clock: this.clock,
        counters: this.counters,
        synced: (id, signal) => this.#synced(id, signal),
        catchUpState: (proxy) => this.#catchUp.stateOf(proxy, this.#peers.get(participantOf(proxy.guid))),
        closed: () => this.#readerClosed(entity, partitions),
      },
      { topic, entity, partitions, qos },
      options,
    )
    const info: ReaderInfo = endpointInfo(entity, topic, partitions, qos)
    const untyped = reader as unknown as Reader<object>
    const entry = { reader: untyped, info, exploredMs: this.clock.nowMs() }
    this.#readers.set(entity, entry)
    for (const partition of partitions) {
      this.#membership.read(partition, () => {
        entry.exploredMs = this.clock.nowMs()
      })
    }
    this.#peers.addReader(untyped, info)
    return reader
  }

  /** Passes on what `reader` gets; see {@link Relay}. */
  relay<T extends object>(reader: Reader<T>, options: RelayOptions<T>): Relay<T> {
    return new Relay(reader, this.writer(reader.topic, { partition: options.partition }), options)
  }

  /** Resolves when all sockets that its readers and writers need are open. @throws NumacastError NUMACAST_TRANSPORT */
  ready(): Promise<void> {
    return this.#membership.ready()
  }

  /** The peers whose descriptor is known. */
  peers(): readonly Peer[] {
    return [...this.#peers.values()].flatMap((peer) => toPeer(peer) ?? [])
  }

  peer(guid: Guid): Peer | undefined {
    const peer = this.#peers.get(guid)
    return peer === undefined ? undefined : toPeer(peer)
  }

  onPeer(listener: (event: PeerEvent) => void): Subscription {
    return this.#peerListeners.add(listener)
  }

  /** Writers and readers of one topic that cannot be matched, each pair once. */
  onMismatch(listener: (event: MismatchEvent) => void): Subscription {
    return this.#mismatchListeners.add(listener)
  }

  /** The kernel's word on a peer, from whoever watches its process. Unknown peers are ignored. */
  reportProcess(guid: Guid, fact: ProcessFact): void {
    const peer = this.#peers.get(guid)
    if (peer !== undefined) this.#peers.conclude(peer, fact.liveliness, fact.cause, fact.detail ?? null)
  }

  /** Sends what is waiting, says goodbye, and closes every socket. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const { writer } of this.#writers.values()) writer.drain()
    this.#announcer.close()
    this.#tick?.cancel()
    this.#catchUp.close()
    this.#waiters.abandon()
    for (const { writer } of [...this.#writers.values()]) writer.close()
    for (const { reader } of [...this.#readers.values()]) reader.close()
    this.#peers.close()
    this.#peerListeners.clear()
    this.#mismatchListeners.clear()
    await this.#transport.close()
  }

  #mustTakeOneMore(what: string, count: number): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', `participant '${this.name}' is closed`)
    if (count < maxEndpoints) return
    throw new NumacastError('NUMACAST_LIMIT', `participant '${this.name}' has ${count} ${what} already`)
  }

  #writerClosed(entity: EntityId, partitions: readonly string[]): void {
    this.#writers.delete(entity)
    this.#descriptorVersion++
    for (const partition of partitions) {
      this.#announcer.hurry(partition)
      this.#membership.stopWriting(partition)
    }
  }

  #readerClosed(entity: EntityId, partitions: readonly string[]): void {
    const closed = this.#readers.get(entity)
    this.#readers.delete(entity)
    if (closed !== undefined) this.#peers.removeReader(closed.reader)
    this.#waiters.abandon(entity)
    for (const partition of partitions) this.#membership.stopReading(partition)
  }

  async #synced(entity: EntityId, signal: AbortSignal | undefined): Promise<void> {
    await this.ready()
    if (signal?.aborted === true) return
    const entry = this.#readers.get(entity)
    if (entry === undefined)
      throw new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up')
    return this.#waiters.wait(entity, entry.exploredMs, signal)
  }

  #descriptor(): Descriptor {
    return {
      guid: this.guid,
      incarnation: this.incarnation,
      version: this.#descriptorVersion,
      name: this.name,
      identity: this.identity,
      properties: { ...this.#options.properties },
      requestEndpoints: [...this.#transport.stream.requestEndpoints],
      liveEndpoints: [...this.#liveEndpoints],
      writers: [...this.#writers.values()].map(({ info }) => info),
      readers: [...this.#readers.values()].map(({ info }) => info),
    }
  }

  #answer(server: CatchUpServer, bytes: Buffer): Buffer {
    try {
      const request = decodePullRequest(bytes)
      this.#peers.get(request.descriptor.guid)?.monitor.heard(this.clock.nowMs())
      return encodePullReply(server.answer(request))
    } catch (error) {
      this.counters.add(`request.rejected.${rejectionOf(error)}`)
      throw error
    }
  }

  #onFrame(body: Buffer, source: FrameSource): void {
    try {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from === this.guid) return
      if (kind === FrameKind.beacon) this.#peers.onBeacon(from, decodeBeacon(input), source)
      else if (kind === FrameKind.samples) this.#peers.onSamples(from, input, source)
      else throw malformed(Rejection.badKind, 'frame among data')
    } catch (error) {
      this.counters.add(`frame.rejected.${rejectionOf(error)}`)
    }
  }

  /** A frame that the peer published on the stream lane: its own samples and nothing else. */
  #onLiveFrame(peer: RemotePeer, body: Buffer): void {
    try {
      const input = new ByteReader(body)
      const { kind, from } = readHeader(input)
      if (from !== peer.guid) throw malformed(Rejection.foreignSource, 'live frame')
      if (kind !== FrameKind.samples) throw malformed(Rejection.badKind, 'live frame')
      this.#peers.onPeerSamples(peer, input)
    } catch (error) {
      this.counters.add(`frame.rejected.${rejectionOf(error)}`)
    }
  }

  #sendBeacon(partition: string, goodbye: boolean): void {
    const { datagram, stream } = this.#transport
    const digest = [...this.#writers.values()]
      .filter(({ writer }) => writer.partitions.includes(partition))
      .map(({ writer }) => ({ writer: writer.entity, lastSeq: writer.lastSeq }))
    const capacity = digestCapacity(datagram.maxBodyBytes)
    for (let start = 0; start === 0 || start < digest.length; start += capacity) {
      const beacon = encodeBeacon(this.guid, {
        incarnation: this.incarnation,
        sequence: this.#beaconSequence++ >>> 0,
        descriptorVersion: this.#descriptorVersion,
        goodbye,
        streamPort: stream.requestPort,
        intervalMs: this.#options.beaconIntervalMs,
        loopDelayMs: this.#loop.delayMs,
        digest: digest.slice(start, start + capacity),
      })
      datagram.send(this.#membership.dataGroup(partition), beacon)
    }
  }

  async #openLive(partitions: readonly string[]): Promise<void> {
    try {
      this.#liveEndpoints = await this.#transport.stream.publishEndpoints()
    } catch {
      this.counters.add('stream.failed.publish')
      return
    }
    this.#descriptorVersion++
    for (const partition of partitions) this.#announcer.hurry(partition)
  }

  #scheduleTick(): void {
    this.#tickDueMs = this.clock.nowMs() + tickMs
    this.#tick = this.clock.after(tickMs, () => {
      const nowMs = this.clock.nowMs()
      const lateBy = nowMs - this.#tickDueMs
      this.#measureLoop(lateBy, nowMs)
      this.#peers.judge(lateBy > lateMs ? lateBy : 0)
      for (const { writer } of this.#writers.values()) writer.sweep(nowMs)
      for (const { reader } of this.#readers.values()) reader.sweep(nowMs)
      if (this.#closing === undefined) this.#scheduleTick()
    })
  }

  /** Keeps the longest delay for a beacon interval, so that the beacons of every partition carry it. */
  #measureLoop(delayMs: number, nowMs: number): void {
    if (delayMs < this.#loop.delayMs && nowMs < this.#loop.untilMs) return
    this.#loop = { delayMs, untilMs: nowMs + 1.1 * this.#options.beaconIntervalMs }
  }
}

function endpointInfo(
  entity: EntityId,
  topic: Pick<Topic<object>, 'name' | 'typeHash'>,
  partitions: readonly string[],
  qos: ResolvedQos,
): ReaderInfo {
  return {
    entity,
    topic: topic.name,
    typeHash: topic.typeHash,
    partitions: [...partitions],
    qos: { reliability: qos.reliability, durability: qos.durability },
  }
}
