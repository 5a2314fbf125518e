import type { EntityGuid } from '../../../core/ids.js'
import { IntentArbiter } from '../../../plane/intents/intent-arbiter.js'
import {
  type IntentKind,
  intentKinds,
  type ReceivedIntent,
  type ReceivedIntentOf,
} from '../../../plane/intents/intents.js'
import type { IntentStatus } from '../../../plane/intents/transitions.js'
import { allTargets, nodeTarget } from '../../../plane/vocabulary/targets.js'
import type { AppliedIntent } from '../../../plane/worker/worker-state.js'
import { awaited, deadlineAtMs, inFlightText, intentProgress, isOverdue, type Load } from './intent-progress.js'
import { IntentReports } from './intent-reports.js'
import { QueueThrottles } from './queue-throttles.js'

/** The targets that concern this worker. */
export interface WorkerAddress {
  readonly workerId: string
  readonly bootId: string
  readonly numaNode: number
  /** Empty: any queue. */
  readonly queues: readonly string[]
}

/** The time of a decision: monotonic for deciding, Unix for display. */
export interface Instant {
  readonly nowMs: number
  readonly wallMs: number
}

/** Returns whether an intent of this kind with this target is meant for the worker. */
export function concerns(address: WorkerAddress, kind: IntentKind, target: string): boolean {
  switch (kind) {
    case 'drain':
    case 'prefer-shard':
      return target === address.workerId
    case 'pause-node':
    case 'rebalance':
      return target === allTargets || target === nodeTarget(address)
    case 'throttle-queue':
      return address.queues.length === 0 || address.queues.includes(target)
  }
}

/**
 * Holds the intents a worker has received, which of them hold, and how far each got. Pure: the worker passes in what
 * arrived, what is in flight and the time, obeys the intents that hold, and publishes the reports.
 *
 * An intent that arrives costs the same however many hold: a worker without declared queues is concerned by every
 * throttle of the fleet.
 */
export class WorkerIntents {
  /** Limits of the throttled queues. */
  readonly throttles = new QueueThrottles()
  #address: WorkerAddress
  readonly #arbiter = new IntentArbiter()
  readonly #reports: IntentReports
  /** The applies that hold, by kind and target. */
  readonly #obeyed = new Map<IntentKind, Map<string, ReceivedIntent>>(intentKinds.map((kind) => [kind, new Map()]))
  /** Intents that hold and have not reached their goal yet, by intentId. */
  readonly #unreached = new Map<string, ReceivedIntent>()

  constructor(address: WorkerAddress) {
    this.#address = address
    this.#reports = new IntentReports(address.workerId)
  }

