import { closeEach } from '../../core/close-all.js'
import { Coalescer } from '../../core/time/coalescer.js'
import { type LedgerEntry, type LedgerRun, ledgerEntry } from '../../plane/scheduler/ledger-entry.js'
import { type LedgerState, ledgerState } from '../../plane/scheduler/ledger-state.js'
import { ledgerPartition } from '../../plane/vocabulary/partitions.js'
import { toNote } from '../../plane/vocabulary/text.js'
import { type JobIdentity, jobKey } from '../../plane/worker/job-lifecycle.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { FleetView } from '../../views/fleet-view.js'
import { JobLedgerFeed } from '../../views/job-ledger-feed.js'
import { type JobLedgerChanges, JobMissing } from '../../views/jobs/job-ledger.js'
import type { JobRun } from '../../views/jobs/job-run.js'
import type { ResolvedSchedulerOptions } from './scheduler-options.js'

/** Changes of one job that come closer together are published once. */
const entryIntervalMs = 250
const stateIntervalMs = 1_000

/** Keeps the job ledger of a scheduler and publishes it, so that participants that join later can look jobs up. */
export class LedgerPublisher implements JobLedgerChanges {
  readonly feed: JobLedgerFeed
  readonly #participant: Participant
  readonly #name: string
  readonly #entries: Writer<LedgerEntry>
  readonly #states: Writer<LedgerState>
  readonly #changed = new Map<string, JobIdentity>()
  readonly #publishing: Coalescer
  readonly #counting: Coalescer

  constructor(
    participant: Participant,
    view: FleetView,
    { name, ledger }: Pick<ResolvedSchedulerOptions, 'name' | 'ledger'>,
  ) {
    const { clock } = participant
    this.#participant = participant
    this.#name = name
    this.#entries = participant.writer(ledgerEntry, { partition: ledgerPartition })
    this.#states = participant.writer(ledgerState, { partition: ledgerPartition })
    const pacing = { leading: 'after-poll' } as const
    this.#publishing = new Coalescer(clock, entryIntervalMs, () => this.#publishEntries(), pacing)
    this.#counting = new Coalescer(clock, stateIntervalMs, () => this.#guard(() => this.#publishState()), pacing)
    this.feed = new JobLedgerFeed(participant, view, ledger, this)
    this.#counting.request()
  }

  /** @internal */
  changed(job: JobIdentity): void {
    this.#changed.set(jobKey(job), { queue: job.queue, jobId: job.jobId })
    this.#publishing.request()
    this.#counting.request()
  }

  close(): void {
    closeEach([
      () => this.#publishing.close(),
      () => this.#counting.close(),
      () => this.feed.close(),
      () => this.#entries.close(),
      () => this.#states.close(),
    ])
  }

  #publishEntries(): void {
    for (const [key, job] of this.#changed) {
      this.#changed.delete(key)
      // An entry that cannot be written, because its key is too long, does not hold up the others.
      this.#guard(() => this.#publishEntry(job))
    }
  }

  #publishEntry(job: JobIdentity): void {
    const { ledger } = this.feed
    const missing = ledger.whyMissing(job)
    const entry = { schedulerId: this.#participant.guid, ...job }
    if (missing === JobMissing.unknown)
      this.#entries.dispose(ledgerEntry.keyOf({ ...entry, evicted: null, ageMs: 0, runs: [] }))
    else if (missing !== undefined) this.#entries.write({ ...entry, evicted: missing, ageMs: 0, runs: [] })
    else {
      const nowMs = this.#participant.clock.nowMs()
      const ageMs = Math.max(0, nowMs - (ledger.reportedMs(job) ?? nowMs))
      const runs = (ledger.get(job)?.runs ?? []).map(published)
      this.#entries.write({ ...entry, evicted: null, ageMs, runs })
    }
  }

  #publishState(): void {
    const { evictions, options, size } = this.feed.ledger
    const { guid, identity } = this.#participant
    this.#states.write({
      schedulerId: guid,
      name: this.#name,
      host: identity.host,
      pid: identity.pid,
      jobs: size,
      maxJobs: options.maxJobs,
      retentionMs: Number.isFinite(options.retentionMs) ? options.retentionMs : null,
      evictedByCount: evictions.byCount,
      evictedByAge: evictions.byAge,
    })
  }

  /** Counts what fails: the participant's owner has closed it, or the schema refuses an entry. */
  #guard(publish: () => void): void {
    try {
      publish()
    } catch (error) {
      this.#participant.counters.addError('scheduler.ledger-publish-failed', error)
    }
  }
}

function published({ state: _, processEnd, ...run }: JobRun): LedgerRun {
  const detail = processEnd?.detail
  return {
    ...run,
    processEnd: processEnd && { ...processEnd, detail: typeof detail === 'string' ? toNote(detail) : null },
  }
}
