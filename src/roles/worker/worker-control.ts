import { closeEach } from '../../core/close-all.js'
import type { Timer } from '../../core/time/clock.js'
import {
  type IntentKind,
  type IntentOf,
  intentKinds,
  intentTopics,
  receivedIntentFrom,
  targetOfKey,
} from '../../plane/intents/intents.js'
import type { AppliedIntent } from '../../plane/worker/worker-state.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import type { PauseReasons } from './admission.js'
import { ConfigInForce } from './config-in-force.js'
import { inFlightText, type Load } from './intents/intent-progress.js'
import type { QueueThrottles } from './intents/queue-throttles.js'
import { concerns, type Instant, type WorkerAddress, WorkerIntents } from './intents/worker-intents.js'
import type { WorkerPublisher } from './worker-publisher.js'

/** What control needs of its worker. */
export interface ControlHost {
  readonly load: Load
  /** Ends the slots in which no job runs. `because` is for people. */
  takeBackSlots(because: string): void
  /** Intents or configuration have changed. */
  controlChanged(): void
}

export interface WorkerControlComponents {
  readonly participant: Participant
  /** The partition in which its collector relays to it. */
  readonly partition: string
  readonly address: WorkerAddress
  readonly publisher: WorkerPublisher
  readonly host: ControlHost
}

/** The intents and the configuration that concern a worker: receives them, reports on them, and combines them. */
export class WorkerControl {
  readonly #components: WorkerControlComponents
  readonly #intents: WorkerIntents
  readonly #config: ConfigInForce
  readonly #closers: (() => void)[] = []
  readonly #throttles: Reader<IntentOf<'throttle-queue'>>
  #due: Timer | undefined
  #dueMs: number | undefined
  #stopped = false
  /** Set while slots are taken back: how an intent that this completes came to be completed. */
  #note: string | null = null
  /** What has arrived in this turn and is not acted on yet. */
  readonly #arrived: (() => void)[] = []

  constructor(components: WorkerControlComponents) {
    const { participant, partition, address, host } = components
    this.#components = components
    this.#intents = new WorkerIntents(address)
    this.#config = new ConfigInForce(participant, partition, address, () => host.controlChanged())
    this.#closers.push(() => this.#config.close())
    for (const kind of intentKinds) if (kind !== 'throttle-queue') this.#receive(kind)
    this.#throttles = this.#receive('throttle-queue')
  }

  /** The queues that the worker takes from have changed. */
  setQueues(queues: readonly string[]): void {
    const { load } = this.#components.host
    this.#intents.setQueues(queues, load, this.#now())
    for (const [, sample] of this.#throttles.entries()) {
      const claim = receivedIntentFrom('throttle-queue', sample)
      if (claim !== undefined) this.#intents.offer(claim, load, this.#now())
    }
    this.#report()
    this.#components.host.controlChanged()
  }

  /** At most `most` of the intents that the worker obeys. */
  applied(most?: number): AppliedIntent[] {
    return this.#intents.applied(most)
  }

