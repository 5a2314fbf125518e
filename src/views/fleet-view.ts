import { setMaxListeners } from 'node:events'
import { raceSignal, type WaitOptions } from '../core/abort.js'
import { closeEach } from '../core/close-all.js'
import { NumacastError } from '../core/errors.js'
import { type EntityGuid, participantOf } from '../core/ids.js'
import { Lifetime } from '../core/lifetime.js'
import { withoutUndefined } from '../core/options.js'
import { Listeners, type Subscription } from '../core/reporting/listeners.js'
import { checkDurationMs } from '../core/time/duration.js'
import { RepeatingTimer } from '../core/time/repeating-timer.js'
import { resolveUnreachableDeadAfterMs } from '../liveliness/unreachable-dead-after.js'
import { aliveVerdict, type Verdict } from '../liveliness/verdict.js'
import { absentNode } from '../plane/absent-node.js'
import {
  type IntentKind,
  intentKinds,
  intentTopics,
  type ReceivedIntent,
  receivedIntentFrom,
} from '../plane/intents.js'
import { keyParts } from '../plane/keys.js'
import { nodeCapacity } from '../plane/node-capacity.js'
import { nodeRoster } from '../plane/node-roster.js'
import { planePartition } from '../plane/partitions.js'
import { type IntentStatus, intentStatus } from '../plane/transitions.js'
import { unservedWorker } from '../plane/unserved-worker.js'
import { type WorkerEnd, workerEnd } from '../plane/worker-end.js'
import { type PublishedProfile, workerProfile } from '../plane/worker-profile.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader, WriterLag } from '../pubsub/reader/reader.js'
import type { FleetChange } from './fleet-change.js'
import { FleetChangeFeed } from './fleet-change-feed.js'
import { FleetModel, orphanRetentionMs } from './fleet-model.js'
import { FleetReaders, type ViewReader } from './fleet-readers.js'
import { type FleetRead, FleetReads, type Survey } from './fleet-reads.js'
import { FleetServing } from './fleet-serving.js'
import type { FleetReadOptions } from './freshness/read-options.js'
import { IntentModel } from './intent-model.js'
import { ProcessRows } from './rows/process-rows.js'
import { ReportedProblems } from './rows/reported-problems.js'
import type { PlacementSnapshot } from './snapshot/placement-snapshot.js'
import { SnapshotConfigs } from './snapshot-configs.js'
import { SnapshotFeed } from './snapshot-feed.js'
import type { LivelinessChange } from './status/liveliness-history.js'
import type { NodeStatus, StatusDocument, WorkerStatus } from './status/status-document.js'
import { computeConsistency, type ViewConsistency } from './status/view-consistency.js'
import type { WorkerFate } from './status/worker-fate.js'

export interface FleetViewOptions {
  /**
   * A node whose collector was received from longer ago makes the view `best-effort`.
   * @default 3000
   */
  readonly maxAgeMs?: number
  /**
   * A worker that is `unreachable` for this long counts as `dead` in this view, although it may be working.
   * @default null: never by itself
   */
  readonly unreachableDeadAfterMs?: number | null
  /** Closes the view when it aborts. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedFleetViewOptions = Required<Omit<FleetViewOptions, 'signal'>>

export const defaultFleetViewOptions: ResolvedFleetViewOptions = Object.freeze({
  maxAgeMs: 3_000,
  unreachableDeadAfterMs: null,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveFleetViewOptions(options: FleetViewOptions): ResolvedFleetViewOptions {
  const resolved = { ...defaultFleetViewOptions, ...withoutUndefined(options) }
  return Object.freeze({
    maxAgeMs: checkDurationMs('maxAgeMs', resolved.maxAgeMs, { allowInfinity: true }),
    unreachableDeadAfterMs: resolveUnreachableDeadAfterMs(resolved.unreachableDeadAfterMs),
  })
}

/** Intents expire and servers are silent by time, not by a sample. */
const observeEveryMs = 1_000

/**
 * The fleet as one late-joining participant sees it: a copy that can be rebuilt, with a statement of how reliable it
 * is. It issues nothing and owns nothing. Closing it leaves the participant open.
 */
export class FleetView implements Disposable {
  readonly #participant: Participant
  readonly #options: ResolvedFleetViewOptions
  readonly #fleet: FleetModel
  readonly #news: FleetChangeFeed
  readonly #intents = new IntentModel()
  readonly #snapshots: SnapshotFeed
  readonly #reported = new ReportedProblems()
  readonly #closers: (() => void)[] = []
  readonly #readers: FleetReaders
  readonly #serving: FleetServing
  readonly #reads: FleetReads
  /** The readers whose lag the witness of a status counts. */
  readonly #measured: readonly { readonly lag: () => readonly WriterLag[] }[]
  readonly #listeners: Listeners<FleetChange>
  /** Aborts when the view closes. */
  readonly #ending = new AbortController()
  readonly #observing: RepeatingTimer
  readonly #openedMs: number
  readonly #lifetime: Lifetime
  #closed = false

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT; the signal's reason when it has aborted already */
  static open(participant: Participant, options: FleetViewOptions = {}): FleetView {
    return new FleetView(participant, resolveFleetViewOptions(options), options.signal)
  }

