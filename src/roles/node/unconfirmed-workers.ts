import { type EntityGuid, type Guid, participantOf } from '../../core/ids.js'
import { ProcessInspector } from '../../liveliness/process-inspector.js'
import type { ProcessReading } from '../../liveliness/process-reading.js'
import type { ReceptionQuality } from '../../liveliness/self-monitor.js'
import { Liveliness, LivelinessCause, sameVerdict, type Verdict, VerdictEvidence } from '../../liveliness/verdict.js'
import type { RosterRow } from '../../plane/node-roster.js'

/** What the kernel says of the process behind a row, as far as it can be asked. */
export type ReadProcess = (row: RosterRow) => ProcessReading

/** Who took over, as far as it matters here. */
export interface Successor {
  readonly read: ReadProcess
  readonly listening: ReceptionQuality
  /** Whether frames of the participant arrive: then its own word will, too, or the participant's own detector judges it. */
  readonly hears: (participant: Guid) => boolean
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

export interface Entry {
  readonly row: RosterRow
  readonly rowTimeMs: number
  readonly verdict: Verdict
}

/**
 * Workers that whoever served the node before knew of, and that have not been heard here yet. One that lives answers
 * the solicit of who takes over, and is no longer inherited then. Of the others the kernel says whether they are gone;
 * where it cannot be asked, silence for a lease decides, in time that the successor has listened and by its own patience: one
 * that was late, or doubts that it hears, buries nobody for that. One that is heard is not silent, though its word may
 * be long in coming.
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

  /** A row of another who serves or served this node. A dead one is taken as it is. */
  offer(row: RosterRow, rowTimeMs: number): Entry | undefined {
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

  /** The participant's own detector has found it dead before it had said anything. */
  ended(participant: Guid, verdict: Verdict): Entry | undefined {
    const entry = this.#rows.get(participant)
    this.#rows.delete(participant)
    return entry === undefined ? undefined : { row: entry.row, rowTimeMs: entry.rowTimeMs, verdict }
  }

  /** Those of whom something new can be said. The dead among them are handed over for good. */
  judge(nowMs: number): Entry[] {
    const judged: Entry[] = []
    const { listening, hears } = this.#successor
    for (const [participant, entry] of this.#rows) {
      if (!listening.canDeclareDead || hears(participant)) entry.quietFromMs = listening.listenedMs
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
    const { exited, stopped, ioWait, frozen, loopBusy, leaseExpired } = LivelinessCause
    const { kernel, lease } = VerdictEvidence
    const finding = witness.look(this.#successor.read(row), nowMs)
    if (finding.kind === 'gone') {
      const { cause, detail } = finding.end ?? { cause: exited, detail: 'found gone by who took over its node' }
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
        return stalled(loopBusy, `${finding.kind}, and not heard by the collector that took over its node`, nowMs)
      case 'unknown':
        if (!isSilent) return undefined
        return gone(leaseExpired, 'not heard by who took over its node', lease, nowMs)
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
