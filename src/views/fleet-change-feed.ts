import type { WaitOptions } from '../core/abort.js'
import type { Clock } from '../core/clock.js'
import { Coalescer } from '../core/coalescer.js'
import type { Counters } from '../core/counters.js'
import { Mailbox } from '../core/mailbox.js'
import { Liveliness } from '../liveliness/verdict.js'
import type { FleetChange } from './fleet-change.js'
import type { FleetModel } from './fleet-model.js'
import { type LivelinessChange, LivelinessHistory } from './liveliness-history.js'
import type { VerdictOf } from './source-status.js'
import type { WorkerStatus } from './status-document.js'
import { claimantOf } from './worker-rows.js'

export interface FleetChangeFeedComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly fleet: FleetModel
  readonly verdictOf: VerdictOf
  readonly emit: (change: FleetChange) => void
}

/** One change is told at once; of many, each worker is told of once in this. */
const batchIntervalMs = 5
/** Deaths that may wait for a slow consumer. */
const maxWaitingDeaths = 65_536

/** What of the nodes and workers is news: liveliness change by change, everything else conflated per worker and node. */
export class FleetChangeFeed {
  readonly #components: FleetChangeFeedComponents
  readonly #ledger = new LivelinessHistory()
  readonly #batch: Coalescer
  /** Apart from the rest: a death must not wait because somebody's load was told of a moment ago. */
  readonly #urgent: Coalescer
  readonly #told = new Map<string, WorkerStatus>()
  readonly #workers = new Set<string>()
  readonly #nodes = new Set<string>()
  #changes: LivelinessChange[] = []
  readonly #deaths = new Set<Mailbox<LivelinessChange>>()
  #closed = false

  constructor(components: FleetChangeFeedComponents) {
    this.#components = components
    this.#batch = new Coalescer(components.clock, batchIntervalMs, () => this.#tell())
    this.#urgent = new Coalescer(components.clock, batchIntervalMs, () => this.#tell())
  }

  node(key: string): void {
    this.#nodes.add(key)
    this.#batch.touch()
  }

  /** Something was said of the worker. */
  worker(workerId: string): void {
    const isUrgent = this.#track(workerId)
    this.#workers.add(workerId)
    if (isUrgent) this.#urgent.touch()
    else this.#batch.touch()
  }

  /** Time has passed, or somebody who serves a node is judged otherwise. */
  look(): void {
    const { clock, fleet, verdictOf } = this.#components
    const forgotten = fleet.observe(clock.nowMs(), verdictOf)
    for (const workerId of [...forgotten, ...fleet.workerIds()]) {
      if (this.#track(workerId)) this.#workers.add(workerId)
    }
    for (const workerId of forgotten) this.#workers.add(workerId)
    if (this.#workers.size > 0) this.#urgent.touch()
  }

  async *deaths({ signal }: WaitOptions): AsyncIterableIterator<LivelinessChange> {
    signal?.throwIfAborted()
    const mailbox = new Mailbox<LivelinessChange>({ capacity: maxWaitingDeaths })
    const onAbort = (): void => mailbox.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    for (const death of this.#ledger.dead()) mailbox.push(death)
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

  /** True when its liveliness has changed. */
  #track(workerId: string): boolean {
    const { clock, fleet, verdictOf, counters } = this.#components
    const row = fleet.row(workerId, verdictOf)
    const status = fleet.worker(workerId, clock.nowMs(), verdictOf)
    const known =
      row === undefined || status === undefined
        ? undefined
        : { ...status, claimant: claimantOf(row.held), predecessor: row.held.value.predecessor }
    const changes = this.#ledger.track(workerId, known, (claimant) => fleet.lives(workerId, claimant, verdictOf))
    for (const change of changes) {
      this.#changes.push(change)
      if (change.after.liveliness !== Liveliness.dead) continue
      for (const mailbox of this.#deaths) {
        const { dropped } = mailbox
        mailbox.push(change)
        if (mailbox.dropped > dropped) counters.add('view.deaths-dropped')
      }
    }
    return changes.length > 0
  }

  #tell(): void {
    const { clock, fleet, verdictOf, emit } = this.#components
    const nodes = [...this.#nodes]
    const workers = [...this.#workers]
    const changes = this.#changes
    this.#nodes.clear()
    this.#workers.clear()
    this.#changes = []
    for (const key of nodes) emit({ kind: 'node', key })
    for (const workerId of workers) {
      const before = this.#told.get(workerId)
      const after = fleet.worker(workerId, clock.nowMs(), verdictOf)
      if (after === undefined) this.#told.delete(workerId)
      else this.#told.set(workerId, after)
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
