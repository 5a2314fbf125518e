import type { EntityGuid } from '../../core/ids.js'
import { IntentArbiter } from '../../plane/intent-arbiter.js'
import type { IntentKind, ReceivedIntent, ReceivedIntentOf } from '../../plane/intents.js'
import { everyone, nodeTarget } from '../../plane/targets.js'
import type { IntentStatus } from '../../plane/transitions.js'
import type { AppliedIntent } from '../../plane/worker-state.js'
import { deadlineAtMs, intentProgress, type Load } from './intent-progress.js'
import { IntentReports } from './intent-reports.js'

/** What this worker answers to. */
export interface WorkerAddress {
  readonly workerId: string
  readonly bootId: string
  readonly numaNode: number
  /** Empty: any queue. */
  readonly queues: readonly string[]
}

/** The time at which something is decided: monotonic to decide by, Unix to display. */
export interface Instant {
  readonly nowMs: number
  readonly wallMs: number
}

/** Whether an intent of this kind with this target is meant for the worker. */
export function concerns(address: WorkerAddress, kind: IntentKind, target: string): boolean {
  switch (kind) {
    case 'drain':
    case 'prefer-shard':
      return target === address.workerId
    case 'pause-node':
    case 'rebalance':
      return target === everyone || target === nodeTarget(address)
    case 'throttle-queue':
      return address.queues.length === 0 || address.queues.includes(target)
  }
}

/**
 * What a worker has been asked, which of it holds, and how far each got. Pure: the worker tells it what arrived,
 * what is in flight and what time it is, obeys what holds, and publishes the reports.
 */
export class WorkerIntents {
  readonly #address: WorkerAddress
  readonly #book = new IntentArbiter()
  readonly #ledger: IntentReports

  constructor(address: WorkerAddress) {
    this.#address = address
    this.#ledger = new IntentReports(address.workerId)
  }

  offer(claim: ReceivedIntent, load: Load, at: Instant): void {
    if (!concerns(this.#address, claim.kind, claim.intent.target)) return
    this.advance(load, at)
    const ruling = this.#book.offer(claim, at.nowMs)
    const { intentId } = claim.intent
    switch (ruling.kind) {
      case 'won':
        this.#ledger.plan(claim, at.wallMs)
        if (ruling.ended !== undefined && ruling.ended.intent.intentId !== intentId) this.#end(ruling.ended, claim, at)
        this.#ledger.advance(intentId, 'admitted', null, at.nowMs, at.wallMs)
        break
      case 'superseded':
      case 'conflicted':
        this.#ledger.plan(claim, at.wallMs)
        this.#ledger.advance(intentId, ruling.kind, endedBy(ruling.by), at.nowMs, at.wallMs)
        break
      case 'renewed':
      case 'ignored':
        break
    }
    this.advance(load, at)
  }

  /** The issuer disposed what it had written. */
  withdraw(kind: IntentKind, target: string, writer: EntityGuid, at: Instant): void {
    const claim = this.#book.withdraw(kind, target, writer, at.nowMs)
    if (claim !== undefined) {
      this.#ledger.advance(claim.intent.intentId, 'cancelled', 'withdrawn by its issuer', at.nowMs, at.wallMs)
    }
  }

  /** Time has passed or work has ended: expiries, deadlines and completions fall due. */
  advance(load: Load, at: Instant): void {
    for (const claim of this.#book.expire(at.nowMs)) {
      this.#ledger.advance(claim.intent.intentId, 'aborted', 'its time to live ended', at.nowMs, at.wallMs)
    }
    for (const claim of this.#book.holding()) {
      const reached = intentProgress(claim, load, at.nowMs)
      if (reached === 'admitted') continue
      const reason = reached === 'aborted' ? stillInFlight(load.inFlight) : null
      this.#ledger.advance(claim.intent.intentId, reached, reason, at.nowMs, at.wallMs)
    }
  }

  /** When time alone will next change something. */
  nextDueMs(): number | undefined {
    let next = this.#book.nextExpiryMs()
    for (const claim of this.#book.holding()) {
      const deadline = deadlineAtMs(claim)
      if (deadline === undefined || this.#ledger.transitionOf(claim.intent.intentId) !== 'admitted') continue
      next = Math.min(next ?? Number.POSITIVE_INFINITY, deadline)
    }
    return next
  }

  /** The intents of a kind that the worker must obey. */
  obeyed<K extends IntentKind>(kind: K): ReceivedIntentOf<K>[] {
    const obeyed: ReceivedIntentOf<K>[] = []
    for (const claim of this.#book.holding()) {
      if (claim.kind === kind && claim.intent.action === 'apply') obeyed.push(claim as ReceivedIntentOf<K>)
    }
    return obeyed
  }

  applied(): AppliedIntent[] {
    const applied: AppliedIntent[] = []
    for (const { kind, intent } of this.#book.holding()) {
      if (intent.action === 'lift') continue
      const transition = this.#ledger.transitionOf(intent.intentId) ?? 'admitted'
      applied.push({ intentId: intent.intentId, kind, target: intent.target, transition })
    }
    return applied
  }

  takeReports(): IntentStatus[] {
    return this.#ledger.takeChanged()
  }

  takeExpiredReports(nowMs: number): IntentStatus[] {
    const held = new Set<string>()
    for (const { intent } of this.#book.holding()) held.add(intent.intentId)
    return this.#ledger.takeExpired(nowMs, held)
  }

  #end(ended: ReceivedIntent, by: ReceivedIntent, at: Instant): void {
    const transition = by.intent.action === 'lift' ? 'cancelled' : 'superseded'
    this.#ledger.advance(ended.intent.intentId, transition, endedBy(by), at.nowMs, at.wallMs)
  }
}

function endedBy({ intent }: ReceivedIntent): string {
  return `${intent.action === 'lift' ? 'lifted' : 'replaced'} by ${intent.issuer} with ${intent.intentId}`
}

function stillInFlight(jobs: number): string {
  return `${jobs === 1 ? '1 job was' : `${jobs} jobs were`} still in flight at the deadline`
}
