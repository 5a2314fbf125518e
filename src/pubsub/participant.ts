import { afterBacklog } from '../core/after-backlog.js'
import { type Clock, systemClock, type Timer } from '../core/clock.js'
import { Counters } from '../core/counters.js'
import { publishPeer } from '../core/diagnostics.js'
import { ErrorReporter } from '../core/error-reporter.js'
import { invalidArgument, NumacastError } from '../core/errors.js'
import { type Guid, newGuid } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import { systemResolver } from '../discovery/name-resolver.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import type { ReceptionQuality } from '../liveliness/self-monitor.js'
import { type Liveliness, type LivelinessCause, VerdictEvidence } from '../liveliness/verdict.js'
import { LivelinessKind } from '../qos/policies.js'
import { openTransport } from '../transport/open.js'
import { StreamReach } from '../transport/transport-options.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import { Relay, type RelayOptions } from './endpoints/relay.js'
import { Engine } from './engine.js'
import type { HealthEvent, MismatchEvent, PeerEvent } from './model/events.js'
import type { Peer } from './model/peer.js'
import type { Topic } from './model/topic.js'
import type { ParticipantComponents } from './participant-components.js'
import {
  type ParticipantOptions,
  type ResolvedParticipantOptions,
  resolveParticipantOptions,
} from './participant-options.js'
import { kernelProbe, ownIdentity } from './peer/own-process.js'
import { PeerEventBatches } from './peer/peer-event-batches.js'
import { toPeer } from './peer/remote-peer.js'
import type { Reader } from './reader/reader.js'
import type { ReaderOptions } from './reader/reader-options.js'
import type { Writer, WriterOptions } from './writer/writer.js'

