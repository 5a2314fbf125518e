import { setMaxListeners } from 'node:events'
import { raceSignal, type WaitOptions } from '../core/abort.js'
import type { Timer } from '../core/clock.js'
import { type EntityGuid, participantOf } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/listeners.js'
import { aliveVerdict, type Verdict } from '../liveliness/verdict.js'
import { type Claim, claimFrom, type IntentKind, intentKinds, intentTopics } from '../plane/intents.js'
import { keyParts } from '../plane/keys.js'
import { nodeCapacity } from '../plane/node-capacity.js'
import { nodeRoster, type RosterRow } from '../plane/node-roster.js'
import { planePartition } from '../plane/partitions.js'
import { type IntentStatus, intentStatus } from '../plane/transitions.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader } from '../pubsub/reader.js'
import { FleetModel } from './fleet-model.js'
import { IntentModel } from './intent-model.js'
import type { StatusDocument } from './status-document.js'
import { computeWitness, type Witness } from './witness.js'

export interface FleetViewOptions {
  /**
   * A node whose collector was heard longer ago makes the view `best-effort`.
   * @default 3000
   */
  readonly maxAgeMs?: number
}

export const defaultFleetViewOptions: Required<FleetViewOptions> = Object.freeze({ maxAgeMs: 3_000 })

/** What has changed. Listeners that need more ask `status()`. */
export type FleetChange =
  | { readonly kind: 'worker'; readonly workerId: string; readonly before?: RosterRow; readonly after?: RosterRow }
  | { readonly kind: 'node'; readonly key: string }
  /** Without a claim: what held for the target has been withdrawn or has expired. */
  | { readonly kind: 'intent'; readonly intentKind: IntentKind; readonly target: string; readonly claim?: Claim }
  | { readonly kind: 'intent-status'; readonly status: IntentStatus }

const expireEveryMs = 1_000

/**
 * The fleet as one late-joining participant sees it: a rebuildable copy that says how far it can be trusted.
 * It issues nothing and owns nothing; closing it leaves the participant open.
 */
export class FleetView {
  readonly #participant: Participant
  readonly #options: Required<FleetViewOptions>
  readonly #fleet = new FleetModel()
  readonly #intents = new IntentModel()
  readonly #closers: (() => void)[] = []
  readonly #measured: readonly { lag: Reader<never>['lag'] }[]
  readonly #synced: ((wait: WaitOptions) => Promise<void>)[] = []
  readonly #listeners: Listeners<FleetChange>
  #timer: Timer | undefined
  #closed = false

  static open(participant: Participant, options: FleetViewOptions = {}): FleetView {
    return new FleetView(participant, { ...defaultFleetViewOptions, ...options })
  }

