import { closeAll } from '../../core/close-all.js'
import { Lifetime } from '../../core/lifetime.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { RosterRow } from '../../plane/node-roster.js'
import { planePartition } from '../../plane/partitions.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import { FleetView } from '../../views/fleet-view.js'
import { defaultCollectorOptions } from '../collector/collector-options.js'
import { IntentIssuer, type IssuedIntent } from '../intents/intent-issuer.js'
import { EndKeeper } from '../node/end-keeper.js'
import { AbsenceReporter } from '../node/failover/absence-reporter.js'
import { NodeFailover } from '../node/failover/node-failover.js'
import { KernelWatch, type KernelWatchComponents } from '../node/kernel-watch.js'
import { NodeService } from '../node/node-service.js'
import { openZoneReadings, type ZoneReadings } from '../node/readings/zone-readings.js'
import { type Relays, relayRequests } from '../node/relays.js'
import { UnservedWorkers } from '../node/unserved-workers.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import { Decider, type WithheldIntents } from './decider.js'
import { PlaneOutlet } from './plane-outlet.js'
import { type ResolvedSchedulerOptions, resolveSchedulerOptions, type SchedulerOptions } from './scheduler-options.js'

export interface SchedulerComponents extends DomainComponents, KernelWatchComponents {
  /** What it measures of a node that it adopts. @default this machine's, by the addon */
  readonly openReadings?: (numaNode: number) => ZoneReadings
}

/**
 * Watches the fleet and issues what its policies want, as intents. It places and executes nothing. It also keeps the
 * intents of operators and other schedulers, so that an intent outlives its issuer. Any number of schedulers may run:
 * per target the newest (epoch, seq) wins, and each policy is a pure function of what all of them see.
 */
export class Scheduler implements AsyncDisposable {
  readonly participant: Participant
  /** What it decides on. The application may read it. */
  readonly view: FleetView
  readonly #options: ResolvedSchedulerOptions
  readonly #membership: DomainMembership
  readonly #issuer: IntentIssuer
  readonly #decider: Decider<IssuedIntent>
  readonly #relays: Relays
  readonly #ends: EndKeeper
  readonly #deciding: RepeatingTimer
  readonly #kernel: KernelWatch | undefined
  readonly #failover: NodeFailover | undefined
  readonly #absences: AbsenceReporter
  readonly #unserved: UnservedWorkers | undefined
  readonly #lifetime: Lifetime
  #closing: Promise<void> | undefined

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, what joining the domain throws, or the signal's reason */
  static async start(options: SchedulerOptions = {}, components: SchedulerComponents = {}): Promise<Scheduler> {
    const resolved = resolveSchedulerOptions(options)
    resolved.signal?.throwIfAborted()
    const properties = { role: 'scheduler', adopts: resolved.adopts }
    const membership = await enterDomain(resolved.name, properties, resolved, components)
    return startRole(membership, () => new Scheduler(resolved, membership, components), resolved.signal)
  }

  private constructor(
    options: ResolvedSchedulerOptions,
    membership: DomainMembership,
    components: SchedulerComponents,
  ) {
    const { participant } = membership
    this.#lifetime = new Lifetime(options.signal, () => this.#closeUnasked())
    this.participant = participant
    participant.restored.addEventListener('abort', () => this.#closeUnasked(), { once: true })
    this.#options = options
    this.#membership = membership
    const { unreachableDeadAfterMs } = options
    this.view = FleetView.open(participant, { unreachableDeadAfterMs })
    this.#issuer = new IntentIssuer(this.view, { issuer: options.name, assertive: false })
    this.#decider = new Decider({ view: this.view, outlet: new PlaneOutlet(this.#issuer) }, options)
    this.#relays = relayRequests(participant, planePartition, planePartition)
    const ends = new EndKeeper(participant)
    this.#ends = ends
    this.#deciding = new RepeatingTimer(participant.clock, options.decideIntervalMs, () => this.#decider.decide())
    this.#absences = new AbsenceReporter(participant)
    if (!options.adopts) return
    const kernel = new KernelWatch(participant, components)
    const openReadings = components.openReadings ?? openZoneReadings
    const adopt = (numaNode: number, rows: readonly Sample<RosterRow>[]): NodeService => {
      const service = { ...defaultCollectorOptions, numaNode, adopted: true }
      return new NodeService({ participant, readings: openReadings(numaNode), kernel, ends, rows }, service)
    }
    this.#kernel = kernel
    this.#failover = new NodeFailover({ participant, numaNode: null, kernel, adopt })
    this.#unserved = new UnservedWorkers(participant, this.#failover)
  }

  /** Resolves when the scheduler has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Nodes of this host that it serves because their collectors are away and no other collector of the host is there. */
  get adoptedNodes(): readonly number[] {
    return this.#failover?.adopted ?? []
  }

  /** Names of the policies that it decides by. */
  get policies(): readonly string[] {
    return this.#options.policies.map(({ name }) => name)
  }

  /** Intents that its policies want, that hold, and that it has issued itself. */
  get intentsInForce(): number {
    return this.#decider.inForce
  }

  /** What it does not issue at present, because its view may be wrong; null if it withholds nothing. */
  get withheld(): WithheldIntents | null {
    return this.#decider.withheld
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
      () => this.#failover?.stop(),
      () => this.#issuer.flush(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => this.#unserved?.close(),
      () => this.#absences.close(),
      () => this.#failover?.close(),
      () => this.#kernel?.close(),
      () => this.#issuer.close(),
      () => this.#relays.close(),
      () => this.#ends.close(),
      () => this.view.close(),
    ])
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('scheduler.close-failed', error))
  }
}
