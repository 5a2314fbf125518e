import type { EntityGuid } from '../core/ids.js'
import { IntentBook } from '../plane/intent-book.js'
import { type Claim, expiryMs, type IntentKind } from '../plane/intents.js'
import type { IntentStatus } from '../plane/transitions.js'
import type { IntentReport } from './status-document.js'

/** Reports on more intents than this are not kept; the oldest go first. */
const maxReports = 4096

/** What holds for each target, and how far it got at each worker. */
export class IntentModel {
  readonly #book = new IntentBook()
  /** By intentId, in order of arrival, then by workerId. */
  readonly #reports = new Map<string, Map<string, IntentStatus>>()
  /** Claims still of interest by intentId: those that hold, and those that ended lately. */
  readonly #claims = new Map<string, Claim>()

  /** True when something that a reader of the view sees has changed. Call `expire` first. */
  offer(claim: Claim, nowMs: number): boolean {
    const ruling = this.#book.offer(claim, nowMs)
    if (ruling.kind === 'ignored') return false
    this.#claims.set(claim.intent.intentId, claim)
    return true
  }

  withdraw(kind: IntentKind, target: string, writer: EntityGuid, nowMs: number): boolean {
    return this.#book.withdraw(kind, target, writer, nowMs) !== undefined
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

  /** The worker, or whoever relays it, has forgotten its report. */
  forgetReport(intentId: string, workerId: string): void {
    const report = this.#reports.get(intentId)
    report?.delete(workerId)
    if (report?.size === 0) this.#reports.delete(intentId)
  }

  /** Drops claims whose time to live is over; returns those that held until then. */
  expire(nowMs: number): readonly Claim[] {
    const expired = this.#book.expire(nowMs)
    for (const [intentId, claim] of this.#claims) if (expiryMs(claim) <= nowMs) this.#claims.delete(intentId)
    return expired
  }

  /** The intent that holds for a target; a `lift` means that nothing older does. */
  current(kind: IntentKind, target: string): Claim | undefined {
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
        ageMs: Math.max(0, nowMs - claim.originTimeMs),
        expiresInMs: Math.max(0, expiryMs(claim) - nowMs),
        statuses: this.statuses(intent.intentId)
          .map(({ workerId, transition, reason }) => ({ workerId, transition, reason }))
          .sort((a, b) => (a.workerId < b.workerId ? -1 : 1)),
      })
    }
    return reports.sort((a, b) => b.ageMs - a.ageMs)
  }
}
