import { closeEach } from '../core/close-all.js'
import { type EntityGuid, participantOf } from '../core/ids.js'
import { aliveVerdict, type Verdict } from '../liveliness/verdict.js'
import {
  expiryMs,
  type IntentKind,
  intentKinds,
  intentTopics,
  type ReceivedIntent,
  receivedIntentFrom,
  targetOfKey,
} from '../plane/intents/intents.js'
import { intentStatus } from '../plane/intents/transitions.js'
import { absentNode } from '../plane/node/absent-node.js'
import { nodeCapacity } from '../plane/node/node-capacity.js'
import { nodeRoster } from '../plane/node/node-roster.js'
import { schedulerState } from '../plane/scheduler/scheduler-state.js'
import { keyParts } from '../plane/vocabulary/keys.js'
import { planePartition } from '../plane/vocabulary/partitions.js'
import { unservedWorker } from '../plane/worker/unserved-worker.js'
import { workerCapacity } from '../plane/worker/worker-capacity.js'
import { workerEnd } from '../plane/worker/worker-end.js'
import { workerProfile } from '../plane/worker/worker-profile.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader, WriterLag } from '../pubsub/reader/reader.js'
import type { FleetChange } from './fleet-change.js'
import { FleetChangeFeed } from './fleet-change-feed.js'
import { FleetModel, orphanRetentionMs } from './fleet-model.js'
import { FleetReaders, type ViewReader } from './fleet-readers.js'
import type { ResolvedFleetViewOptions } from './fleet-view-options.js'
import { IntentModel } from './intent-model.js'
import { ReportedProblems } from './rows/reported-problems.js'
import { SchedulerRows } from './rows/scheduler-rows.js'
import { SnapshotConfigs } from './snapshot-configs.js'
import { SnapshotFeed } from './snapshot-feed.js'
import type { NodeStatus, WorkerStatus } from './status/status-document.js'
import { computeConsistency, type ViewConsistency } from './status/view-consistency.js'

/** Takes the changes of a copy; `FleetView` does. */
export interface FleetChangeSink {
  changed(change: FleetChange): void
}

/**
 * What a view holds of the fleet: the readers of the plane's topics, and the models that their samples are applied to. It
 * reports each change after it was applied.
 */
export class FleetCopy {
  readonly readers: FleetReaders
  readonly fleet: FleetModel
  readonly news: FleetChangeFeed
  readonly intents = new IntentModel()
  readonly snapshots: SnapshotFeed
  readonly schedulers = new SchedulerRows()
  readonly #participant: Participant
  readonly #options: ResolvedFleetViewOptions
  readonly #sink: FleetChangeSink
  readonly #reported = new ReportedProblems()
  readonly #closers: (() => void)[] = []
  /** The readers whose lag the witness of a status counts. */
  readonly #measured: readonly { readonly lag: () => readonly WriterLag[] }[]
  readonly #openedMs: number

