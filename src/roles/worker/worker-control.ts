import type { Timer } from '../../core/clock.js'
import { type IntentKind, intentKinds, intentTopics, receivedIntentFrom } from '../../plane/intents.js'
import type { AppliedIntent } from '../../plane/worker-state.js'
import type { Participant } from '../../pubsub/participant.js'
import type { AdmissionFacts } from './admission.js'
import { ConfigInForce } from './config-in-force.js'
import type { Load } from './intent-progress.js'
import { concerns, type Instant, type WorkerAddress, WorkerIntents } from './worker-intents.js'
import type { WorkerPublisher } from './worker-publisher.js'

export interface WorkerControlComponents {
  readonly participant: Participant
  /** The partition in which its collector relays to it. */
  readonly partition: string
  readonly address: WorkerAddress
  readonly publisher: WorkerPublisher
  readonly load: () => Load
  /** What the orders say may have changed. */
  readonly changed: () => void
}

/** All that others have told a worker, intents and configuration: hears it, reports on it, and says what it comes to. */
export class WorkerControl {
  readonly #components: WorkerControlComponents
  readonly #intents: WorkerIntents
  readonly #config: ConfigInForce
  readonly #closers: (() => void)[] = []
  #due: Timer | undefined
  #stopped = false

  constructor(components: WorkerControlComponents) {
    const { participant, partition, address, changed } = components
    this.#components = components
    this.#intents = new WorkerIntents(address)
    this.#config = new ConfigInForce(participant, partition, address, changed)
    this.#closers.push(() => this.#config.close())
    for (const kind of intentKinds) this.#hear(kind)
  }

  applied(): AppliedIntent[] {
    return this.#intents.applied()
  }

  /** Jobs at once, as far as others limit them; infinite when they do not. */
  get maxInFlight(): number {
    let least = this.#config.maxInFlight
    for (const { intent } of this.#intents.obeyed('rebalance')) least = Math.min(least, intent.maxInFlight)
    return least
  }

  get preferredShards(): readonly string[] {
    return this.#intents.obeyed('prefer-shard').flatMap(({ intent }) => intent.shards)
  }

  get priorityWeights(): Readonly<Record<string, number>> {
    return this.#config.priorityWeights
  }

  /** Why others keep it from taking work; null where they do not. */
  get reasons(): Pick<AdmissionFacts, 'drainReason' | 'maintenanceReason' | 'pauseReason'> {
    return {
      drainReason: this.#intents.obeyed('drain')[0]?.intent.reason ?? null,
      maintenanceReason: this.#config.maintenanceReason,
      pauseReason: this.#intents.obeyed('pause-node')[0]?.intent.reason ?? null,
    }
  }

  /** Whether a throttle leaves room for one more job of a queue. */
  admitsQueue(queue: string): boolean {
    const taken = this.#components.load().byQueue.get(queue) ?? 0
    const throttles = this.#intents.obeyed('throttle-queue')
    return throttles.every(({ intent }) => intent.target !== queue || taken < intent.maxInFlight)
  }

  /** Work or time has moved on: reports what that means for each intent. */
  advance(): void {
    const { participant, load, publisher, changed } = this.#components
    const { clock } = participant
    this.#intents.advance(load(), this.#instant())
    for (const report of this.#intents.takeReports()) publisher.status(report)
    this.#due?.cancel()
    this.#due = undefined
    const dueMs = this.#intents.nextDueMs()
    if (dueMs !== undefined) this.#due = clock.after(Math.max(0, dueMs - clock.nowMs()), changed)
  }

  /** Disposes reports that nobody needs any more. */
  forget(): void {
    const { participant, publisher } = this.#components
    for (const report of this.#intents.takeExpiredReports(participant.clock.nowMs())) publisher.forgetStatus(report)
  }

  /** Hears and reports no more. */
  stop(): void {
    this.#stopped = true
    this.#due?.cancel()
  }

  close(): void {
    this.stop()
    for (const close of this.#closers.splice(0)) close()
  }

  #hear<K extends IntentKind>(kind: K): void {
    const { participant, partition, address, load, changed } = this.#components
    const reader = participant.reader(intentTopics[kind], {
      partition,
      keyFilter: (target) => concerns(address, kind, target),
    })
    this.#closers.push(() => reader.close())
    reader.onSample((sample) => {
      // Silence is no consent to stop: an intent whose writers are gone holds until its time to live ends.
      if (sample.instanceState === 'no-writers' || this.#stopped) return
      const claim = receivedIntentFrom(kind, sample)
      if (claim !== undefined) this.#intents.offer(claim, load(), this.#instant())
      else this.#intents.withdraw(kind, sample.key, sample.token.writer, this.#instant())
      changed()
    })
  }

  #instant(): Instant {
    const { clock } = this.#components.participant
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() }
  }
}
