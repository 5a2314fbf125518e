import { type Clock, systemClock } from '../core/clock.js'
import { Counters } from '../core/counters.js'
import { NumacastError } from '../core/errors.js'
import { type Guid, newGuid } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import type { Liveliness, LivelinessCause } from '../liveliness/verdict.js'
import { openTransport } from '../transport/open.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import { Engine } from './engine.js'
import type { MismatchEvent, PeerEvent } from './events.js'
import type { ParticipantComponents } from './participant-components.js'
import {
  type ParticipantOptions,
  type ResolvedParticipantOptions,
  resolveParticipantOptions,
} from './participant-options.js'
import { ownIdentity, probeProcess } from './process.js'
import type { Reader } from './reader.js'
import type { ReaderOptions } from './reader-options.js'
import { Relay, type RelayOptions } from './relay.js'
import { type Peer, toPeer } from './remote-peer.js'
import type { Topic } from './topic.js'
import type { Writer, WriterOptions } from './writer.js'

/** A word of the kernel on a local peer; it beats every lease. */
export interface ProcessFact {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause
  readonly detail?: string
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
  const transport = components.transport ?? (await openTransport({ domain, clock, range, insecure, interfaces, port }))
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
  readonly #engine: Engine
  readonly #peerListeners = new Listeners<PeerEvent>(() => this.counters.add('participant.listener-threw'))
  readonly #mismatchListeners = new Listeners<MismatchEvent>(() => this.counters.add('participant.listener-threw'))
  #closing: Promise<void> | undefined

  /** @internal Use {@link joinDomain}. */
  constructor(options: ResolvedParticipantOptions, components: Required<ParticipantComponents>) {
    const { clock, identity } = components
    const { guid, counters } = this
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
        onPeer: (event) => this.#peerListeners.emit(event),
        onMismatch: (event) => this.#mismatchListeners.emit(event),
      },
    )
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
    return new Relay(reader, writer, options)
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

  /** Writers and readers of one topic that cannot be matched, each pair once. */
  onMismatch(listener: (event: MismatchEvent) => void): Subscription {
    return this.#mismatchListeners.add(listener)
  }

  /** The kernel's word on a peer, from whoever watches its process. Unknown peers are ignored. */
  reportProcess(guid: Guid, fact: ProcessFact): void {
    const peer = this.#engine.peers.get(guid)
    if (peer !== undefined) this.#engine.peers.conclude(peer, fact.liveliness, fact.cause, fact.detail ?? null)
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
    this.#peerListeners.clear()
    this.#mismatchListeners.clear()
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', `participant '${this.name}' is closed`)
  }
}
