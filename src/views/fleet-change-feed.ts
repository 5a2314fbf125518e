import type { WaitOptions } from '../core/abort.js'
import { Mailbox } from '../core/mailbox.js'
import type { Counters } from '../core/reporting/counters.js'
import type { Clock } from '../core/time/clock.js'
import { Coalescer } from '../core/time/coalescer.js'
import { Liveliness } from '../liveliness/verdict.js'
import type { FleetChange } from './fleet-change.js'
import type { FleetModel } from './fleet-model.js'
import type { EndChange } from './rows/end-records.js'
import type { VerdictOf } from './rows/source-status.js'
import { claimantOf } from './rows/worker-rows.js'
import { type LivelinessChange, LivelinessHistory } from './status/liveliness-history.js'
import type { WorkerStatus } from './status/status-document.js'

export interface FleetChangeFeedComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly fleet: FleetModel
  readonly verdictOf: VerdictOf
  readonly emit: (change: FleetChange) => void
}

/** A single change is reported at once. During a burst each worker is reported once in this interval. */
const batchIntervalMs = 5
/** Deaths that may wait for a slow consumer. */
const maxWaitingDeaths = 65_536

/**
 * Reports changes of nodes and workers: every change of liveliness, and everything else conflated per worker and node.
 */
export class FleetChangeFeed {
  readonly #components: FleetChangeFeedComponents
  readonly #history = new LivelinessHistory()
  readonly #batch: Coalescer
  /** Separate from the rest: a death must not wait because a load was reported a moment ago. */
  readonly #urgent: Coalescer
  readonly #reported = new Map<string, WorkerStatus>()
  readonly #workers = new Set<string>()
  readonly #nodes = new Set<string>()
  #changes: LivelinessChange[] = []
  #dropped = 0
  readonly #deaths = new Set<Mailbox<LivelinessChange>>()
  #closed = false

  constructor(components: FleetChangeFeedComponents) {
    this.#components = components
    this.#batch = new Coalescer(components.clock, batchIntervalMs, () => this.#report())
    this.#urgent = new Coalescer(components.clock, batchIntervalMs, () => this.#report())
  }

  /** A node's report has changed. */
  node(key: string): void {
    this.#nodes.add(key)
    this.#batch.request()
  }

  /** A worker's rows have changed. */
  worker(workerId: string): void {
    const isUrgent = this.#track(workerId)
    this.#workers.add(workerId)
    if (isUrgent) this.#urgent.request()
    else this.#batch.request()
  }

  /** The plane's record of an end has been added or removed. */
  end({ kind, end }: EndChange): void {
    if (kind === 'removed') this.#history.removeEnd(end)
    this.#track(end.workerId)
    if (kind === 'added') this.#add(this.#history.recordEnd(end))
    this.#workers.add(end.workerId)
    this.#urgent.request()
  }

  /** Time has passed, or the verdict on a server has changed. */
  observe(): void {
    const { clock, fleet, verdictOf } = this.#components
    const { workers: removed, ends } = fleet.observe(clock.nowMs(), verdictOf)
    for (const end of ends) this.#history.removeEnd(end)
    for (const workerId of [...removed, ...fleet.workerIds()]) {
      if (this.#track(workerId)) this.#workers.add(workerId)
    }
    for (const workerId of removed) this.#workers.add(workerId)
    if (this.#workers.size > 0) this.#urgent.request()
  }

  /** Ends when the signal aborts or the view closes. */
  async *deaths({ signal }: WaitOptions): AsyncIterableIterator<LivelinessChange> {
    if (signal?.aborted) return
    const mailbox = new Mailbox<LivelinessChange>({ capacity: maxWaitingDeaths })
    const onAbort = (): void => mailbox.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    for (const death of this.#history.dead()) mailbox.push(death)
    if (this.#closed) mailbox.close()
    else this.#deaths.add(mailbox)
    try {
      yield* mailbox
    } finally {
      this.#deaths.delete(mailbox)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  close(): void {
    this.#closed = true
    this.#batch.close()
    this.#urgent.close()
    for (const mailbox of this.#deaths) mailbox.close()
    this.#deaths.clear()
  }

  /** True when the worker's liveliness has changed. */
  #track(workerId: string): boolean {
    const { clock, fleet, verdictOf } = this.#components
    const nowMs = clock.nowMs()
    const row = fleet.row(workerId, verdictOf)
    const status = fleet.worker(workerId, nowMs, verdictOf)
    const known =
      row === undefined || status === undefined
        ? undefined
        : { ...status, claimant: claimantOf(row.held), predecessor: row.held.value.predecessor }
    return this.#add(
      this.#history.track(workerId, known, (claimant) => fleet.isDead(workerId, claimant, nowMs, verdictOf)),
    )
  }

  #add(changes: readonly LivelinessChange[]): boolean {
    const { counters } = this.#components
    const dropped = this.#history.dropped - this.#dropped
    this.#dropped += dropped
    if (dropped > 0) counters.add('view.former-process-dropped', dropped)
    for (const change of changes) {
      this.#changes.push(change)
      if (change.after.liveliness !== Liveliness.dead) continue
      for (const mailbox of this.#deaths) {
        const droppedBefore = mailbox.dropped
        mailbox.push(change)
        if (mailbox.dropped > droppedBefore) counters.add('view.deaths-dropped')
      }
    }
    return changes.length > 0
  }

  #report(): void {
    const { clock, fleet, verdictOf, emit } = this.#components
    const nodes = [...this.#nodes]
    const workers = [...this.#workers]
    const changes = this.#changes
    this.#nodes.clear()
    this.#workers.clear()
    this.#changes = []
    for (const key of nodes) emit({ kind: 'node', key })
    for (const workerId of workers) {
      const before = this.#reported.get(workerId)
      const after = fleet.worker(workerId, clock.nowMs(), verdictOf)
      if (after === undefined) this.#reported.delete(workerId)
      else this.#reported.set(workerId, after)
      emit({
        kind: 'worker',
        workerId,
        ...(before !== undefined && { before }),
        ...(after !== undefined && { after }),
      })
    }
    for (const change of changes) emit({ kind: 'liveliness', ...change })
  }
}
