import { invalidArgument, NumacastError } from '../core/errors.js'
import { type Guid, newGuid } from '../core/ids.js'
import { loadZod } from '../core/lazy-schema.js'
import { Lifetime } from '../core/lifetime.js'
import { Counters } from '../core/reporting/counters.js'
import { ErrorReporter } from '../core/reporting/error-reporter.js'
import type { Subscription } from '../core/reporting/listeners.js'
import { afterBacklog } from '../core/time/after-backlog.js'
import { type Clock, systemClock, type Timer } from '../core/time/clock.js'
import { RepeatingTimer } from '../core/time/repeating-timer.js'
import { systemResolver } from '../discovery/name-resolver.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import type { ReceptionQuality } from '../liveliness/self-monitor.js'
import { type Liveliness, type LivelinessCause, VerdictEvidence } from '../liveliness/verdict.js'
import { LivelinessKind } from '../qos/policies.js'
import { openTransport } from '../transport/open.js'
import { StreamReach } from '../transport/transport-options.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { FenceAnswer } from './catchup/fence-client.js'
import { Relay, type RelayOptions } from './endpoints/relay.js'
import { Engine } from './engine.js'
import { EventStream, type EventStreamOptions } from './model/event-stream.js'
import type { HealthEvent, MismatchEvent, PeerEvent } from './model/events.js'
import type { Peer } from './model/peer.js'
import type { Topic } from './model/topic.js'
import type { ParticipantComponents } from './participant-components.js'
import { type JoinOptions, type ResolvedParticipantOptions, resolveParticipantOptions } from './participant-options.js'
import { kernelProbe, ownIdentity } from './peer/own-process.js'
import { type CheckOwnProcess, ownProcessCheck, ownProcessCheckMs, restoredError } from './peer/own-process-check.js'
import { toPeer } from './peer/remote-peer.js'
import type { Reader } from './reader/reader.js'
import type { ReaderOptions } from './reader/reader-options.js'
import type { Writer } from './writer/writer.js'
import type { WriterOptions } from './writer/writer-options.js'

/** Evidence about a peer from an authority (for example its pidfd). Overrides every lease. */
export interface ProcessFact {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause
  readonly detail?: string
  /** @default 'kernel' */
  readonly evidence?: VerdictEvidence
}

/**
 * Joins a domain on this host: opens its sockets, starts to receive and to announce itself.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT for an option; NUMACAST_TRANSPORT when a socket cannot be opened;
 * NUMACAST_UNAVAILABLE when the host's identity cannot be read now
 * @throws the signal's reason when `options.signal` aborts before the domain is joined
 */
export async function joinDomain(
  options: JoinOptions = {},
  components: ParticipantComponents = {},
): Promise<Participant> {
  const { signal, ...participantOptions } = options
  signal?.throwIfAborted()
  await loadZod()
  const resolved = resolveParticipantOptions(participantOptions)
  const clock = components.clock ?? systemClock
  // Before the sockets take the last descriptors.
  const identity = components.identity ?? ownIdentity()
  const { domain, range, insecure, interfaces, port } = resolved
  // Peers that it dials must be able to dial back.
  const isNetworked = insecure && resolved.peers.length > 0
  const streamReach = isNetworked ? { streamReach: StreamReach.network } : {}
  const transport =
    components.transport ?? (await openTransport({ domain, clock, range, insecure, interfaces, port, ...streamReach }))
  try {
    // It may have aborted while the sockets were opened.
    signal?.throwIfAborted()
    const isOwn = components.identity === undefined
    const resolvedComponents = {
      clock,
      transport,
      random: components.random ?? Math.random,
      identity,
      checkOwnProcess: components.checkOwnProcess ?? (isOwn ? ownProcessCheck(identity) : () => null),
      probe: components.probe ?? kernelProbe(),
      resolve: components.resolve ?? systemResolver,
    }
    return new Participant(resolved, resolvedComponents, signal)
  } catch (error) {
    await transport.close().catch((failure) => {
      const counters = new Counters(new ErrorReporter({ logger: resolved.logger }))
      counters.addError('participant.close-failed', failure)
    })
    throw error
  }
}

