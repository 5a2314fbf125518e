import type { WaitOptions } from '../../core/abort.js'
import { closeAll } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { lazyImport } from '../../core/lazy-import.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { PlacementRequest } from '../../placement/request/placement-request.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import type { JobIdentity } from '../../plane/worker/job-lifecycle.js'
import type { Participant } from '../../pubsub/participant.js'
import type { ChangesOptions, FleetUpdate } from '../../views/fleet-changes.js'
import type { FleetDiagnostics } from '../../views/fleet-diagnostics.js'
import type { FleetRead } from '../../views/fleet-reads.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { FleetReadOptions } from '../../views/freshness/read-options.js'
import type { JobLedgerFeed } from '../../views/job-ledger-feed.js'
import type { JobLedger } from '../../views/jobs/job-ledger.js'
import type { JobRecord } from '../../views/jobs/job-record.js'
import type { JobRun } from '../../views/jobs/job-run.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { LivelinessChange } from '../../views/status/liveliness-history.js'
import type { NodeStatus, StatusDocument, WorkerStatus } from '../../views/status/status-document.js'
import type { ViewConsistency } from '../../views/status/view-consistency.js'
import type { FetchedWorker, FetchWorkerOptions } from '../../views/worker-lookup.js'
import type { IntentIssuer, IssuedIntent } from '../intents/intent-issuer.js'
import type { LazyPlacements } from '../placement/lazy-placements.js'
import type { PlaceOptions } from '../placement/place-options.js'
import type { PlaceResult } from '../placement/placed-job.js'
import type { Placements } from '../placement/placements.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import type { FleetOptions } from './fleet-options.js'
import type { FleetParts } from './fleet-parts.js'
import { deadWorkerError, type IntentResult, type IntentResultOptions, intentResult } from './intent-result.js'

/** @internal Loads what a fleet is made of. */
export const loadFleetParts = lazyImport(() => Promise.all([import('./fleet-options.js'), import('./fleet-parts.js')]))

/** A run of a job, with what names the job. */
export interface NamedJobRun extends JobIdentity, JobRun {}

/** A worker that died, and what it was running. */
export interface WorkerDeath extends LivelinessChange {
  /** The jobs that it had started and not ended, as far as its reports arrived. Offer them again if `mayReassign`. */
  readonly jobs: readonly NamedJobRun[]
}

export interface DrainOptions extends WaitOptions {
  /** How long the jobs in flight may take, in milliseconds; the worker reports `aborted` after that. @default 30000 */
  readonly deadlineMs?: number
  /** The worker takes work again after this long, unless it is resumed before. @default 3600000 */
  readonly holdMs?: number
  /** Shown to people as the reason. */
  readonly reason?: string
}

export interface ResumeOptions extends WaitOptions {
  readonly reason?: string
}

/** How long after a deadline the worker may take to report. */
const reportMs = 10_000

/**
 * Joins the domain, waits until a plane is found and its state has arrived, and returns an object to watch and command
 * it with. It owns no state of the plane: any number may be open, and closing one changes nothing.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT; what joining the domain throws; the signal's reason when it aborts
 */
export async function openFleet(options: FleetOptions = {}, components: DomainComponents = {}): Promise<Fleet> {
  const { signal } = options
  signal?.throwIfAborted()
  const [{ resolveFleetOptions }, { openFleetParts }] = await loadFleetParts()
  const resolved = resolveFleetOptions(options)
  const membership = await enterDomain(resolved.issuer, { role: 'operator' }, resolved, components)
  const make = (): Fleet => new Fleet(membership, openFleetParts(membership.participant, resolved))
  const fleet = await startRole(membership, make, signal)
  try {
    await fleet.synced(signal === undefined ? {} : { signal })
    return fleet
  } catch (error) {
    await fleet.close().catch((failure) => membership.participant.counters.addError('fleet.close-failed', failure))
    throw error
  }
}