/** A word on a peer from somebody who knows; it beats every lease. */
export interface ProcessFact {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause
  readonly detail?: string
  /** @default 'kernel' */
  readonly evidence?: VerdictEvidence
}

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
  const { domain, range, insecure, interfaces, port } = resolved
  // Those whom it dials must be able to dial back.
  const isNetworked = insecure && resolved.peers.length > 0
  const streamReach = isNetworked ? { streamReach: StreamReach.network } : {}
  const transport =
    components.transport ?? (await openTransport({ domain, clock, range, insecure, interfaces, port, ...streamReach }))
  return new Participant(resolved, {
    clock,
    transport,
    random: components.random ?? Math.random,
    identity: components.identity ?? ownIdentity(),
    probe: components.probe ?? kernelProbe(),
    resolve: components.resolve ?? systemResolver,
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
  readonly #engine: Engine
  readonly #peerListeners = new Listeners<PeerEvent>(this.counters, 'participant.listener-threw')
  readonly #mismatchListeners = new Listeners<MismatchEvent>(this.counters, 'participant.listener-threw')
  readonly #batchListeners = new Listeners<readonly PeerEvent[]>(this.counters, 'participant.listener-threw')
  readonly #healthListeners = new Listeners<HealthEvent>(this.counters, 'participant.listener-threw')
  readonly #batches: PeerEventBatches
  #health: ObserverHealth
  #closing: Promise<void> | undefined

  /** @internal Use {@link joinDomain}. */
  constructor(options: ResolvedParticipantOptions, components: Required<ParticipantComponents>) {
    const { clock, identity } = components
    const { guid, counters } = this
    const reporter = new ErrorReporter({ logger: options.logger, participant: guid })
    const { datagram, stream } = components.transport
    for (const reporting of [counters, datagram.counters, stream.counters]) reporting.reportTo(reporter)
    this.domain = options.domain
    this.name = options.name
    this.incarnation = Math.floor(clock.wallMs())
    this.identity = identity
    this.clock = clock
    const { name, incarnation } = this
    this.#engine = new Engine(
      { guid, incarnation, name, identity, properties: options.properties },
      options,
      components,
      {
        counters,
        onPeer: (event) => this.#onPeer(event),
        onMismatch: (event) => this.#mismatchListeners.emit(event),
        onHealth: (health) => this.#onHealth(health),
      },
    )
    this.#batches = new PeerEventBatches(clock, (batch) => this.#batchListeners.emit(batch))
    this.#health = this.#engine.observer.health
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions = {}): Writer<T> {
    this.#mustBeOpen()
    return this.#engine.factory.writer(topic, options, undefined)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T> = {}): Reader<T> {
    this.#mustBeOpen()
    return this.#engine.factory.reader(topic, options)
  }

  /** Passes on what `reader` gets; see {@link Relay}. */
  relay<T extends object>(reader: Reader<T>, options: RelayOptions<T>): Relay<T> {
    this.#mustBeOpen()
    const writer = this.#engine.factory.writer(reader.topic, { partition: options.partition }, reader)
    return new Relay(reader, writer, options, this.counters)
  }

  /** Resolves when all sockets that its readers and writers need are open. @throws NumacastError NUMACAST_TRANSPORT */
  ready(): Promise<void> {
    return this.#engine.membership.ready()
  }

  /** The peers whose descriptor is known. */
  peers(): readonly Peer[] {
    return [...this.#engine.peers.values()].flatMap((peer) => toPeer(peer) ?? [])
  }

  peer(guid: Guid): Peer | undefined {
    const peer = this.#engine.peers.get(guid)
    return peer === undefined ? undefined : toPeer(peer)
  }

  onPeer(listener: (event: PeerEvent) => void): Subscription {
    return this.#peerListeners.add(listener)
  }

  /**
   * As {@link onPeer}, in batches at least 20 ms apart: one crash is told in the same turn of the event loop, a storm of
   * restarts in a few calls.
   */
  onPeers(listener: (events: readonly PeerEvent[]) => void): Subscription {
    return this.#batchListeners.add(listener)
  }

  /**
   * How far this participant trusts its own verdicts: its patience grows with the score, and while most peers are late
   * nobody is found dead for silence alone.
   */
  get health(): ObserverHealth {
    return this.#engine.observer.health
  }

  /** @internal For those who measure the silence of others by what arrives here. */
  get listening(): ReceptionQuality {
    return this.#engine.observer
  }

  /** @internal Whether its frames arrive here: it has been met, perhaps only by a beacon, and not given up. */
  hears(guid: Guid): boolean {
    return this.#engine.peers.get(guid) !== undefined
  }

  /** @internal Frames on the datagram lane that the kernel has not taken yet. */
  get pendingDatagrams(): number {
    return this.#engine.pendingDatagrams
  }

  onHealth(listener: (event: HealthEvent) => void): Subscription {
    return this.#healthListeners.add(listener)
  }

  /**
   * Counts completed work. Peers hear the count with each beacon: a loop that is late while it rises is at work, and
   * not `stalled`.
   * @param completed a whole number, 1 or more
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT
   */
  reportProgress(completed = 1): void {
    if (!Number.isSafeInteger(completed) || completed < 1) {
      throw invalidArgument(`completed must be a whole number from 1, not ${completed}`)
    }
    this.#engine.beacons.completed(completed)
  }

  /** Writers and readers of one topic that cannot be matched, each pair once. */
  onMismatch(listener: (event: MismatchEvent) => void): Subscription {
    return this.#mismatchListeners.add(listener)
  }

  /**
   * Says that the program is alive, for all its writers of liveliness `manual-by-participant`; see
   * {@link Writer.assertLiveliness}. Any write by one of them says the same.
   *
   * @throws NumacastError NUMACAST_CLOSED
   */
  assertLiveliness(): void {
    this.#mustBeOpen()
    for (const { writer } of this.#engine.endpoints.writers()) {
      if (writer.qos.liveliness === LivelinessKind.manualByParticipant) writer.assertLiveliness()
    }
  }

  /**
   * Calls `fire` once every datagram that has come by now has been read, so that news from elsewhere does not overtake
   * what a peer said before. On a later turn of the event loop at the earliest.
   */
  onceRead(fire: () => void): Timer {
    return afterBacklog(this.clock, () => this.#engine.received, fire)
  }

  /** The kernel's word on a peer, from whoever watches its process. Unknown peers are ignored. */
  reportProcess(guid: Guid, { liveliness, cause, detail, evidence }: ProcessFact): void {
    const peer = this.#engine.peers.get(guid)
    if (peer === undefined) return
    const finding = { liveliness, cause, detail: detail ?? null, evidence: evidence ?? VerdictEvidence.kernel }
    this.#engine.peers.conclude(peer, finding)
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
    await this.#engine.close()
    this.#batches.close()
    this.#batchListeners.clear()
    this.#healthListeners.clear()
    this.#peerListeners.clear()
    this.#mismatchListeners.clear()
  }

  #onPeer(event: PeerEvent): void {
    if (this.#batchListeners.size > 0) this.#batches.add(event)
    this.#peerListeners.emit(event)
    publishPeer(this.guid, event)
  }

  #onHealth(health: ObserverHealth): void {
    const before = this.#health
    if (health === before) return
    this.#health = health
    if (health.reason === before.reason) return
    const kind = health.degraded ? 'degraded' : 'recovered'
    this.counters.add(`participant.${kind}`)
    this.#healthListeners.emit({ kind, health, before })
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', `participant '${this.name}' is closed`)
  }
}