/**
 * One member of a domain: makes writers and readers, and observes its peers. Made by {@link joinDomain}. Keeps the
 * process alive until it is closed, as a server would.
 */
export class Participant {
  readonly guid: Guid = newGuid()
  readonly domain: number
  readonly name: string
  /** Wall-clock milliseconds at joining: of two claims to one name the higher one is later. */
  readonly incarnation: number
  readonly identity: ProcessIdentity
  readonly clock: Clock
  readonly counters = new Counters()
  readonly #engine: Engine
  readonly #lifetime: Lifetime
  readonly #checkingProcess: RepeatingTimer
  readonly #restored = new AbortController()
  #closing: Promise<void> | undefined

  /** @internal Use {@link joinDomain}. */
  constructor(options: ResolvedParticipantOptions, components: Required<ParticipantComponents>, signal?: AbortSignal) {
    const { clock, identity } = components
    const { domain, name, properties } = options
    const incarnation = Math.floor(clock.wallMs())
    const reporter = new ErrorReporter({ logger: options.logger, participant: this.guid })
    const { datagram, stream } = components.transport
    for (const counters of [this.counters, datagram.counters, stream.counters]) counters.reportTo(reporter)
    this.domain = domain
    this.name = name
    this.incarnation = incarnation
    this.identity = identity
    this.clock = clock
    this.#lifetime = new Lifetime(signal, () => this.#closeByItself())
    const self = { guid: this.guid, incarnation, name, identity, properties }
    this.#engine = new Engine(self, options, components, this.counters)
    const { checkOwnProcess } = components
    this.#checkingProcess = new RepeatingTimer(clock, ownProcessCheckMs, () => this.#checkProcess(checkOwnProcess))
  }

  /** Resolves when the participant has closed, although closing it failed. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  writer<T extends object>(topic: Topic<T>, options: WriterOptions = {}): Writer<T> {
    this.#mustBeOpen()
    return this.#engine.writers.writer(topic, options)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, NUMACAST_LIMIT, NUMACAST_CLOSED */
  reader<T extends object>(topic: Topic<T>, options: ReaderOptions<T> = {}): Reader<T> {
    this.#mustBeOpen()
    return this.#engine.readers.reader(topic, options)
  }

  /** Passes on the samples of `reader`; see {@link Relay}. */
  relay<T extends object>(reader: Reader<T>, options: RelayOptions<T>): Relay<T> {
    this.#mustBeOpen()
    const writer = this.#engine.writers.writer(reader.topic, { partition: options.partition }, reader)
    return new Relay(reader, writer, options, this.counters)
  }

  /** Resolves when all sockets that its readers and writers need are open. @throws NumacastError NUMACAST_TRANSPORT */
  ready(): Promise<void> {
    return this.#engine.membership.ready()
  }

