import type { EntityGuid } from '../core/ids.js'
import { KeyedHeap } from '../core/keyed-heap.js'
import { LinkedSet } from '../core/linked-set.js'
import { IntentArbiter } from '../plane/intents/intent-arbiter.js'
import { expiryMs, type IntentKind, type ReceivedIntent } from '../plane/intents/intents.js'
import type { IntentStatus } from '../plane/intents/transitions.js'
import type { IntentReport } from './status/status-document.js'

/** Intents of which reports are kept. The oldest are dropped first. */
const maxReports = 4096
/** Ended claims that are shown. The oldest are dropped first. */
const maxEnded = 64

/** The intent in force for each target, and its progress at each worker. */
export class IntentModel {
  readonly #book = new IntentArbiter()
  /** By intentId, in order of arrival, then by workerId. */
  readonly #reports = new Map<string, Map<string, IntentStatus>>()
  /** Claims that are shown, by intentId: all that hold, and the latest that ended. */
  readonly #claims = new Map<string, ReceivedIntent>()
  /** Shown claims that no longer hold, in the order in which they ended. */
  readonly #ended = new LinkedSet<string>()
  /** By intentId, the time at which each claim expires. */
  readonly #expiring = new KeyedHeap<string>()

  /** True when something that the view shows has changed. Call `expire` first. */
  offer(claim: ReceivedIntent, nowMs: number): boolean {
    const ruling = this.#book.offer(claim, nowMs)
    if (ruling.kind === 'ignored') return false
    if (ruling.kind === 'ended-late') {
      this.#end(ruling.ended.intent.intentId)
      return true
    }
    const { intentId } = claim.intent
    this.#claims.set(intentId, claim)
    this.#expiring.set(intentId, expiryMs(claim))
    if (ruling.kind === 'won' || ruling.kind === 'renewed') this.#ended.delete(intentId)
    else this.#end(intentId)
    if (ruling.kind === 'won' && ruling.ended !== undefined) this.#end(ruling.ended.intent.intentId)
    return true
  }

  withdraw(kind: IntentKind, target: string, writer: EntityGuid, nowMs: number): boolean {
    const ended = this.#book.withdraw(kind, target, writer, nowMs)
    if (ended !== undefined) this.#end(ended.intent.intentId)
    return ended !== undefined
  }

  report(status: IntentStatus): void {
    const known = this.#reports.get(status.intentId)
    if (known !== undefined) {
      known.set(status.workerId, status)
      return
    }
    if (this.#reports.size >= maxReports) this.#reports.delete(this.#reports.keys().next().value ?? '')
    this.#reports.set(status.intentId, new Map([[status.workerId, status]]))
  }

  /** The worker's report has been disposed. */
  removeReport(intentId: string, workerId: string): void {
    const report = this.#reports.get(intentId)
    report?.delete(workerId)
    if (report?.size === 0) this.#reports.delete(intentId)
  }

  /** Removes claims whose time to live is over. Returns the claims that held until then. */
  expire(nowMs: number): readonly ReceivedIntent[] {
    const expired = this.#book.expire(nowMs)
    for (let id = this.#expiring.shift(nowMs); id !== undefined; id = this.#expiring.shift(nowMs)) this.#remove(id)
    return expired
  }

  /** The claim no longer holds. It stays visible for a while. */
  #end(intentId: string): void {
    this.#ended.add(intentId)
    const oldest = this.#ended.first
    if (this.#ended.size > maxEnded && oldest !== undefined) this.#remove(oldest)
  }

  #remove(intentId: string): void {
    this.#claims.delete(intentId)
    this.#expiring.delete(intentId)
    this.#ended.delete(intentId)
  }

  /** Every intent that holds, lifts included. */
  holding(): IterableIterator<ReceivedIntent> {
    return this.#book.holding()
  }

  /** The intent that holds for a target; a `lift` means that nothing older does. */
  current(kind: IntentKind, target: string): ReceivedIntent | undefined {
    return this.#book.current(kind, target)
  }

  statuses(intentId: string): readonly IntentStatus[] {
    return [...(this.#reports.get(intentId)?.values() ?? [])]
  }

  list(nowMs: number): IntentReport[] {
    const reports: IntentReport[] = []
    for (const claim of this.#claims.values()) {
      const { intent, kind } = claim
      reports.push({
        intentId: intent.intentId,
        kind,
        target: intent.target,
        action: intent.action,
        issuer: intent.issuer,
        epoch: intent.epoch,
        reason: intent.reason,
        holds: this.#book.current(kind, intent.target)?.intent.intentId === intent.intentId,
        ageMs: Math.round(Math.max(0, nowMs - claim.originTimeMs)),
        expiresInMs: Math.ceil(Math.max(0, expiryMs(claim) - nowMs)),
        statuses: this.statuses(intent.intentId)
          .map(({ workerId, transition, reason }) => ({ workerId, transition, reason }))
          .sort((a, b) => (a.workerId < b.workerId ? -1 : 1)),
      })
    }
    return reports.sort((a, b) => b.ageMs - a.ageMs)
  }
}
