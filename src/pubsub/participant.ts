import { type Clock, systemClock } from '../core/clock.js'
import { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import { type EntityGuid, type EntityId, type Guid, newGuid, participantOf } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import type { Random } from '../core/random.js'
import { Announcer } from '../discovery/announcer.js'
import { resolvePartitions } from '../discovery/partition-groups.js'
import type { Liveliness, LivelinessCause, ProcessProbe } from '../liveliness/verdict.js'
import { resolveQos } from '../qos/qos.js'
import { openTransport } from '../transport/open.js'
import type { Transport } from '../transport/transport.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import { BeaconSender } from './beacon-sender.js'
import { CatchUpClient } from './catch-up-client.js'
import { CatchUpServer } from './catch-up-server.js'
import type { MismatchEvent, PeerEvent } from './events.js'
import { Inbound } from './inbound.js'
import { LiveSubscriptions } from './live-subscriptions.js'
import { LocalDelivery } from './local-delivery.js'
import { LocalEndpoints } from './local-endpoints.js'
import { Matchmaker } from './matchmaker.js'
import { Membership } from './membership.js'
import { MismatchLog } from './mismatch-log.js'
import {
  type ParticipantOptions,
  type ResolvedParticipantOptions,
  resolveParticipantOptions,
} from './participant-options.js'
import { PeerDirectory } from './peer-directory.js'
import { ownIdentity, probeProcess } from './process.js'
import { Pulse } from './pulse.js'
import { Reader, type ReaderOptions } from './reader.js'
import { Relay, type RelayOptions } from './relay.js'
import { type Peer, toPeer } from './remote-peer.js'
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
  readonly #transport: Transport
  readonly #endpoints: LocalEndpoints
  readonly #local: LocalDelivery
  readonly #announcer: Announcer
  readonly #membership: Membership
  readonly #matchmaker: Matchmaker
  readonly #peers: PeerDirectory
  readonly #catchUp: CatchUpClient
  readonly #waiters: SyncWaiters
  readonly #pulse: Pulse
  readonly #peerListeners = new Listeners<PeerEvent>(() => this.counters.add('participant.listener-threw'))
  readonly #mismatchListeners = new Listeners<MismatchEvent>(() => this.counters.add('participant.listener-threw'))
  #closing: Promise<void> | undefined

  /** @internal Use {@link joinDomain}. */
  constructor(options: ResolvedParticipantOptions, components: Required<ParticipantComponents>) {
    const { clock, transport, random, identity, probe } = components
    const { guid, counters } = this
    const { stream, datagram } = transport
    this.domain = options.domain
    this.name = options.name
    this.incarnation = Math.floor(clock.wallMs())
    this.identity = identity
    this.clock = clock
    this.#transport = transport
    const { name, incarnation } = this
    this.#endpoints = new LocalEndpoints({ guid, incarnation, name, identity, properties: options.properties }, stream)
    const beacons = new BeaconSender({
      guid,
      incarnation,
      intervalMs: options.beaconIntervalMs,
      datagram,
      stream,
      endpoints: this.#endpoints,
      dataGroup: (partition) => this.#membership.dataGroup(partition),
      solicitGroup: (partition) => this.#membership.solicitGroup(partition),
      loopDelayMs: () => this.#pulse.loopDelayMs,
    })
    this.#announcer = new Announcer(
      {
        clock,
        random,
        beacon: (partition, goodbye) => beacons.beacon(partition, goodbye),
        solicit: (partition) => beacons.solicit(partition),
      },
      options.beaconIntervalMs,
    )
    this.#membership = new Membership({
      domain: options.domain,
      transport,
      announcer: this.#announcer,
      onFrame: (body, from) => inbound.onFrame(body, from),
      onSolicit: (partition) => this.#announcer.solicited(partition),
    })
    this.#catchUp = new CatchUpClient({
      clock,
      random,
      counters,
      stream,
      descriptor: () => this.#endpoints.descriptor(),
      crowd: () => this.#peers.size,
      described: (peer, descriptor) => this.#peers.described(peer, descriptor),
      progressed: () => this.#waiters.look(),
    })
    const mismatches = new MismatchLog(counters, (event) => this.#mismatchListeners.emit(event))
    const live = new LiveSubscriptions({
      stream,
      counters,
      identity,
      groupName: (partition) => this.#membership.dataGroup(partition).name,
      onFrame: (peer, body) => inbound.onLiveFrame(peer, body),
    })
    this.#matchmaker = new Matchmaker({
      clock,
      counters,
      readers: () => this.#endpoints.readers(),
      catchUp: this.#catchUp,
      followLive: (peer) => live.follow(peer),
      mismatches,
    })
    this.#peers = new PeerDirectory({
      clock,
      counters,
      stream,
      identity,
      leaseMs: options.leaseMs,
      catchUp: this.#catchUp,
      matchmaker: this.#matchmaker,
      probe,
      onPeer: (event) => this.#peerListeners.emit(event),
      onSettled: () => this.#waiters.look(),
    })
    this.#waiters = new SyncWaiters(clock, () => this.#peers.values())
    const server = new CatchUpServer({ participant: guid, clock, counters, endpoints: this.#endpoints, mismatches })
    this.#local = new LocalDelivery({ participant: guid, endpoints: this.#endpoints, server, mismatches })
    const inbound = new Inbound({
      self: guid,
      clock,
      counters,
      peers: this.#peers,
      matchmaker: this.#matchmaker,
      server,
    })
    stream.serve((request) => inbound.onRequest(request))
    this.#pulse = new Pulse(clock, 1.1 * options.beaconIntervalMs, (nowMs, stalledMs) => {
      this.#peers.judge(stalledMs)
      for (const { writer } of this.#endpoints.writers()) writer.sweep(nowMs)
      for (const { reader } of this.#endpoints.readers()) reader.sweep(nowMs)
    })
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions = {}): Writer<T> {
    return this.#makeWriter(topic, options, undefined)
  }

  #makeWriter<T extends object>(topic: Topic<T>, options: WriterOptions, relayed: Reader<T> | undefined): Writer<T> {
    this.#mustBeOpen()
    const { datagram, stream } = this.#transport
    const partitions = resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    const entity = this.#endpoints.newEntity('writer')
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
        hurry: () => this.#hurry(partitions),
        sent: () => this.#local.written(local.writer),
        closed: () => this.#writerClosed(entity, partitions),
      },
      { topic, entity, partitions, qos },
      options,
    )
    const local = this.#endpoints.addWriter(writer, relayed)
    this.#local.addWriter(local)
    if (isStream) void this.#openLive(partitions)
    for (const partition of partitions) this.#membership.write(partition)
    return writer
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T> = {}): Reader<T> {
    this.#mustBeOpen()
    const partitions = resolvePartitions(options.partition)
    const qos = resolveQos(topic.qos, options.qos)
    const entity = this.#endpoints.newEntity('reader')
    const reader = new Reader<T>(
      {
        participant: this.guid,
        clock: this.clock,
        counters: this.counters,
        synced: (id, signal) => this.#synced(id, signal),
        refresh: (writer) => this.#refresh(writer),
        catchUpState: (proxy) => this.#catchUp.stateOf(proxy, this.#peers.get(participantOf(proxy.guid))),
        closed: () => this.#readerClosed(entity, partitions),
      },
      { topic, entity, partitions, qos },
      options,
    )
    const local = this.#endpoints.addReader(reader, this.clock.nowMs())
    for (const partition of partitions) {
      this.#membership.read(partition, () => {
        local.exploredMs = this.clock.nowMs()
      })
    }
    this.#local.addReader(local)
    this.#matchmaker.addReader(this.#peers.values(), local.reader, local.info)
    return reader
  }

  /** Passes on what `reader` gets; see {@link Relay}. */
  relay<T extends object>(reader: Reader<T>, options: RelayOptions<T>): Relay<T> {
    return new Relay(reader, this.#makeWriter(reader.topic, { partition: options.partition }, reader), options)
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
    for (const { writer } of this.#endpoints.writers()) writer.drain()
    this.#announcer.close()
    this.#pulse.close()
    this.#catchUp.close()
    this.#waiters.abandon()
    this.#local.close()
    for (const { writer } of [...this.#endpoints.writers()]) writer.close()
    for (const { reader } of [...this.#endpoints.readers()]) reader.close()
    this.#peers.close()
    this.#peerListeners.clear()
    this.#mismatchListeners.clear()
    await this.#transport.close()
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', `participant '${this.name}' is closed`)
  }

  #writerClosed(entity: EntityId, partitions: readonly string[]): void {
    this.#endpoints.removeWriter(entity)
    this.#local.removeWriter(entity)
    this.#hurry(partitions)
    for (const partition of partitions) this.#membership.stopWriting(partition)
  }

  #readerClosed(entity: EntityId, partitions: readonly string[]): void {
    const closed = this.#endpoints.removeReader(entity)
    if (closed !== undefined) {
      this.#local.removeReader(closed.reader)
      this.#matchmaker.removeReader(this.#peers.values(), closed.reader)
    }
    this.#waiters.abandon(entity)
    for (const partition of partitions) this.#membership.stopReading(partition)
  }

  async #synced(entity: EntityId, signal: AbortSignal | undefined): Promise<void> {
    await this.ready()
    if (signal?.aborted === true) return
    const local = this.#endpoints.reader(entity)
    if (local === undefined) {
      throw new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up')
    }
    return this.#waiters.wait(entity, local.exploredMs, signal)
  }

  /** Asks for the writer's cache again. */
  #refresh(writer: EntityGuid): void {
    const peer = this.#peers.get(participantOf(writer))
    if (peer === undefined) this.#local.refresh(writer)
    else this.#catchUp.afterSpread(peer)
  }

  #hurry(partitions: readonly string[]): void {
    for (const partition of partitions) this.#announcer.hurry(partition)
  }

  /** Live frames need a socket of their own, opened with the first writer that sends them. */
  async #openLive(partitions: readonly string[]): Promise<void> {
    try {
      this.#endpoints.setLiveEndpoints(await this.#transport.stream.publishEndpoints())
      this.#hurry(partitions)
    } catch {
      this.counters.add('stream.failed.publish')
    }
  }
}
