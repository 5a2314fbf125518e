import type { ReceivedIntent } from '../../../plane/intents/intents.js'
import { canFollow, type IntentStatus, isFinal, type Transition } from '../../../plane/intents/transitions.js'
import { toNote } from '../../../plane/vocabulary/text.js'

interface Row {
  status: IntentStatus
  /** When it became final; undefined while it is not. */
  finalMs: number | undefined
}

/** A final report is kept this long, then disposed. */
export const statusRetentionMs = 10 * 60_000
/** Final reports beyond this number are disposed at once, oldest first. */
export const maxStatusRows = 256

/** A worker's own reports on intents, by intentId: every step once, in order, and only steps that can follow. */
export class IntentReports {
  readonly #workerId: string
  readonly #rows = new Map<string, Row>()
  readonly #changed = new Set<string>()

  constructor(workerId: string) {
    this.#workerId = workerId
  }

  transitionOf(intentId: string): Transition | undefined {
    return this.#rows.get(intentId)?.status.transition
  }

  /** Adds a new intent as `planned`; a known intent keeps its progress. */
  plan(claim: ReceivedIntent, wallMs: number): void {
    const { intentId, target } = claim.intent
    if (this.#rows.has(intentId)) return
    const history = [{ transition: 'planned' as const, atMs: wallMs }]
    const status = { intentId, workerId: this.#workerId, kind: claim.kind, target, transition: 'planned' as const }
    this.#rows.set(intentId, { status: { ...status, reason: null, history }, finalMs: undefined })
    this.#changed.add(intentId)
  }

  /** Returns false if the step cannot follow, as for an intent that is already final. */
  advance(intentId: string, transition: Transition, reason: string | null, nowMs: number, wallMs: number): boolean {
    const row = this.#rows.get(intentId)
    if (row === undefined || !canFollow(row.status.transition, transition)) return false
    row.status = {
      ...row.status,
      transition,
      reason: reason === null ? null : toNote(reason),
      history: [...row.status.history, { transition, atMs: wallMs }],
    }
    if (isFinal(transition)) row.finalMs = nowMs
    this.#changed.add(intentId)
    return true
  }

  /** Sets what an intent that is not final waits for. */
  explain(intentId: string, reason: string | null): void {
    const row = this.#rows.get(intentId)
    if (row === undefined || isFinal(row.status.transition) || row.status.reason === reason) return
    row.status = { ...row.status, reason: reason === null ? null : toNote(reason) }
    this.#changed.add(intentId)
  }

  /** Returns the reports changed since the last call. */
  takeChanged(): IntentStatus[] {
    const taken: IntentStatus[] = []
    for (const intentId of this.#changed) {
      const row = this.#rows.get(intentId)
      if (row !== undefined) taken.push(row.status)
    }
    this.#changed.clear()
    return taken
  }

  /** Forgets final reports by age, then by number, and returns them so that they can be disposed. `kept` stay. */
  takeExpired(nowMs: number, kept: ReadonlySet<string>): IntentStatus[] {
    const expired: IntentStatus[] = []
    let excess = this.#rows.size - maxStatusRows
    for (const [intentId, { status, finalMs }] of this.#rows) {
      if (finalMs === undefined || kept.has(intentId)) continue
      if (excess <= 0 && finalMs + statusRetentionMs > nowMs) continue
      excess--
      this.#rows.delete(intentId)
      this.#changed.delete(intentId)
      expired.push(status)
    }
    return expired
  }
}