  private constructor(participant: Participant, options: Required<FleetViewOptions>) {
    this.#participant = participant
    this.#options = options
    this.#listeners = new Listeners(() => participant.counters.add('view.listener-threw'))
    const partition = planePartition
    const capacity = this.#open(participant.reader(nodeCapacity, { partition }))
    const roster = this.#open(participant.reader(nodeRoster, { partition }))
    this.#measured = [{ lag: () => capacity.lag() }, { lag: () => roster.lag() }]
    this.#listen(capacity, (sample) => {
      if (this.#fleet.applyNode(sample)) this.#listeners.emit({ kind: 'node', key: sample.key })
    })
    this.#listen(roster, (sample) => {
      const change = this.#fleet.applyRow(sample)
      const workerId = (change?.after ?? change?.before)?.workerId
      if (change === undefined || workerId === undefined) return
      this.#listeners.emit({
        kind: 'worker',
        workerId,
        ...(change.before !== undefined && { before: change.before }),
        ...(change.after !== undefined && { after: change.after }),
      })
    })
    for (const kind of intentKinds) this.#readIntents(kind)
    this.#readStatuses()
    this.#arm()
  }

  /** The participant that it looks through. */
  get participant(): Participant {
    return this.#participant
  }

  /**
   * Resolves when a plane has been found and everything that its owners held at that time is here. Waits for as
   * long as there is no plane: pass a signal.
   * @throws the signal's reason
   */
  async synced(wait: WaitOptions = {}): Promise<void> {
    await this.#readersSynced(wait)
    if (this.#fleet.hasNodes) return
    await raceSignal(this.#firstNode(wait.signal), wait.signal)
    await this.#readersSynced(wait)
  }

  /** Called after the change was applied. A listener that throws is counted (`view.listener-threw`). */
  onChange(listener: (change: FleetChange) => void): Subscription {
    return this.#listeners.add(listener)
  }

  status(): StatusDocument {
    const nowMs = this.#participant.clock.nowMs()
    this.#expireIntents(nowMs)
    return {
      domain: this.#participant.domain,
      nodes: this.#fleet.nodes(nowMs, this.#verdictOf),
      workers: this.#fleet.workers(nowMs, this.#verdictOf),
      intents: this.#intents.list(nowMs),
      witness: this.witness(),
    }
  }

  witness(): Witness {
    const nodes = this.#fleet.nodes(this.#participant.clock.nowMs(), this.#verdictOf)
    return computeWitness({
      lags: this.#measured.flatMap((reader) => reader.lag()),
      nodeAgesMs: nodes.map(({ ageMs }) => ageMs),
      collectorGone: nodes.some(({ collector }) => collector.liveliness !== 'alive'),
      maxAgeMs: this.#options.maxAgeMs,
    })
  }

  /** The intent that holds for a target, a `lift` included. */
  currentIntent(kind: IntentKind, target: string): Claim | undefined {
    this.#expireIntents(this.#participant.clock.nowMs())
    return this.#intents.current(kind, target)
  }

  /** What each worker last reported on an intent. */
  intentStatuses(intentId: string): readonly IntentStatus[] {
    return this.#intents.statuses(intentId)
  }

  /** Twice is fine. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    this.#listeners.clear()
    for (const close of this.#closers.splice(0)) close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  readonly #verdictOf = (writer: EntityGuid): Verdict | undefined => {
    return this.#participant.peer(participantOf(writer))?.verdict ?? this.#ownVerdict(writer)
  }

  /** A participant is no peer of itself; what it writes is as alive as it is. */
  #ownVerdict(writer: EntityGuid): Verdict | undefined {
    if (participantOf(writer) !== this.#participant.guid) return undefined
    return aliveVerdict(0)
  }

  #open<T extends object>(reader: Reader<T>): Reader<T> {
    this.#closers.push(() => reader.close())
    this.#synced.push((wait) => reader.synced(wait))
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
      if (sample.instanceState === 'disposed') {
        const target = sample.key
        if (this.#intents.withdraw(kind, target, sample.token.writer, nowMs)) {
          this.#listeners.emit({ kind: 'intent', intentKind: kind, target })
        }
        return
      }
      const claim = claimFrom(kind, sample)
      if (claim !== undefined && sample.instanceState !== 'no-writers') this.#offer(claim)
    })
  }

  #offer(claim: Claim): void {
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
        if (intentId !== undefined && workerId !== undefined) this.#intents.forgetReport(intentId, workerId)
      } else if (sample.value !== undefined && sample.instanceState === 'alive') {
        this.#intents.report(sample.value)
        this.#listeners.emit({ kind: 'intent-status', status: sample.value })
      }
    })
  }

  #firstNode(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const subscription = this.onChange((change) => {
        if (change.kind !== 'node') return
        subscription.close()
        resolve()
      })
      signal?.addEventListener('abort', () => subscription.close(), { once: true })
    })
  }

  async #readersSynced({ signal }: WaitOptions): Promise<void> {
    // Before anything waits: what is abandoned unheard would be an unhandled rejection.
    signal?.throwIfAborted()
    // One listener on the caller's signal, however many readers wait: Node warns of more than ten as of a leak.
    const abandon = new AbortController()
    setMaxListeners(0, abandon.signal)
    try {
      await raceSignal(Promise.all(this.#synced.map((synced) => synced({ signal: abandon.signal }))), signal)
    } finally {
      abandon.abort()
    }
  }

  #expireIntents(nowMs: number): void {
    for (const { kind, intent } of this.#intents.expire(nowMs)) {
      this.#listeners.emit({ kind: 'intent', intentKind: kind, target: intent.target })
    }
  }

  /** Claims and orphans end by time, not by a sample. */
  #arm(): void {
    this.#timer = this.#participant.clock.after(expireEveryMs, () => {
      const nowMs = this.#participant.clock.nowMs()
      this.#fleet.expire(nowMs, this.#verdictOf)
      this.#expireIntents(nowMs)
      this.#arm()
    })
  }
}
