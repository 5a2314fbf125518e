import { setMaxListeners } from 'node:events'
import { raceSignal, type WaitOptions } from '../core/abort.js'
import { closeEach } from '../core/close-all.js'
import { NumacastError } from '../core/errors.js'
import type { Guid } from '../core/ids.js'
import { Lifetime } from '../core/lifetime.js'
import { Listeners, type Subscription } from '../core/reporting/listeners.js'
import { RepeatingTimer } from '../core/time/repeating-timer.js'
import type { IntentKind, ReceivedIntent } from '../plane/intents/intents.js'
import type { IntentStatus } from '../plane/intents/transitions.js'
import type { WorkerEnd } from '../plane/worker/worker-end.js'
import type { Participant } from '../pubsub/participant.js'
import type { FleetChange } from './fleet-change.js'
import { FleetChangeLog } from './fleet-change-log.js'
import { type ChangesOptions, type FleetUpdate, followChanges } from './fleet-changes.js'
import { FleetCopy } from './fleet-copy.js'
import type { FleetDiagnostics } from './fleet-diagnostics.js'
import { type FleetRead, FleetReads, type Observation } from './fleet-reads.js'
import { type Assessment, FleetServing } from './fleet-serving.js'
import { type FleetViewOptions, type ResolvedFleetViewOptions, resolveFleetViewOptions } from './fleet-view-options.js'
import { ModeWatch } from './freshness/mode-watch.js'
import type { OwnerRef } from './freshness/owner-lag.js'
import type { FleetReadOptions } from './freshness/read-options.js'
import type { PlacementSnapshot } from './snapshot/placement-snapshot.js'
import type { LivelinessChange } from './status/liveliness-history.js'
import type { NodeStatus, StatusDocument, WorkerStatus } from './status/status-document.js'
import type { ViewConsistency } from './status/view-consistency.js'
import type { WorkerFate } from './status/worker-fate.js'
import { type FetchedWorker, type FetchWorkerOptions, lookUpWorker, type WorkerLookup } from './worker-lookup.js'

/** A status is shared for this time if nothing changes: its ages are whole milliseconds. */
const sharedForMs = 1

/** A status document, and what it was made from. */
interface Survey {
  readonly document: StatusDocument
  readonly assessment: Assessment
  readonly nowMs: number
  readonly version: string
}

/** Intents expire and servers are silent by time, not by a sample. */
const observeEveryMs = 1_000

/**
 * The fleet as one late-joining participant sees it: a copy that can be rebuilt, with a statement of how reliable it
 * is. It issues nothing and owns nothing. Closing it leaves the participant open.
 */
export class FleetView implements Disposable {
  readonly #participant: Participant
  readonly #copy: FleetCopy
  readonly #serving: FleetServing
  readonly #reads: FleetReads
  readonly #mode: ModeWatch
  readonly #log = new FleetChangeLog()
  readonly #listeners: Listeners<FleetChange>
  /** Aborts when the view closes. */
  readonly #ending = new AbortController()
  readonly #observing: RepeatingTimer
  readonly #peers: Subscription
  readonly #lifetime: Lifetime
  readonly #progress: Subscription
  /** Counts what a status depends on besides the fleet's rows and time. */
  #revision = 0
  #lastSurvey: Survey | undefined
  #closed = false

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT; the signal's reason when it has aborted already */
  static open(participant: Participant, options: FleetViewOptions = {}): FleetView {
    return new FleetView(participant, resolveFleetViewOptions(options), options.signal)
  }

  private constructor(participant: Participant, options: ResolvedFleetViewOptions, signal: AbortSignal | undefined) {
    this.#lifetime = new Lifetime(signal, () => this.close())
    this.#participant = participant
    this.#listeners = new Listeners(participant.counters, 'view.listener-threw')
    this.#copy = new FleetCopy(participant, options, { changed: (change) => this.#emit(change) })
    const { readers } = this.#copy
    this.#progress = readers.onProgress(() => this.#revision++)
    this.#serving = new FleetServing(readers)
    this.#mode = new ModeWatch(participant.clock.nowMs())
    // A read that waits listens to it, and many may wait.
    setMaxListeners(0, this.#ending.signal)
    this.#reads = new FleetReads({ participant, readers, closing: this.#ending.signal })
    // The liveliness of a worker depends on that of its server.
    this.#peers = participant.onPeer(({ kind, peer }) => {
      this.#revision++
      const { fleet } = this.#copy
      if (kind === 'left') fleet.participantLeft(peer.guid, peer.verdict)
      if (kind !== 'joined' && fleet.hasServer(peer.guid)) this.#observeServers()
    })
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
    await this.#copy.readers.synced(wait)
    if (this.#copy.fleet.hasNodes) return
    await this.#firstNode(wait)
    await this.#copy.readers.synced(wait)
  }

