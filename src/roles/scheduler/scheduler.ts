import { closeAll } from '../../core/close-all.js'
import { Lifetime } from '../../core/lifetime.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { Policy, WantedIntent } from '../../placement/policy.js'
import { planePartition } from '../../plane/partitions.js'
import type { Participant } from '../../pubsub/participant.js'
import { FleetView } from '../../views/fleet-view.js'
import { defaultCollectorOptions } from '../collector/collector-options.js'
import { IntentIssuer, type IssuedIntent } from '../intents/intent-issuer.js'
import { IntentsInForce } from '../intents/intents-in-force.js'
import type { HostService, HostServiceComponents } from '../node/host-service.js'
import { type Relays, relayRequests } from '../node/relays.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import { type ResolvedSchedulerOptions, resolveSchedulerOptions, type SchedulerOptions } from './scheduler-options.js'

export interface SchedulerComponents extends DomainComponents, HostServiceComponents {}

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
  readonly #standing: IntentsInForce<IssuedIntent>
  readonly #states = new Map<Policy, unknown>()
  /** The targets that each policy wanted when it last decided without an error. */
  readonly #targets = new Map<Policy, readonly string[]>()
  readonly #relays: Relays
  readonly #host: HostService
  readonly #deciding: RepeatingTimer
  readonly #lifetime: Lifetime
  #closing: Promise<void> | undefined

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT, what joining the domain throws, or the signal's reason */
  static async start(options: SchedulerOptions = {}, components: SchedulerComponents = {}): Promise<Scheduler> {
    const resolved = resolveSchedulerOptions(options)
    resolved.signal?.throwIfAborted()
    const { HostService } = await import('../node/host-service.js')
    const properties = { role: 'scheduler', adopts: resolved.adopts }
    const membership = await enterDomain(resolved.name, properties, resolved, components)
    const make = (): Scheduler => {
      const hosting = { ...defaultCollectorOptions, own: null, adopts: resolved.adopts }
      return new Scheduler(resolved, membership, new HostService(membership.participant, hosting, components))
    }
    return startRole(membership, make, resolved.signal)
  }

  private constructor(options: ResolvedSchedulerOptions, membership: DomainMembership, host: HostService) {
    const { participant } = membership
    this.#lifetime = new Lifetime(options.signal, () => this.#closeUnasked())
    this.participant = participant
    this.#options = options
    this.#membership = membership
    const { unreachableDeadAfterMs } = options
    this.view = FleetView.open(participant, { unreachableDeadAfterMs })
    this.#issuer = new IntentIssuer(this.view, { issuer: options.name, assertive: false })
    this.#standing = new IntentsInForce(options.intentTtlMs)
    for (const policy of options.policies) this.#states.set(policy, policy.initial)
    this.#relays = relayRequests(participant, planePartition, planePartition)
    this.#host = host
    this.#deciding = new RepeatingTimer(participant.clock, options.decideIntervalMs, () => this.#decide())
  }

  /** Resolves when the scheduler has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /** Nodes of this host that it serves because their collectors are away and no other collector of the host is there. */
  get adoptedNodes(): readonly number[] {
    return this.#host.adoptedNodes
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
      () => this.#host.stop(),
      () => this.#issuer.flush(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => this.#issuer.close(),
      () => this.#relays.close(),
      () => this.#host.close(),
      () => this.view.close(),
    ])
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('scheduler.close-failed', error))
  }

  #decide(): void {
    const nowMs = this.participant.clock.nowMs()
    const snapshot = this.view.status()
    const wanted: WantedIntent[] = []
    const undecided = new Set<string>()
    for (const [policy, state] of this.#states) {
      try {
        const decision = policy.decide(snapshot, state, nowMs)
        wanted.push(...decision.wanted)
        for (const target of decision.undecided) undecided.add(target)
        this.#states.set(policy, decision.state)
        this.#targets.set(
          policy,
          decision.wanted.map(({ target }) => target),
        )
      } catch (error) {
        // What a failing policy wanted before expires by itself. The other policies go on.
        this.participant.counters.addCallbackError(`scheduler.policy-failed.${policy.name}`, error)
        for (const target of this.#targets.get(policy) ?? []) undecided.add(target)
      }
    }
    try {
      this.#enact(wanted, undecided, nowMs)
    } catch (error) {
      // A policy asked for what no intent can express, or the participant's owner has closed it.
      this.participant.counters.addError('scheduler.issue-failed', error)
    }
  }

  #enact(wanted: readonly WantedIntent[], undecided: ReadonlySet<string>, nowMs: number): void {
    const { apply, renew, lift } = this.#standing.plan(wanted, undecided, nowMs)
    const { intentTtlMs: ttlMs } = this.#options
    for (const want of apply) {
      if (this.#issuer.isOutranked(want.kind, want.target)) continue
      const issued = this.#issuer.apply(want.kind, want.target, want.terms, { reason: want.reason, ttlMs })
      this.#standing.issued(want, issued, nowMs)
    }
    for (const { wanted: want, issued } of renew) {
      // Writing what cannot win would only hide the winner from late joiners.
      if (this.#issuer.isOutranked(want.kind, want.target)) continue
      this.#standing.issued(want, this.#issuer.renew(issued, want.reason), nowMs)
    }
    for (const want of lift) {
      if (!this.#issuer.isOutranked(want.kind, want.target)) {
        this.#issuer.lift(want.kind, want.target, { reason: `no longer: ${want.reason}` })
      }
      this.#standing.lifted(want)
    }
  }
}