  offer(claim: ReceivedIntent, load: Load, at: Instant): void {
    if (!concerns(this.#address, claim.kind, claim.intent.target)) return
    this.expire(at)
    const outcome = this.#arbiter.offer(claim, at.nowMs)
    const { intentId } = claim.intent
    switch (outcome.kind) {
      case 'won':
        this.#reports.plan(claim, at.wallMs)
        if (outcome.ended !== undefined) this.#ended(outcome.ended, claim, at)
        this.#reports.advance(intentId, 'admitted', null, at.nowMs, at.wallMs)
        this.#apply(claim)
        this.#progress(claim, load, at)
        this.#explain(claim, load)
        break
      case 'renewed':
        this.#apply(claim)
        this.#progress(claim, load, at)
        this.#explain(claim, load)
        break
      case 'superseded':
      case 'conflicted':
        this.#reports.plan(claim, at.wallMs)
        this.#reports.advance(intentId, outcome.kind, endedBy(outcome.by), at.nowMs, at.wallMs)
        break
      case 'ended-late':
        this.#withdraw(outcome.ended)
        this.#reports.advance(outcome.ended.intent.intentId, 'superseded', endedBy(claim), at.nowMs, at.wallMs)
        break
      case 'ignored':
        break
    }
  }

  /** The worker takes from other queues now. Throttles of the old ones end, those of the new ones begin to hold. */
  setQueues(queues: readonly string[], load: Load, at: Instant): void {
    this.expire(at)
    this.#address = { ...this.#address, queues }
    const obeyed = this.#obeyed.get('throttle-queue')
    for (const claim of [...this.#arbiter.holding()]) {
      const { intentId, target, action } = claim.intent
      if (claim.kind !== 'throttle-queue' || action === 'lift') continue
      const isConcerned = concerns(this.#address, claim.kind, target)
      if (isConcerned === obeyed?.has(target)) continue
      if (isConcerned) {
        this.#apply(claim)
        this.#progress(claim, load, at)
      } else {
        this.#withdraw(claim)
        const why = 'the worker takes no more from the queue'
        this.#reports.advance(intentId, 'cancelled', why, at.nowMs, at.wallMs)
      }
    }
  }

  /** The issuer disposed what it had written. */
  withdraw(kind: IntentKind, target: string, writer: EntityGuid, at: Instant): void {
    const claim = this.#arbiter.withdraw(kind, target, writer, at.nowMs)
    if (claim === undefined) return
    this.#withdraw(claim)
    this.#reports.advance(claim.intent.intentId, 'cancelled', 'withdrawn by its issuer', at.nowMs, at.wallMs)
  }

  /** Time has passed: intents whose time to live is over end. */
  expire(at: Instant): void {
    for (const claim of this.#arbiter.expire(at.nowMs)) {
      this.#withdraw(claim)
      this.#reports.advance(claim.intent.intentId, 'aborted', 'its time to live ended', at.nowMs, at.wallMs)
    }
  }

  /**
   * Time has passed or the load has changed: intents end, are completed, or miss their deadline.
   * @param note how an intent that is completed now came to be so, for people
   */
  advance(load: Load, at: Instant, note: string | null = null): void {
    this.expire(at)
    for (const claim of [...this.#unreached.values()]) this.#progress(claim, load, at, note)
  }

  /** Reports what the intents that are not reached wait for. Called now and then, not with each change of the load. */
  explain(load: Load): void {
    for (const claim of this.#unreached.values()) this.#explain(claim, load)
  }

  /** Whether the deadline of a drain that holds has passed: the worker then keeps no open slot. */
  isDrainOverdue(nowMs: number): boolean {
    for (const claim of this.obeyed('drain')) if (isOverdue(claim, nowMs)) return true
    return false
  }

  /** Returns when time alone will next change something. */
  nextDueMs(): number | undefined {
    let next = this.#arbiter.nextExpiryMs()
    for (const claim of this.obeyed('drain')) {
      const deadline = this.#unreached.has(claim.intent.intentId) ? deadlineAtMs(claim) : undefined
      if (deadline !== undefined) next = Math.min(next ?? Number.POSITIVE_INFINITY, deadline)
    }
    return next
  }

  /** Returns the intents of a kind that the worker must obey. */
  obeyed<K extends IntentKind>(kind: K): IterableIterator<ReceivedIntentOf<K>> {
    return (this.#obeyed.get(kind) ?? new Map()).values() as IterableIterator<ReceivedIntentOf<K>>
  }

  /** At most `most` of what the worker obeys. */
  applied(most = Number.POSITIVE_INFINITY): AppliedIntent[] {
    const applied: AppliedIntent[] = []
    for (const kind of intentKinds) {
      for (const { intent } of this.obeyed(kind)) {
        if (applied.length >= most) return applied
        const { intentId, target } = intent
        const transition = this.#reports.transitionOf(intentId) ?? 'admitted'
        applied.push({ intentId, kind, target, transition })
      }
    }
    return applied
  }

  takeReports(): IntentStatus[] {
    return this.#reports.takeChanged()
  }

  takeExpiredReports(nowMs: number): IntentStatus[] {
    const held = new Set<string>()
    for (const { intent } of this.#arbiter.holding()) held.add(intent.intentId)
    return this.#reports.takeExpired(nowMs, held)
  }

  #apply(claim: ReceivedIntent): void {
    const { intent, kind } = claim
    if (intent.action === 'apply') this.#obeyed.get(kind)?.set(intent.target, claim)
    if (claim.kind === 'throttle-queue' && intent.action === 'apply') {
      this.throttles.set(intent.target, claim.intent.maxInFlight)
    }
    this.#unreached.set(intent.intentId, claim)
  }

  #withdraw({ kind, intent }: ReceivedIntent): void {
    this.#unreached.delete(intent.intentId)
    if (!this.#obeyed.get(kind)?.delete(intent.target)) return
    if (kind === 'throttle-queue') this.throttles.delete(intent.target)
  }

  /** Reports the claim as reached or missed, if it is. A claim reported so is not checked again. */
  #progress(claim: ReceivedIntent, load: Load, at: Instant, note: string | null = null): void {
    const { intentId } = claim.intent
    const reached = intentProgress(claim, load, at.nowMs)
    if (reached === 'admitted') return
    this.#unreached.delete(intentId)
    const reason = reached === 'aborted' ? stillInFlight(load) : note
    this.#reports.advance(intentId, reached, reason, at.nowMs, at.wallMs)
  }

  #explain(claim: ReceivedIntent, load: Load): void {
    const { intentId } = claim.intent
    if (this.#unreached.has(intentId)) this.#reports.explain(intentId, awaited(claim, load))
  }

  #ended(ended: ReceivedIntent, by: ReceivedIntent, at: Instant): void {
    this.#withdraw(ended)
    if (ended.intent.intentId === by.intent.intentId) return
    const transition = by.intent.action === 'lift' ? 'cancelled' : 'superseded'
    this.#reports.advance(ended.intent.intentId, transition, endedBy(by), at.nowMs, at.wallMs)
  }
}

function endedBy({ intent }: ReceivedIntent): string {
  return `${intent.action === 'lift' ? 'lifted' : 'replaced'} by ${intent.issuer} with ${intent.intentId}`
}

function stillInFlight({ running, open }: Load): string {
  return `${inFlightText(running, open)} ${running + open === 1 ? 'was' : 'were'} still in flight at the deadline`
}