  /**
   * Yields every worker process that is dead: first the recorded deaths of the plane, then each new one as it is found.
   * Ends when the signal aborts or the view closes. A slow consumer misses none of the last 65,536. `mayReassign`
   * states whether its work may be given to others.
   */
  deaths(options: WaitOptions = {}): AsyncIterableIterator<LivelinessChange> {
    return this.#copy.news.deaths(options)
  }

  /** Aborts when the view closes. */
  get closing(): AbortSignal {
    return this.#ending.signal
  }

  /** Called after the change was applied. A listener that throws is counted (`view.listener-threw`). */
  onChange(listener: (change: FleetChange) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /** The nodes of {@link status}, without the cost of the rest. */
  nodes(): readonly NodeStatus[] {
    return this.#copy.nodes(this.#participant.clock.nowMs())
  }

  /** The workers of {@link status}, without the cost of the rest. */
  workers(): readonly WorkerStatus[] {
    return this.#copy.workers(this.#participant.clock.nowMs())
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
    return this.#reads.read(options, () => {
      const { document, assessment } = this.#survey()
      return { data: document, ...assessment }
    })
  }

  /**
   * Looks one worker up: its row with the owner and the token of that row, or the reason why there is none. The answer is
   * as fresh as `options` demand, or refused, as in {@link read}. A bounded answer with a row depends on the owner of that
   * row only; without a row it depends on all owners. The witness covers the same.
   * @throws FreshnessError (NUMACAST_FRESHNESS) when it cannot be served in time; NumacastError
   *   NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED when the view closes first; the signal's reason when it aborts
   */
  async fetchWorker(workerId: string, { incarnation, ...options }: FetchWorkerOptions): Promise<FetchedWorker> {
    const { data, witness } = await this.#reads.read(options, () => this.#lookUp(workerId, incarnation))
    return { ...data, witness }
  }

  #lookUp(workerId: string, incarnation: number | undefined): Observation<WorkerLookup> {
    const nowMs = this.#participant.clock.nowMs()
    const refOf = (participant: Guid): OwnerRef => this.#copy.readers.refOf(participant)
    const lookup = { fleet: this.#copy.fleet, nowMs, verdictOf: this.#copy.verdictOf, refOf }
    const data = lookUpWorker(workerId, incarnation, lookup)
    if (!data.found) return { data, ...this.#survey().assessment }
    const nodes = this.#copy.nodes(nowMs)
    const shown = { nodes, workers: [data.worker], consistency: this.#copy.consistency(nodes, nowMs) }
    const assessment = this.#serving.assess(shown, nowMs, data.owner.participant)
    this.#log.issued(assessment.witness.servedToken)
    return { data, ...assessment }
  }

  /** Returns how the view is and what it has counted. */
  diagnostics(): FleetDiagnostics {
    const nowMs = this.#participant.clock.nowMs()
    this.#observeMode(nowMs)
    const { witness, facts } = this.#survey().assessment
    const { actions, gaps, repairs } = this.#copy.readers.catchUps()
    const { served: reads, refused: refusals } = this.#reads
    return {
      degradedMode: witness.degradedMode,
      modeForMs: Math.round(nowMs - this.#mode.sinceMs),
      witness,
      counters: { reads, refusals, catchUps: actions, gaps, repairs, modeChanges: this.#mode.changes },
      owners: facts.owners,
    }
  }

  /** Returns the token of what the view includes now. Another view may demand it as the `requiredToken` of a read. */
  token(): string {
    const token = this.#copy.readers.position.servedToken()
    this.#log.issued(token)
    return token
  }

  /**
   * Yields the changes after a token of this view, then each new one; without a token only what comes now. The first item
   * is a `reset` when changes after the token are no longer known: at most 4,096 are kept. Ends when the signal aborts or
   * the view closes.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT for a malformed token
   */
  changes(options: ChangesOptions = {}): AsyncIterableIterator<FleetUpdate> {
    const source = {
      log: this.#log,
      servedToken: () => this.#copy.readers.position.servedToken(),
      closing: this.closing,
    }
    return followChanges(source, options)
  }

  #emit(change: FleetChange): void {
    this.#revision++
    this.#log.add(change)
    this.#listeners.emit(change)
  }

  /** Returns what is here; the same object within a millisecond in which nothing has changed. */
  #survey(): Survey {
    const nowMs = this.#participant.clock.nowMs()
    this.#copy.expireIntents(nowMs)
    const version = `${this.#copy.fleet.version} ${this.#revision}`
    const last = this.#lastSurvey
    if (last?.version === version && nowMs - last.nowMs < sharedForMs) return last
    const survey = { ...this.#computeStatus(nowMs), nowMs, version }
    this.#lastSurvey = survey
    return survey
  }

  #computeStatus(nowMs: number): Pick<Survey, 'document' | 'assessment'> {
    const nodes = this.#copy.nodes(nowMs)
    const workers = this.#copy.workers(nowMs)
    const witness = this.#copy.consistency(nodes, nowMs)
    const assessment = this.#serving.assess({ nodes, workers, consistency: witness }, nowMs)
    this.#log.issued(assessment.witness.servedToken)
    const intents = this.#copy.intents.list(nowMs)
    const schedulers = this.#copy.schedulers.list()
    const { domain } = this.#participant
    const document = { domain, nodes, workers, intents, schedulers, witness, serving: assessment.witness }
    return { document, assessment }
  }

  /**
   * Returns the fleet as this view judges it now, for `rank` and policies. It never changes, and it is the same object
   * until something changes. The first call builds it from all rows; a later call costs what has changed since.
   */
  snapshot(): PlacementSnapshot {
    const nowMs = this.#participant.clock.nowMs()
    this.#copy.expireIntents(nowMs)
    return this.#copy.snapshots.snapshot(nowMs)
  }

  /** One worker of {@link status}; undefined when the view has no row of it. */
  worker(workerId: string): WorkerStatus | undefined {
    return this.#copy.fleet.worker(workerId, this.#participant.clock.nowMs(), this.#copy.verdictOf)
  }

  /**
   * Returns what became of one process of a worker, for an hour after its end (`workerEndRetentionMs`), also after its
   * name has been taken by another process. `unknown` is no death: await {@link synced} first.
   */
  fate(workerId: string, incarnation: number): WorkerFate {
    return this.#copy.fleet.fate(workerId, incarnation, this.#participant.clock.nowMs(), this.#copy.verdictOf)
  }

  /** The ends of worker processes that the plane keeps, the oldest first. */
  ends(): readonly WorkerEnd[] {
    const recorded = [...this.#copy.fleet.ends()].sort((a, b) => a.endedMs - b.endedMs)
    return recorded.map(({ end }) => end)
  }

  witness(): ViewConsistency {
    const nowMs = this.#participant.clock.nowMs()
    return this.#copy.consistency(this.#copy.nodes(nowMs), nowMs)
  }

  /** The intent that holds for a target, a `lift` included. */
  currentIntent(kind: IntentKind, target: string): ReceivedIntent | undefined {
    this.#copy.expireIntents(this.#participant.clock.nowMs())
    return this.#copy.intents.current(kind, target)
  }

  /** What each worker last reported on an intent. */
  intentStatuses(intentId: string): readonly IntentStatus[] {
    return this.#copy.intents.statuses(intentId)
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ending.abort(new NumacastError('NUMACAST_CLOSED', 'the view of the fleet was closed during the wait'))
    closeEach([
      () => this.#observing.close(),
      () => this.#peers.close(),
      () => this.#progress.close(),
      () => this.#listeners.clear(),
      () => this.#copy.close(),
      () => this.#lifetime.end(),
    ])
  }

  [Symbol.dispose](): void {
    this.close()
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

  #observeServers(): void {
    const nowMs = this.#participant.clock.nowMs()
    this.#copy.observeServers(nowMs)
    this.#observeMode(nowMs)
  }

  #observeMode(nowMs: number): void {
    const nodes = this.#copy.nodes(nowMs)
    const mode = this.#serving.mode(nodes, this.#copy.consistency(nodes, nowMs), nowMs)
    const change = this.#mode.update(mode, nowMs)
    if (change !== undefined) this.#emit({ kind: 'mode', ...change })
  }

  #observe(): void {
    this.#observeServers()
    const nowMs = this.#participant.clock.nowMs()
    this.#copy.expire(nowMs)
  }
}
