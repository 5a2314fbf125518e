import { closeAll } from '../../core/close-all.js'
import { lazyImport } from '../../core/lazy-import.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { Participant } from '../../pubsub/participant.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { JobLedger } from '../../views/jobs/job-ledger.js'
import type { JobRecord } from '../../views/jobs/job-record.js'
import type { HostServiceComponents } from '../node/host-service.js'
import type { Placements } from '../placement/placements.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import type { WithheldIntents } from './decider.js'
import type { ResolvedSchedulerOptions, SchedulerOptions } from './scheduler-options.js'
import type { SchedulerParts } from './scheduler-parts.js'

/** @internal Loads what a scheduler is made of. */
export const loadSchedulerParts = lazyImport(() =>
  Promise.all([import('./resolve-scheduler-options.js'), import('./scheduler-parts.js')]),
)

export interface SchedulerComponents extends DomainComponents, HostServiceComponents {}

/**
 * Watches the fleet and issues what its policies want, as intents. It executes nothing, and places only what the
 * application asks it to place. It also keeps the
 * intents of operators and other schedulers, so that an intent outlives its issuer. Any number of schedulers may run:
 * per target the newest (epoch, seq) wins, and each policy is a pure function of what all of them see.
 */
export class Scheduler implements AsyncDisposable {
  readonly participant: Participant
  /** What it decides on. The application may read it. */
  readonly view: FleetView
  readonly #options: ResolvedSchedulerOptions
  readonly #membership: DomainMembership
  readonly #parts: SchedulerParts
  readonly #deciding: RepeatingTimer
  readonly #lifetime: Lifetime
  #closing: Promise<void> | undefined

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, what joining the domain throws, or the signal's reason */
  static async start(options: SchedulerOptions = {}, components: SchedulerComponents = {}): Promise<Scheduler> {
    const [{ resolveSchedulerOptions }, { openSchedulerParts }] = await loadSchedulerParts()
    const resolved = resolveSchedulerOptions(options)
    resolved.signal?.throwIfAborted()
    const properties = { role: 'scheduler', adopts: resolved.adopts }
    const membership = await enterDomain(resolved.name, properties, resolved, components)
    const make = (): Scheduler =>
      new Scheduler(resolved, membership, openSchedulerParts(membership.participant, resolved, components))
    return startRole(membership, make, resolved.signal)
  }

  private constructor(options: ResolvedSchedulerOptions, membership: DomainMembership, parts: SchedulerParts) {
    const { participant } = membership
    this.#lifetime = new Lifetime(options.signal, () => this.#closeUnasked())
    this.participant = participant
    participant.restored.addEventListener('abort', () => this.#closeUnasked(), { once: true })
    this.#options = options
    this.#membership = membership
    this.#parts = parts
    this.view = parts.view
    this.#deciding = new RepeatingTimer(participant.clock, options.decideIntervalMs, () => this.#decide())
  }

  /** Resolves when the scheduler has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Nodes of this host that it serves because their collectors are away and no other collector of the host is there. */
  get adoptedNodes(): readonly number[] {
    return this.#parts.host.adoptedNodes
  }

  /** Places jobs by what this scheduler sees. Opened at the first use. @throws NUMACAST_CLOSED */
  get placements(): Placements {
    return this.#parts.placements.get()
  }

  /** Names of the policies that it decides by. */
  get policies(): readonly string[] {
    return this.#options.policies.map(({ name }) => name)
  }

  /** Intents that its policies want, that hold, and that it has issued itself. */
  get intentsInForce(): number {
    return this.#parts.decider.inForce
  }

  /** What it does not issue at present, because its view may be wrong; null if it withholds nothing. */
  get withheld(): WithheldIntents | null {
    return this.#parts.decider.withheld
  }

  /** What became of jobs. Participants that join later read it from here. */
  get jobs(): JobLedger {
    return this.#parts.ledger.feed.ledger
  }

  /** Calls `listener` with each job whose record has changed. */
  onJob(listener: (record: JobRecord) => void): Subscription {
    return this.#parts.ledger.feed.onChange(listener)
  }

  /** Stops deciding and sends its goodbye. What it issued holds until its time to live ends. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#lifetime.end())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await closeAll([
      () => this.#deciding.close(),
      () => this.#parts.placements.close(),
      () => this.#parts.host.stop(),
      () => this.#parts.issuer.flush(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => this.#parts.issuer.close(),
      () => this.#parts.state.close(),
      () => this.#parts.ledger.close(),
      () => this.#parts.relays.close(),
      () => this.#parts.host.close(),
      () => this.view.close(),
    ])
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('scheduler.close-failed', error))
  }

  #decide(): void {
    const { decider, state } = this.#parts
    decider.decide()
    try {
      state.publish(decider)
    } catch (error) {
      // The participant's owner has closed it.
      this.participant.counters.addError('scheduler.publish-failed', error)
    }
  }
}
