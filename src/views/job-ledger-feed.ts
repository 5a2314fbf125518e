import type { WaitOptions } from '../core/abort.js'
import { closeEach } from '../core/close-all.js'
import { Listeners, type Subscription } from '../core/reporting/listeners.js'
import { RepeatingTimer } from '../core/time/repeating-timer.js'
import { Liveliness } from '../liveliness/verdict.js'
import { type JobLifecycle, jobLifecycle } from '../plane/job-lifecycle.js'
import { planePartition } from '../plane/partitions.js'
import type { Sample } from '../pubsub/model/sample.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader } from '../pubsub/reader/reader.js'
import type { FleetView } from './fleet-view.js'
import { JobLedger, type JobLedgerOptions } from './jobs/job-ledger.js'
import type { JobRecord } from './jobs/job-record.js'
import type { ProcessEnd } from './jobs/job-run.js'

const expireEveryMs = 10_000

/**
 * Keeps a ledger of the jobs of a plane: from what the workers report, and from the deaths that a view knows of. A job
 * stays in the ledger after its worker has disposed the report on it.
 */
export class JobLedgerFeed {
  readonly ledger: JobLedger
  readonly #participant: Participant
  readonly #view: FleetView
  readonly #reader: Reader<JobLifecycle>
  readonly #deaths: Subscription
  readonly #expiring: RepeatingTimer
  readonly #listeners: Listeners<JobRecord>

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
  constructor(participant: Participant, view: FleetView, options: JobLedgerOptions = {}) {
    this.ledger = new JobLedger(options)
    this.#participant = participant
    this.#view = view
    this.#listeners = new Listeners(participant.counters, 'ledger.listener-threw')
    this.#reader = participant.reader(jobLifecycle, { partition: planePartition })
    this.#reader.onSample((sample) => this.#reported(sample))
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

  /** Resolves when every report that a collector held at the call has arrived. */
  synced(wait: WaitOptions = {}): Promise<void> {
    return this.#reader.synced(wait)
  }

  /** Idempotent. The ledger stays readable. */
  close(): void {
    closeEach([
      () => this.#expiring.close(),
      () => this.#deaths.close(),
      () => this.#listeners.clear(),
      () => this.#reader.close(),
    ])
  }

  #reported({ value, instanceState }: Sample<JobLifecycle>): void {
    // A worker disposes the report on a job that ended a while ago. What it reported holds.
    if (value === undefined || instanceState === 'disposed') return
    const record = this.ledger.report(value, this.#participant.clock.nowMs(), this.#endOf(value))
    if (record !== undefined) this.#listeners.emit(record)
  }

  /** A report may arrive after the death of its worker was found: late, or at a view that opened after it. */
  #endOf({ workerId, incarnation }: JobLifecycle): ProcessEnd | null {
    const fate = this.#view.fate(workerId, incarnation)
    return fate.fate === 'dead' ? { cause: fate.cause, detail: fate.detail, mayReassign: true } : null
  }
}
