import type { WaitOptions } from '../core/abort.js'
import { closeEach } from '../core/close-all.js'
import { Listeners, type Subscription } from '../core/reporting/listeners.js'
import { RepeatingTimer } from '../core/time/repeating-timer.js'
import { Liveliness } from '../liveliness/verdict.js'
import { type LedgerEntry, ledgerEntry } from '../plane/scheduler/ledger-entry.js'
import { ledgerPartition, planePartition } from '../plane/vocabulary/partitions.js'
import { type JobLifecycle, jobLifecycle } from '../plane/worker/job-lifecycle.js'
import type { Sample } from '../pubsub/model/sample.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader } from '../pubsub/reader/reader.js'
import type { FleetView } from './fleet-view.js'
import { JobLedger, type JobLedgerChanges, type WorkerProcessKey } from './jobs/job-ledger.js'
import type { JobLedgerOptions } from './jobs/job-ledger-options.js'
import type { JobRecord } from './jobs/job-record.js'
import type { ProcessEnd } from './jobs/job-run.js'

const expireEveryMs = 10_000

/**
 * Keeps a ledger of the jobs of a plane: from what the workers report, from the deaths that a view knows of, and from the
 * ledgers that schedulers publish, which hold jobs that ended before this one was opened. A job stays in the ledger after
 * its worker has disposed the report on it.
 */
export class JobLedgerFeed {
  readonly ledger: JobLedger
  readonly #participant: Participant
  readonly #view: FleetView
  readonly #reader: Reader<JobLifecycle>
  readonly #entries: Reader<LedgerEntry>
  readonly #deaths: Subscription
  readonly #expiring: RepeatingTimer
  readonly #listeners: Listeners<JobRecord>

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
  constructor(
    participant: Participant,
    view: FleetView,
    options: JobLedgerOptions = {},
    changes: JobLedgerChanges | undefined = undefined,
  ) {
    this.ledger = new JobLedger(options, changes)
    this.#participant = participant
    this.#view = view
    this.#listeners = new Listeners(participant.counters, 'ledger.listener-threw')
    this.#reader = participant.reader(jobLifecycle, { partition: planePartition })
    this.#reader.onSample((sample) => this.#reported(sample))
    this.#entries = participant.reader(ledgerEntry, { partition: ledgerPartition })
    this.#entries.onSample((sample) => this.#entered(sample))
    this.#deaths = view.onChange((change) => {
      if (change.kind !== 'liveliness') return
      const { liveliness, cause, detail } = change.after
      const { mayReassign } = change
      const end = liveliness === Liveliness.dead ? { cause, detail, mayReassign } : null
      for (const record of this.ledger.processEnded(change, end)) this.#listeners.emit(record)
    })
    this.#expiring = new RepeatingTimer(participant.clock, expireEveryMs, () => {
      this.ledger.expire(participant.clock.nowMs())
    })
  }

  /** Calls `listener` with each record that has changed. */
  onChange(listener: (record: JobRecord) => void): Subscription {
    return this.#listeners.add(listener)
  }

  /** Resolves when every report that a collector held at the call has arrived, and every entry of a scheduler. */
  async synced(wait: WaitOptions = {}): Promise<void> {
    await Promise.all([this.#reader.synced(wait), this.#entries.synced(wait)])
  }

  /** Idempotent. The ledger stays readable. */
  close(): void {
    closeEach([
      () => this.#expiring.close(),
      () => this.#deaths.close(),
      () => this.#listeners.clear(),
      () => this.#reader.close(),
      () => this.#entries.close(),
    ])
  }

  #reported({ value, instanceState }: Sample<JobLifecycle>): void {
    // A worker disposes the report on a job that ended a while ago. What it reported holds.
    if (value === undefined || instanceState === 'disposed') return
    const record = this.ledger.report(value, this.#participant.clock.nowMs(), this.#endOf(value))
    if (record !== undefined) this.#listeners.emit(record)
  }

  #entered({ value, instanceState, writtenMs }: Sample<LedgerEntry>): void {
    if (value === undefined || instanceState !== 'alive' || value.schedulerId === this.#participant.guid) return
    if (value.evicted !== null) {
      this.ledger.mergeEviction(value, value.evicted)
      return
    }
    const nowMs = this.#participant.clock.nowMs()
    const endOf = (process: WorkerProcessKey): ProcessEnd | null | undefined => this.#fateOf(process)
    const reportedMs = writtenMs - value.ageMs
    const record = this.ledger.merge(value, value.runs, { reportedMs, nowMs, endOf })
    if (record !== undefined) this.#listeners.emit(record)
  }

  /** A report may arrive after the death of its worker was found: late, or at a view that opened after it. */
  #endOf(process: WorkerProcessKey): ProcessEnd | null {
    return this.#fateOf(process) ?? null
  }

  /** Returns how the process has ended; null if it is alive, undefined if this view does not know. */
  #fateOf({ workerId, incarnation }: WorkerProcessKey): ProcessEnd | null | undefined {
    const fate = this.#view.fate(workerId, incarnation)
    if (fate.fate === 'dead') return { cause: fate.cause, detail: fate.detail, mayReassign: true }
    return fate.fate === 'alive' ? null : undefined
  }
}