  /** Jobs at once, as limited by intents and configuration; infinite without a limit. */
  get maxInFlight(): number {
    let least = this.#config.maxInFlight
    for (const { intent } of this.#intents.obeyed('rebalance')) least = Math.min(least, intent.maxInFlight)
    return least
  }

  get throttles(): QueueThrottles {
    return this.#intents.throttles
  }

  get preferredShards(): readonly string[] {
    return [...this.#intents.obeyed('prefer-shard')].flatMap(({ intent }) => intent.shards)
  }

  get priorityWeights(): Readonly<Record<string, number>> {
    return this.#config.priorityWeights
  }

  /** Why intents or configuration keep the worker from taking work. */
  get reasons(): Pick<PauseReasons, 'drainReason' | 'maintenanceReason' | 'pauseReason'> {
    const [drain] = this.#intents.obeyed('drain')
    const [pause] = this.#intents.obeyed('pause-node')
    return {
      drainReason: drain?.intent.reason ?? null,
      maintenanceReason: this.#config.maintenanceReason,
      pauseReason: pause?.intent.reason ?? null,
    }
  }

  /** Called when the load has changed. Reports the progress of each intent that is not reached yet. */
  advance(): void {
    this.#intents.advance(this.#components.host.load, this.#now(), this.#note)
    this.#report()
    this.#takeBackSlots()
  }

  /** Reports what unreached intents wait for, and disposes reports that are not needed any more. */
  maintain(): void {
    const { participant, publisher, host } = this.#components
    this.#intents.explain(host.load)
    this.#report()
    for (const report of this.#intents.takeExpiredReports(participant.clock.nowMs())) publisher.forgetStatus(report)
  }

  /** Stops receiving and reporting. */
  stop(): void {
    this.#stopped = true
    this.#due?.cancel()
  }

  close(): void {
    this.stop()
    closeEach(this.#closers.splice(0))
  }

  #receive<K extends IntentKind>(kind: K): Reader<IntentOf<K>> {
    const { participant, partition, address, host } = this.#components
    // Every throttle, because the worker's queues may change. What does not concern it is not offered.
    const isReceived = (target: string): boolean => kind === 'throttle-queue' || concerns(address, kind, target)
    const reader = participant.reader(intentTopics[kind], {
      partition,
      keyFilter: (key) => isReceived(targetOfKey(key)),
    })
    this.#closers.push(() => reader.close())
    reader.onSample((sample) => {
      // An intent whose writers are gone holds until its time to live ends.
      if (sample.instanceState === 'no-writers' || this.#stopped) return
      const claim = receivedIntentFrom(kind, sample)
      this.#act(() => {
        if (claim !== undefined) this.#intents.offer(claim, host.load, this.#now())
        else this.#intents.withdraw(kind, targetOfKey(sample.key), sample.token.writer, this.#now())
      })
    })
    return reader
  }

  /**
   * The samples of a frame are acted on together. A worker that has just started receives each issuer's last intent for a
   * target: it does not obey one for a moment that another one has ended.
   */
  #act(take: () => void): void {
    this.#arrived.push(take)
    if (this.#arrived.length > 1) return
    queueMicrotask(() => {
      const arrived = this.#arrived.splice(0)
      if (this.#stopped) return
      const { host, participant } = this.#components
      const follow = [() => this.#report(), () => host.controlChanged(), () => this.#takeBackSlots()]
      for (const step of [...arrived, ...follow]) {
        try {
          step()
        } catch (error) {
          participant.counters.addCallbackError('reader.listener-threw', error)
        }
      }
    })
  }

  /** A drain does not wait for an open slot beyond its deadline. */
  #takeBackSlots(): void {
    const { host, participant } = this.#components
    const { open } = host.load
    if (open === 0 || this.#stopped || this.#note !== null) return
    if (!this.#intents.isDrainOverdue(participant.clock.nowMs())) return
    this.#note = `${inFlightText(0, open)} ${open === 1 ? 'was' : 'were'} taken back at the deadline`
    host.takeBackSlots('the deadline of the drain has passed')
    this.#note = null
  }

  #report(): void {
    const { participant, publisher } = this.#components
    for (const report of this.#intents.takeReports()) publisher.status(report)
    const dueMs = this.#intents.nextDueMs()
    if (dueMs === this.#dueMs || this.#stopped) return
    this.#due?.cancel()
    this.#dueMs = dueMs
    this.#due =
      dueMs === undefined
        ? undefined
        : participant.clock.after(Math.max(0, dueMs - participant.clock.nowMs()), () => this.#isDue())
  }

  #isDue(): void {
    this.#dueMs = undefined
    this.advance()
    this.#components.host.controlChanged()
  }

  #now(): Instant {
    const { clock } = this.#components.participant
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() }
  }
}