  private constructor(participant: Participant, options: ResolvedFleetViewOptions, signal: AbortSignal | undefined) {
    this.#lifetime = new Lifetime(signal, () => this.close())
    this.#participant = participant
    this.#options = options
    this.#openedMs = participant.clock.nowMs()
    this.#listeners = new Listeners(participant.counters, 'view.listener-threw')
    this.#fleet = new FleetModel(options)
    this.#news = new FleetChangeFeed({
      clock: participant.clock,
      counters: participant.counters,
      fleet: this.#fleet,
      verdictOf: this.#verdictOf,
      emit: (change) => this.#listeners.emit(change),
    })
    // A read that waits listens to it, and many may wait.
    setMaxListeners(0, this.#ending.signal)
    this.#readers = new FleetReaders(participant)
    this.#closers.push(() => this.#readers.close())
    this.#serving = new FleetServing(this.#readers)
    this.#reads = new FleetReads({
      participant,
      readers: this.#readers,
      survey: () => this.#survey(),
      closing: this.#ending.signal,
    })
    const profiles = new ProcessRows<PublishedProfile>()
    const configs = new SnapshotConfigs(participant)
    for (const reader of configs.readers) this.#open(reader)
    this.#snapshots = new SnapshotFeed({
      counters: participant.counters,
      fleet: this.#fleet,
      intents: this.#intents,
      configs,
      profiles,
      verdictOf: this.#verdictOf,
    })
    this.#listeners.add((change) => {
      if (change.kind === 'intent') this.#snapshots.intent(change.intentKind, change.target)
    })
    const partition = planePartition
    const capacity = this.#open(participant.reader(nodeCapacity, { partition }))
    const roster = this.#open(participant.reader(nodeRoster, { partition }))
    this.#measured = [capacity, roster]
    this.#listen(capacity, (sample) => {
      if (!this.#fleet.applyNode(sample)) return
      this.#snapshots.node(sample.key)
      this.#news.node(sample.key)
    })
    this.#listen(roster, (sample) => {
      const workerId = this.#fleet.applyRow(sample)
      if (workerId === undefined) return
      this.#snapshots.worker(workerId)
      this.#news.worker(workerId)
    })
    this.#listen(this.#open(participant.reader(workerProfile, { partition })), (sample) => {
      const workerId = profiles.apply(sample)
      if (workerId !== undefined) this.#snapshots.worker(workerId)
    })
    const ends = this.#open(participant.reader(workerEnd, { partition }))
    this.#listen(ends, (sample) => {
      const change = this.#fleet.applyEnd(sample)
      if (change === undefined) return
      this.#snapshots.worker(change.end.workerId)
      this.#news.end(change)
    })
    this.#listen(this.#open(participant.reader(unservedWorker, { partition })), (sample) => {
      if (this.#reported.applyWorker(sample)) this.#listeners.emit({ kind: 'witness' })
    })
    this.#listen(this.#open(participant.reader(absentNode, { partition })), (sample) => {
      if (this.#reported.applyNode(sample)) this.#listeners.emit({ kind: 'witness' })
    })
    // The liveliness of a worker depends on that of its server.
    const peers = participant.onPeer(({ kind, peer }) => {
      if (kind === 'left') this.#fleet.left(peer.guid, peer.verdict)
      if (kind !== 'joined' && this.#fleet.hasServer(peer.guid)) this.#observeServers()
    })
    this.#closers.push(() => peers.close())
    for (const kind of intentKinds) this.#readIntents(kind)
    this.#readStatuses()
    this.#observing = new RepeatingTimer(participant.clock, observeEveryMs, () => this.#observe())
  }

  /** The participant that it looks through. */
  get participant(): Participant {
    return this.#participant
  }

  /** Resolves when the view has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /**
   * Resolves when a plane has been found and everything that its owners held at that time is here. Waits for as
   * long as there is no plane: pass a signal.
   * @throws NumacastError NUMACAST_CLOSED when the view closes first; the signal's reason when it aborts
   */
  async synced(wait: WaitOptions = {}): Promise<void> {
    await this.#readers.synced(wait)
    if (this.#fleet.hasNodes) return
    await this.#firstNode(wait)
    await this.#readers.synced(wait)
  }

  /**
   * Yields every worker process that is dead: first the recorded deaths of the plane, then each new one as it is found.
   * Ends when the signal aborts or the view closes. A slow consumer misses none of the last 65,536. `mayReassign`
   * states whether its work may be given to others.
   */
  deaths(options: WaitOptions = {}): AsyncIterableIterator<LivelinessChange> {
    return this.#news.deaths(options)
  }

  /** Aborts when the view closes. */
  get closing(): AbortSignal {
    return this.#ending.signal
  }

  /** Called after the change was applied. A listener that throws is counted (`view.listener-threw`). */
  onChange(listener: (change: FleetChange) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /** Returns what is here, as plain data. `serving` states what can be claimed of it; {@link read} demands it. */
  status(): StatusDocument {
    return this.#survey().document
  }

  /**
   * Returns the status of the fleet if it is as fresh as `options` demand; otherwise waits for that, and refuses in the
   * end. Never serves less than was asked for.
   * @throws FreshnessError (NUMACAST_FRESHNESS) when it cannot be served in time; NumacastError
   *   NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED when the view closes first; the signal's reason when it aborts
   */
  read(options: FleetReadOptions): Promise<FleetRead> {
    return this.#reads.read(options)
  }

  /** Returns the token of what the view includes now. Another view may demand it as the `requiredToken` of a read. */
  token(): string {
    return this.#readers.position.servedToken()
  }

  #survey(): Survey {
    const nowMs = this.#participant.clock.nowMs()
    this.#expireIntents(nowMs)
    const nodes = this.#fleet.nodes(nowMs, this.#verdictOf)
    const workers = this.#fleet.workers(nowMs, this.#verdictOf)
    const witness = this.#consistency(nodes, nowMs)
    const assessment = this.#serving.assess({ nodes, workers, consistency: witness }, nowMs)
    const intents = this.#intents.list(nowMs)
    const { domain } = this.#participant
    const document = { domain, nodes, workers, intents, witness, serving: assessment.witness }
    return { document, assessment }
  }

  /**
   * Returns the fleet as this view judges it now, for `rank` and policies. It never changes, and it is the same object
   * until something changes. The first call builds it from all rows; a later call costs what has changed since.
   */
  snapshot(): PlacementSnapshot {
    const nowMs = this.#participant.clock.nowMs()
    this.#expireIntents(nowMs)
    return this.#snapshots.snapshot(nowMs)
  }

  /** One worker of {@link status}; undefined when the view has no row of it. */
  worker(workerId: string): WorkerStatus | undefined {
    return this.#fleet.worker(workerId, this.#participant.clock.nowMs(), this.#verdictOf)
  }

  /**
   * Returns what became of one process of a worker, for an hour after its end (`workerEndRetentionMs`), also after its
   * name has been taken by another process. `unknown` is no death: await {@link synced} first.
   */
  fate(workerId: string, incarnation: number): WorkerFate {
    return this.#fleet.fate(workerId, incarnation, this.#participant.clock.nowMs(), this.#verdictOf)
  }

  /** The ends of worker processes that the plane keeps, the oldest first. */
  ends(): readonly WorkerEnd[] {
    const recorded = [...this.#fleet.ends()].sort((a, b) => a.endedMs - b.endedMs)
    return recorded.map(({ end }) => end)
  }

  witness(): ViewConsistency {
    const nowMs = this.#participant.clock.nowMs()
    return this.#consistency(this.#fleet.nodes(nowMs, this.#verdictOf), nowMs)
  }

  #consistency(nodes: readonly NodeStatus[], nowMs: number): ViewConsistency {
    return computeConsistency({
      listeningForMs: nowMs - this.#openedMs,
      unplaced: this.#reported.unplaced(nodes, nowMs, this.#verdictOf),
      reportedElsewhere: this.#reported.reported(nodes, nowMs),
      lags: this.#measured.flatMap((reader) => reader.lag()),
      nodeAgesMs: nodes.map(({ ageMs }) => ageMs),
      collectorGone: nodes.some(({ collector }) => collector.liveliness !== 'alive'),
      maxAgeMs: this.#options.maxAgeMs,
    })
  }

  /** The intent that holds for a target, a `lift` included. */
  currentIntent(kind: IntentKind, target: string): ReceivedIntent | undefined {
    this.#expireIntents(this.#participant.clock.nowMs())
    return this.#intents.current(kind, target)
  }

  /** What each worker last reported on an intent. */
  intentStatuses(intentId: string): readonly IntentStatus[] {
    return this.#intents.statuses(intentId)
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ending.abort(new NumacastError('NUMACAST_CLOSED', 'the view of the fleet was closed during the wait'))
    closeEach([
      () => this.#observing.close(),
      () => this.#news.close(),
      () => this.#listeners.clear(),
      ...this.#closers.splice(0),
      () => this.#lifetime.end(),
    ])
  }

  [Symbol.dispose](): void {
    this.close()
  }

  readonly #verdictOf = (writer: EntityGuid): Verdict | undefined => {
    return this.#participant.peer(participantOf(writer))?.verdict ?? this.#ownVerdict(writer)
  }

  /** A participant is no peer of itself. What it writes is as alive as it is. */
  #ownVerdict(writer: EntityGuid): Verdict | undefined {
    if (participantOf(writer) !== this.#participant.guid) return undefined
    return aliveVerdict(0)
  }

  #open<R extends ViewReader>(reader: R): R {
    this.#readers.add(reader)
    return reader
  }

  #listen<T extends object>(reader: Reader<T>, listener: Parameters<Reader<T>['onSample']>[0]): void {
    const subscription = reader.onSample(listener)
    this.#closers.unshift(() => subscription.close())
  }

  #readIntents<K extends IntentKind>(kind: K): void {
    const reader = this.#open(this.#participant.reader(intentTopics[kind], { partition: planePartition }))
    this.#listen(reader, (sample) => {
      const nowMs = this.#participant.clock.nowMs()
      // Its issuer may have left before this view met it.
      if (sample.via !== sample.token.writer) this.#readers.position.relayed(sample.token)
      if (sample.instanceState === 'disposed') {
        const target = sample.key
        if (this.#intents.withdraw(kind, target, sample.token.writer, nowMs)) {
          this.#listeners.emit({ kind: 'intent', intentKind: kind, target })
        }
        return
      }
      const claim = receivedIntentFrom(kind, sample)
      if (claim !== undefined && sample.instanceState !== 'no-writers') this.#offer(claim)
    })
  }

  #offer(claim: ReceivedIntent): void {
    const { kind, intent } = claim
    const nowMs = this.#participant.clock.nowMs()
    this.#expireIntents(nowMs)
    if (!this.#intents.offer(claim, nowMs)) return
    this.#listeners.emit({ kind: 'intent', intentKind: kind, target: intent.target, claim })
  }

  #readStatuses(): void {
    const reader = this.#open(this.#participant.reader(intentStatus, { partition: planePartition }))
    this.#listen(reader, (sample) => {
      if (sample.instanceState === 'disposed') {
        const [intentId, workerId] = keyParts(sample.key)
        if (intentId !== undefined && workerId !== undefined) this.#intents.removeReport(intentId, workerId)
      } else if (sample.value !== undefined && sample.instanceState === 'alive') {
        this.#intents.report(sample.value)
        this.#listeners.emit({ kind: 'intent-status', status: sample.value })
      }
    })
  }

  async #firstNode({ signal }: WaitOptions): Promise<void> {
    let subscription: Subscription | undefined
    const found = new Promise<void>((resolve) => {
      subscription = this.onChange(({ kind }) => {
        if (kind === 'node') resolve()
      })
    })
    try {
      await raceSignal(raceSignal(found, this.#ending.signal), signal)
    } finally {
      subscription?.close()
    }
  }

  #expireIntents(nowMs: number): void {
    for (const { kind, intent } of this.#intents.expire(nowMs)) {
      this.#listeners.emit({ kind: 'intent', intentKind: kind, target: intent.target })
    }
  }

  #observeServers(): void {
    this.#news.observe()
    this.#snapshots.observe(this.#participant.clock.nowMs())
  }

  #observe(): void {
    this.#observeServers()
    const nowMs = this.#participant.clock.nowMs()
    this.#reported.expire(nowMs)
    this.#readers.expire(nowMs, orphanRetentionMs)
    this.#expireIntents(nowMs)
  }
}
