import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict } from '../liveliness/verdict.js'
import type { RosterRow } from '../plane/node-roster.js'

/** What the kernel says of a process; `unknown` where it cannot be asked. */
export type ProcessFate = 'running' | 'stopped' | 'io-wait' | 'gone' | 'unknown'

/** What has become of the process behind a row. */
export type FateOf = (row: RosterRow) => ProcessFate

interface Heirloom {
  readonly row: RosterRow
  /** When the row was written, on this process's monotonic clock. */
  readonly rowTimeMs: number
  readonly sinceMs: number
  verdict: Verdict | undefined
}

export interface Inheritance {
  readonly row: RosterRow
  readonly rowTimeMs: number
  readonly verdict: Verdict
}

/**
 * Workers that whoever served the node before knew of, and that have not been heard here yet. One that lives answers
 * the solicit of who takes over, and is no longer inherited then. Of the others the kernel says whether they are gone;
 * where it cannot be asked, silence for a lease decides.
 */
export class InheritedWorkers {
  readonly #leaseMs: number
  readonly #fateOf: FateOf
  readonly #rows = new Map<Guid, Heirloom>()

  constructor(leaseMs: number, fateOf: FateOf) {
    this.#leaseMs = leaseMs
    this.#fateOf = fateOf
  }

  get size(): number {
    return this.#rows.size
  }

  /** A row of another who serves or served this node. A dead one is taken as it is. */
  offer(row: RosterRow, rowTimeMs: number, nowMs: number): Inheritance | undefined {
    const participant = participantOf(row.sourceWriter as EntityGuid)
    if (row.liveliness === Liveliness.dead) {
      this.#rows.delete(participant)
      const { liveliness, cause, detail, livelinessForMs } = row
      return { row, rowTimeMs, verdict: { liveliness, cause, detail, sinceMs: rowTimeMs - livelinessForMs } }
    }
    const known = this.#rows.get(participant)
    this.#rows.set(participant, { row, rowTimeMs, sinceMs: known?.sinceMs ?? nowMs, verdict: known?.verdict })
    return undefined
  }

  /** It has been heard: its own word counts from now on. */
  heard(participant: Guid): void {
    this.#rows.delete(participant)
  }

  /** Those of whom something new can be said. The dead among them are handed over for good. */
  judge(nowMs: number): Inheritance[] {
    const judged: Inheritance[] = []
    for (const [participant, heirloom] of this.#rows) {
      const verdict = this.#verdictOn(heirloom, nowMs)
      if (verdict === undefined || sameVerdict(verdict, heirloom.verdict)) continue
      heirloom.verdict = verdict
      if (verdict.liveliness === Liveliness.dead) this.#rows.delete(participant)
      judged.push({ row: heirloom.row, rowTimeMs: heirloom.rowTimeMs, verdict })
    }
    return judged
  }

  #verdictOn({ row, sinceMs }: Heirloom, nowMs: number): Verdict | undefined {
    const fate = this.#fateOf(row)
    if (fate === 'gone') {
      return verdict(Liveliness.dead, LivelinessCause.exited, 'found gone by who took over its node', nowMs)
    }
    if (nowMs - sinceMs < this.#leaseMs) return undefined
    switch (fate) {
      case 'stopped':
        return verdict(Liveliness.stalled, LivelinessCause.stopped, null, nowMs)
      case 'io-wait':
        return verdict(Liveliness.stalled, LivelinessCause.ioWait, null, nowMs)
      case 'running':
        return verdict(Liveliness.stalled, LivelinessCause.loopBusy, null, nowMs)
      default:
        return verdict(Liveliness.dead, LivelinessCause.leaseExpired, 'not heard by who took over its node', nowMs)
    }
  }
}

function verdict(liveliness: Liveliness, cause: LivelinessCause, detail: string | null, sinceMs: number): Verdict {
  return { liveliness, cause, detail, sinceMs }
}

function sameVerdict(a: Verdict, b: Verdict | undefined): boolean {
  return a.liveliness === b?.liveliness && a.cause === b.cause
}
