import { type EntityGuid, type Guid, participantOf } from '../../../core/ids.js'
import { ProcessInspector } from '../../../liveliness/process-inspector.js'
import type { ProcessReading } from '../../../liveliness/process-reading.js'
import type { ReceptionQuality } from '../../../liveliness/self-monitor.js'
import { Liveliness, LivelinessCause, sameVerdict, type Verdict, VerdictEvidence } from '../../../liveliness/verdict.js'
import type { RosterRow } from '../../../plane/node/node-roster.js'

/** Returns what the kernel reports of the process behind a row, as far as it can be asked. */
export type ReadProcess = (row: RosterRow) => ProcessReading

/** What the judgement depends on in the process that took the node over. */
export interface Successor {
  readonly read: ReadProcess
  readonly listening: ReceptionQuality
  /** Whether frames of the participant arrive. Then its report will arrive too, or the peer detector judges it. */
  readonly receivesFrom: (participant: Guid) => boolean
}

interface UnconfirmedWorker {
  readonly row: RosterRow
  /** When the row was written, on this process's monotonic clock. */
  readonly rowTimeMs: number
  /** In time that the successor has listened: known since. */
  readonly sinceMs: number
  /** In the same time: its silence counts from here. */
  quietFromMs: number
  readonly witness: ProcessInspector
  verdict: Verdict | undefined
}

export interface UnconfirmedEntry {
  readonly row: RosterRow
  readonly rowTimeMs: number
  readonly verdict: Verdict
}

/**
 * Workers that an earlier server of the node knew, and that have not reported themselves here yet. A live worker answers
 * the solicit of the new server and is confirmed by its report. Of the others the kernel reports whether they are gone.
 * If it cannot be asked, silence for a lease decides. That time counts only while this process listened, and is
 * lengthened by its timeout multiplier. While this process may be isolated, no silence counts.
 */
export class UnconfirmedWorkers {
  readonly #leaseMs: number
  readonly #successor: Successor
  readonly #rows = new Map<Guid, UnconfirmedWorker>()

  constructor(leaseMs: number, successor: Successor) {
    this.#leaseMs = leaseMs
    this.#successor = successor
  }

  get size(): number {
    return this.#rows.size
  }

  /** Takes a row of another server of this node. Returns the entry of a dead worker, which needs no judgement. */
  offer(row: RosterRow, rowTimeMs: number): UnconfirmedEntry | undefined {
    const participant = participantOf(row.sourceWriter as EntityGuid)
    if (row.liveliness === Liveliness.dead) {
      this.#rows.delete(participant)
      const { cause, detail, evidence, livelinessForMs } = row
      return { row, rowTimeMs, verdict: gone(cause, detail, evidence, rowTimeMs - livelinessForMs) }
    }
    const known = this.#rows.get(participant)
    const { listenedMs } = this.#successor.listening
    this.#rows.set(participant, {
      row,
      rowTimeMs,
      sinceMs: known?.sinceMs ?? listenedMs,
      quietFromMs: known?.quietFromMs ?? listenedMs,
      witness: known?.witness ?? new ProcessInspector(),
      verdict: known?.verdict,
    })
    return undefined
  }

  /** The worker has reported itself. Its own reports count from now on. */
  confirm(participant: Guid): void {
    this.#rows.delete(participant)
  }

  /** The peer detector has found the worker dead before its first report. */
  ended(participant: Guid, verdict: Verdict): UnconfirmedEntry | undefined {
    const entry = this.#rows.get(participant)
    this.#rows.delete(participant)
    return entry === undefined ? undefined : { row: entry.row, rowTimeMs: entry.rowTimeMs, verdict }
  }

  /** Returns the workers on which the verdict is new. Dead workers are removed from here. */
  judge(nowMs: number): UnconfirmedEntry[] {
    const judged: UnconfirmedEntry[] = []
    const { listening, receivesFrom } = this.#successor
    for (const [participant, entry] of this.#rows) {
      if (!listening.canDeclareDead || receivesFrom(participant)) entry.quietFromMs = listening.listenedMs
      const found = this.#verdictOn(entry, nowMs)
      if (found === undefined || sameVerdict(found, entry.verdict)) continue
      const verdict = { ...found, sinceMs: sinceOf(found, entry.verdict) }
      entry.verdict = verdict
      if (verdict.liveliness === Liveliness.dead) this.#rows.delete(participant)
      judged.push({ row: entry.row, rowTimeMs: entry.rowTimeMs, verdict })
    }
    return judged
  }

  #verdictOn({ row, sinceMs, quietFromMs, witness }: UnconfirmedWorker, nowMs: number): Verdict | undefined {
    const { exited, stopped, ioWait, frozen, loopBusy, leaseExpired, unknown } = LivelinessCause
    const { kernel, lease } = VerdictEvidence
    const finding = witness.inspect(this.#successor.read(row), nowMs)
    if (finding.kind === 'gone') {
      const { cause, detail } = finding.end ?? {
        cause: exited,
        detail: 'found gone by the process that took over its node',
      }
      return gone(cause, detail, kernel, nowMs)
    }
    const { listenedMs, timeoutMultiplier } = this.#successor.listening
    const leaseMs = this.#leaseMs * timeoutMultiplier
    if (listenedMs - sinceMs < leaseMs) return undefined
    const isSilent = listenedMs - quietFromMs >= leaseMs
    switch (finding.kind) {
      case 'stopped':
        return stalled(stopped, null, nowMs)
      case 'io-wait':
        return stalled(ioWait, null, nowMs)
      case 'frozen':
        return stalled(frozen, null, nowMs)
      case 'busy':
        if (!isSilent) return undefined
        return stalled(loopBusy, finding.detail, nowMs)
      case 'asleep':
      case 'exists':
        if (!isSilent) return undefined
        // It may be blocked, or its frames may not arrive here.
        return stalled(unknown, `${finding.kind}, and not received from by the process that took over its node`, nowMs)
      case 'unknown':
        if (!isSilent) return undefined
        return gone(leaseExpired, 'not received from by the process that took over its node', lease, nowMs)
    }
  }
}

/** A detail that changes, such as a share of a CPU, does not restart the time that the liveliness has lasted. */
function sinceOf(found: Verdict, before: Verdict | undefined): number {
  const lasts = before?.liveliness === found.liveliness && before.cause === found.cause
  return lasts ? before.sinceMs : found.sinceMs
}

function gone(
  cause: LivelinessCause | null,
  detail: string | null,
  evidence: VerdictEvidence,
  sinceMs: number,
): Verdict {
  return { liveliness: Liveliness.dead, cause, detail, sinceMs, evidence, reliableFromMs: null }
}

function stalled(cause: LivelinessCause, detail: string | null, sinceMs: number): Verdict {
  const evidence = VerdictEvidence.kernel
  return { liveliness: Liveliness.stalled, cause, detail, sinceMs, evidence, reliableFromMs: null }
}