  /** Returns the peers whose descriptor is known. */
  peers(): readonly Peer[] {
    return [...this.#engine.peers.values()].flatMap((peer) => toPeer(peer) ?? [])
  }

  peer(guid: Guid): Peer | undefined {
    const peer = this.#engine.peers.get(guid)
    return peer === undefined ? undefined : toPeer(peer)
  }

  /** Calls `listener` for each {@link PeerEvent}. What it throws is counted and logged, never rethrown. */
  onPeer(listener: (event: PeerEvent) => void): Subscription {
    return this.#engine.events.peers.add(listener)
  }

  /** Returns the events of peers from now on; ends when the participant closes or the signal aborts. */
  peerEvents(options: EventStreamOptions = {}): AsyncIterableIterator<PeerEvent> {
    return new EventStream((listener) => this.onPeer(listener), this.ended, options)
  }

  /**
   * Reports the events of {@link onPeer} in batches, at least 20 ms apart. One crash is reported in the same turn of the
   * event loop, a storm of restarts in a few calls.
   */
  onPeers(listener: (events: readonly PeerEvent[]) => void): Subscription {
    return this.#engine.events.batches.add(listener)
  }

  /**
   * How far this participant trusts its own verdicts. Its timeouts grow with the score. While most peers are late, no
   * peer is declared dead for silence alone.
   */
  get health(): ObserverHealth {
    return this.#engine.observer.health
  }

  /** @internal How well frames are received here: for parts that measure the silence of others. */
  get listening(): ReceptionQuality {
    return this.#engine.observer
  }

  /** @internal Whether a peer of this GUID is held, perhaps known only by a beacon. */
  hasPeer(guid: Guid): boolean {
    return this.#engine.peers.get(guid) !== undefined
  }

  /**
   * @internal Aborts when this process turns out to have been restored from a checkpoint. Peers may have declared it
   * dead and given its work to others, so the participant closes.
   */
  get restored(): AbortSignal {
    return this.#restored.signal
  }

  /**
   * @internal Asks participants for the present numbers of their writers, all at once, and begins to catch up with what
   * the readers here lack. Never rejects for a participant that is silent.
   */
  fence(participants: readonly Guid[], timeoutMs: number, signal?: AbortSignal): Promise<FenceAnswer[]> {
    return this.#engine.fences.ask(participants, timeoutMs, signal)
  }

  /** @internal Whether this version of the participant's descriptor, or a later one, is held. Always true of itself. */
  isDescribed(guid: Guid, version: number): boolean {
    return guid === this.guid || (this.#engine.peers.get(guid)?.descriptor?.version ?? 0) >= version
  }

  /** @internal Frames on the datagram lane that the kernel has not taken yet. */
  get pendingDatagrams(): number {
    return this.#engine.pendingDatagrams
  }

  onHealth(listener: (event: HealthEvent) => void): Subscription {
    return this.#engine.events.healthChanges.add(listener)
  }

  /**
   * Counts completed work; each beacon carries the count. A process whose loop is late while its count rises is busy,
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

  /** Reports writers and readers of one topic that cannot be matched, or whose sample limits differ; each pair once. */
  onMismatch(listener: (event: MismatchEvent) => void): Subscription {
    return this.#engine.events.mismatches.add(listener)
  }

  /**
   * Shows that the program is alive, for all its writers of liveliness `manual-by-participant`; see
   * {@link Writer.assertLiveliness}. A write by any of them has the same effect.
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
   * Calls `fire` once every datagram that has arrived by now has been read, in a later turn of the event loop. A report
   * from elsewhere then does not overtake what a peer sent before.
   */
  onceRead(fire: () => void): Timer {
    return afterBacklog(this.clock, () => this.#engine.received, fire)
  }

  /**
   * @internal Resolves when the sockets have been read: after one turn of the event loop, or, if this process was late,
   * after everything that arrived meanwhile.
   */
  socketsRead(): Promise<void> {
    const isLate = this.#engine.observer.isLate(this.clock.nowMs())
    return new Promise((resolve) => {
      if (isLate) this.onceRead(resolve)
      else this.clock.afterPoll(resolve)
    })
  }

  /** Takes the kernel's report on a peer's process from a process watch. Ignores unknown peers. */
  reportProcess(guid: Guid, { liveliness, cause, detail, evidence }: ProcessFact): void {
    const peer = this.#engine.peers.get(guid)
    if (peer === undefined) return
    const finding = { liveliness, cause, detail: detail ?? null, evidence: evidence ?? VerdictEvidence.kernel }
    this.#engine.detector.applyFinding(peer, finding)
  }

  /**
   * Sends what is waiting and a goodbye, and closes every socket. Idempotent.
   * @throws the first error of a part that failed to close; the others are closed all the same
   */
  close(): Promise<void> {
    this.#checkingProcess.close()
    this.#closing ??= this.#engine.close().finally(() => this.#lifetime.end())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The signal has aborted: no caller waits for the result. */
  #closeByItself(): void {
    this.close().catch((error) => this.counters.addError('participant.close-failed', error))
  }

  #checkProcess(check: CheckOwnProcess): void {
    let difference: string | null
    try {
      difference = check()
    } catch (error) {
      // For example no descriptor is free. The next check may succeed.
      this.counters.addError('participant.process-check-failed', error)
      return
    }
    if (difference === null || this.#closing !== undefined) return
    const error = restoredError(difference)
    this.counters.addError('participant.restored', error)
    this.#restored.abort(error)
    this.#closeByItself()
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new NumacastError('NUMACAST_CLOSED', `participant '${this.name}' is closed`)
  }
}