  constructor(participant: Participant, options: ResolvedFleetViewOptions, sink: FleetChangeSink) {
    const { clock, counters } = participant
    this.#participant = participant
    this.#options = options
    this.#sink = sink
    this.#openedMs = clock.nowMs()
    const { verdictOf } = this
    const fleet = new FleetModel(options)
    this.fleet = fleet
    this.news = new FleetChangeFeed({ clock, counters, fleet, verdictOf, emit: (change) => sink.changed(change) })
    this.readers = new FleetReaders(participant)
    this.#closers.push(() => this.readers.close())
    const configs = new SnapshotConfigs(participant)
    for (const reader of configs.readers) this.#open(reader)
    const { intents } = this
    this.snapshots = new SnapshotFeed({ counters, fleet, intents, configs, verdictOf })
    const partition = planePartition
    const capacity = this.#open(participant.reader(nodeCapacity, { partition }))
    const roster = this.#open(participant.reader(nodeRoster, { partition }))
    this.#measured = [capacity, roster]
    this.#listen(capacity, (sample) => {
      if (!fleet.applyNode(sample)) return
      this.snapshots.node(sample.key)
      this.news.node(sample.key)
    })
    const changed = (workerId: string | undefined): void => {
      if (workerId === undefined) return
      this.snapshots.worker(workerId)
      this.news.worker(workerId)
    }
    this.#listen(roster, (sample) => changed(fleet.applyRow(sample)))
    this.#listen(this.#open(participant.reader(workerProfile, { partition })), (sample) => {
      changed(fleet.applyProfile(sample))
    })
    this.#listen(this.#open(participant.reader(workerCapacity, { partition })), (sample) => {
      changed(fleet.applyCapacity(sample))
    })
    this.#listen(this.#open(participant.reader(workerEnd, { partition })), (sample) => {
      const change = fleet.applyEnd(sample)
      if (change === undefined) return
      this.snapshots.worker(change.end.workerId)
      this.news.end(change)
    })
    this.#listen(this.#open(participant.reader(unservedWorker, { partition })), (sample) => {
      if (this.#reported.applyWorker(sample)) sink.changed({ kind: 'witness' })
    })
    this.#listen(this.#open(participant.reader(absentNode, { partition })), (sample) => {
      if (this.#reported.applyNode(sample)) sink.changed({ kind: 'witness' })
    })
    this.#listen(this.#open(participant.reader(schedulerState, { partition })), (sample) => {
      this.schedulers.apply(sample)
      sink.changed({ kind: 'witness' })
    })
    for (const kind of intentKinds) this.#readIntents(kind)
    this.#readStatuses()
  }

  nodes(nowMs: number): NodeStatus[] {
    return this.fleet.nodes(nowMs, this.verdictOf)
  }

  workers(nowMs: number): readonly WorkerStatus[] {
    return this.fleet.workers(nowMs, this.verdictOf)
  }

  consistency(nodes: readonly NodeStatus[], nowMs: number): ViewConsistency {
    return computeConsistency({
      listeningForMs: nowMs - this.#openedMs,
      unplaced: this.#reported.unplaced(nodes, nowMs, this.verdictOf),
      reportedElsewhere: this.#reported.reported(nodes, nowMs),
      lags: this.#measured.flatMap((reader) => reader.lag()),
      nodeAgesMs: nodes.map(({ ageMs }) => ageMs),
      collectorGone: nodes.some(({ collector }) => collector.liveliness !== 'alive'),
      maxAgeMs: this.#options.maxAgeMs,
    })
  }

  /** Takes note of servers that are gone: time has passed, or the verdict on one has changed. */
  observeServers(nowMs: number): void {
    this.news.observe()
    this.snapshots.observe(nowMs)
  }

  /** Removes what time alone ends. */
  expire(nowMs: number): void {
    this.#reported.expire(nowMs)
    this.readers.expire(nowMs, orphanRetentionMs)
    this.expireIntents(nowMs)
  }

  expireIntents(nowMs: number): void {
    for (const { kind, intent } of this.intents.expire(nowMs)) this.#intentChanged(kind, intent.target)
  }

  /** Idempotent. */
  close(): void {
    closeEach([() => this.news.close(), ...this.#closers.splice(0)])
  }

  readonly verdictOf = (writer: EntityGuid): Verdict | undefined => {
    const guid = participantOf(writer)
    // A participant is no peer of itself. What it writes is as alive as it is.
    return guid === this.#participant.guid ? aliveVerdict(0) : this.#participant.peer(guid)?.verdict
  }

  #open<R extends ViewReader>(reader: R): R {
    this.readers.add(reader)
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
      const { token, via, instanceState } = sample
      const target = targetOfKey(sample.key)
      // Its issuer may have left before this view met it.
      if (via !== token.writer) this.readers.position.relayed(token)
      if (instanceState === 'disposed') {
        if (this.intents.withdraw(kind, target, token.writer, nowMs)) this.#intentChanged(kind, target)
        return
      }
      const claim = receivedIntentFrom(kind, sample)
      if (claim !== undefined && instanceState !== 'no-writers') this.#offer(claim, nowMs)
    })
  }

  #offer(claim: ReceivedIntent, nowMs: number): void {
    this.expireIntents(nowMs)
    if (!this.intents.offer(claim, nowMs)) return
    const isOver = expiryMs(claim) <= nowMs
    this.#intentChanged(claim.kind, claim.intent.target, isOver ? undefined : claim)
  }

  /** @param claim what holds now; without it what held has been withdrawn or has expired */
  #intentChanged(intentKind: IntentKind, target: string, claim?: ReceivedIntent): void {
    this.snapshots.intent(intentKind, target)
    this.#sink.changed({ kind: 'intent', intentKind, target, ...(claim !== undefined && { claim }) })
  }

  #readStatuses(): void {
    const reader = this.#open(this.#participant.reader(intentStatus, { partition: planePartition }))
    this.#listen(reader, (sample) => {
      if (sample.instanceState === 'disposed') {
        const [intentId, workerId] = keyParts(sample.key)
        if (intentId !== undefined && workerId !== undefined) this.intents.removeReport(intentId, workerId)
      } else if (sample.value !== undefined && sample.instanceState === 'alive') {
        this.intents.report(sample.value)
        this.#sink.changed({ kind: 'intent-status', status: sample.value })
      }
    })
  }
}