/** The fleet as one process watches and commands it. Opened by {@link openFleet}. */
export class Fleet implements AsyncDisposable {
  readonly participant: Participant
  /** The view that this fleet reads from: change events, freshness, intents in force. */
  readonly view: FleetView
  /** Issues any kind of intent; {@link drain} and {@link resume} are short forms. */
  readonly intents: IntentIssuer
  /** Resolves when the fleet has closed. */
  readonly ended: Promise<void>
  readonly #membership: DomainMembership
  readonly #jobs: JobLedgerFeed
  readonly #placements: LazyPlacements
  #resolveEnded: () => void = () => {}
  #closing: Promise<void> | undefined

  /** @internal Use {@link openFleet}. */
  constructor(membership: DomainMembership, { view, intents, jobs, placements }: FleetParts) {
    this.participant = membership.participant
    this.#membership = membership
    this.view = view
    this.intents = intents
    this.#jobs = jobs
    this.#placements = placements
    membership.participant.restored.addEventListener('abort', () => this.#closeUnasked(), { once: true })
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /** Resolves when a plane has been found and everything that its owners held at the call has arrived. */
  async synced({ signal }: WaitOptions = {}): Promise<void> {
    await this.view.synced(signal === undefined ? {} : { signal })
    await this.#jobs.synced(signal === undefined ? {} : { signal })
  }

  /** Returns all that is known, as plain data: what `numacast status --json` prints. */
  status(): StatusDocument {
    return this.view.status()
  }

  /** Returns the fleet at this moment, for `rank` and policies. It never changes; the same object until something changes. */
  snapshot(): PlacementSnapshot {
    return this.view.snapshot()
  }

  /**
   * Returns the status if it is as fresh as `options` demand, with a witness of what can be claimed of it; otherwise waits
   * for that, and refuses in the end. Never serves less than was asked for.
   * @throws FreshnessError (NUMACAST_FRESHNESS) when it cannot be served in time; NumacastError
   *   NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED when the fleet closes first; the signal's reason when it aborts
   */
  read(options: FleetReadOptions): Promise<FleetRead> {
    return this.view.read(options)
  }

  /**
   * Looks one worker up: its row with the owner and the token of that row, or the reason why there is none: `unknown`,
   * `replaced`, `dead`, `ambiguous`. As fresh as `options` demand, or refused, as {@link read} is.
   * @throws as {@link read} does
   */
  fetchWorker(workerId: string, options: FetchWorkerOptions): Promise<FetchedWorker> {
    return this.view.fetchWorker(workerId, options)
  }

  /** Returns how far this fleet is behind each owner, in which mode it is, and what it has counted. */
  diagnostics(): FleetDiagnostics {
    return this.view.diagnostics()
  }

  /**
   * Yields the changes after a token of this fleet, then each new one; without a token only what comes now. The first item
   * is a `reset` when changes after the token are no longer known. Ends when the signal aborts or the fleet closes.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT for a malformed token
   */
  changes(options: ChangesOptions = {}): AsyncIterableIterator<FleetUpdate> {
    return this.view.changes(options)
  }

  /** Returns the token of what this fleet has received so far; another process may demand it of a read. */
  token(): string {
    return this.view.token()
  }

  nodes(): readonly NodeStatus[] {
    return this.view.nodes()
  }

  workers(): readonly WorkerStatus[] {
    return this.view.workers()
  }

  worker(workerId: string): WorkerStatus | undefined {
    return this.view.worker(workerId)
  }

  /** What became of jobs, as far as reports have arrived since this fleet was opened or were kept then. */
  get jobs(): JobLedger {
    return this.#jobs.ledger
  }

  /** Calls `listener` with each job whose record has changed. */
  onJob(listener: (record: JobRecord) => void): Subscription {
    return this.#jobs.onChange(listener)
  }

  /** Returns how far what this fleet holds can be trusted. */
  witness(): ViewConsistency {
    return this.view.witness()
  }

  /**
   * Yields every worker that is declared dead, with the jobs that it was running. Workers that are already dead come
   * first. Ends when the signal aborts or the fleet closes.
   */
  async *deaths(options: WaitOptions = {}): AsyncIterableIterator<WorkerDeath> {
    for await (const death of this.view.deaths(options)) yield { ...death, jobs: this.#unfinishedOf(death) }
  }

  /**
   * Lets a worker finish its jobs and take no more. Resolves with its final report: `completed` when it is empty,
   * `aborted` when jobs were still running at the deadline (it still takes no new ones).
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; NUMACAST_NOT_FOUND for a worker that this fleet does not know;
   *   NUMACAST_UNAVAILABLE when it is dead or dies; NUMACAST_TIMEOUT when it does not report in time; the signal's
   *   reason when it aborts
   */
  async drain(workerId: string, options: DrainOptions = {}): Promise<IntentResult> {
    const { deadlineMs = 30_000, holdMs: ttlMs, reason, signal } = options
    this.#requireLiving(workerId)
    const wanted = { ...(ttlMs !== undefined && { ttlMs }), ...(reason !== undefined && { reason }) }
    const issued = this.intents.apply('drain', workerId, { deadlineMs }, wanted)
    return this.#result(issued, { workerId, waitMs: deadlineMs + reportMs, signal })
  }

  /** Lets a drained worker take work again. Resolves and throws as {@link drain} does. */
  async resume(workerId: string, { reason, signal }: ResumeOptions = {}): Promise<IntentResult> {
    this.#requireLiving(workerId)
    const issued = this.intents.lift('drain', workerId, reason === undefined ? {} : { reason })
    return this.#result(issued, { workerId, waitMs: reportMs, signal })
  }

  /** Places jobs, and holds the reservations of all schedulers. Opened at the first use. @throws NUMACAST_CLOSED */
  get placements(): Placements {
    return this.#placements.get()
  }

  /**
   * Finds a worker for a job and holds what the job needs there, until the worker's report lists the job. Ranks, reserves,
   * offers the job to a reactive worker, and goes on with the next candidate when one declines, does not answer or dies.
   * Sending the job to the worker is the caller's part.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; NUMACAST_LIMIT when too many reservations are held; NUMACAST_CLOSED;
   *   the signal's reason when it aborts
   */
  async place(request: PlacementRequest, options: PlaceOptions = {}): Promise<PlaceResult> {
    return this.placements.place(request, options)
  }

  /** Idempotent. Leaves the domain; what was issued stays in force until its time to live ends. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('fleet.close-failed', error))
  }

  async #close(): Promise<void> {
    const steps = [
      () => this.#placements.close(),
      () => this.intents.close(),
      () => this.#jobs.close(),
      () => this.view.close(),
      () => this.#membership.leave(),
    ]
    await closeAll(steps).finally(() => this.#resolveEnded())
  }

  #unfinishedOf(process: LivelinessChange): readonly NamedJobRun[] {
    return this.jobs.unfinishedOf(process).map(({ job: { queue, jobId }, run }) => ({ queue, jobId, ...run }))
  }

  #requireLiving(workerId: string): void {
    const worker = this.worker(workerId)
    if (worker === undefined) {
      const known = this.workers().map((each) => each.workerId)
      const named = known.length === 0 ? 'none' : known.slice(0, 10).join(', ')
      throw new NumacastError(
        'NUMACAST_NOT_FOUND',
        `domain ${this.participant.domain} has no worker ${workerId}; its workers: ${named}`,
      )
    }
    if (worker.liveliness === Liveliness.dead) throw deadWorkerError(workerId, worker.cause)
  }

  #result(issued: IssuedIntent<IntentKind>, options: IntentResultOptions): Promise<IntentResult> {
    const { clock } = this.participant
    return intentResult({ clock, intents: this.intents, fleet: this }, issued, options)
  }
}
