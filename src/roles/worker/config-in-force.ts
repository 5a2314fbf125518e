import { closeEach } from '../../core/close-all.js'
import { concurrencyLimit, maintenanceMode, priorityWeights } from '../../plane/intents/config.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import { allTargets, nodeTarget } from '../../plane/vocabulary/targets.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import type { WorkerAddress } from './intents/worker-intents.js'

/** The standing configuration that concerns one worker. It stays in force while the plane is gone. */
export class ConfigInForce {
  readonly #limits: Reader<{ scope: string; reason: string; maxInFlight: number }>
  readonly #maintenance: Reader<{ scope: string; reason: string; enabled: boolean }>
  readonly #weights: Reader<{ scope: string; reason: string; weights: Record<string, number> }>

  constructor(participant: Participant, partition: string, address: WorkerAddress, onChange: () => void) {
    const scopes = new Set([allTargets, nodeTarget(address), address.workerId])
    const options = {
      partition,
      keyFilter: (scope: string) => scopes.has(scope),
      qos: { readerDataLifecycle: { purgeNoWritersMs: maxIntentTtlMs } },
    }
    this.#limits = participant.reader(concurrencyLimit, options)
    this.#maintenance = participant.reader(maintenanceMode, options)
    this.#weights = participant.reader(priorityWeights, options)
    for (const reader of [this.#limits, this.#maintenance, this.#weights]) reader.onSample(onChange)
  }

  /** The tightest limit in scope; infinite when there is none. */
  get maxInFlight(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { maxInFlight } of current(this.#limits)) least = Math.min(least, maxInFlight)
    return least
  }

  /** Why the worker is under maintenance; null while it is not. */
  get maintenanceReason(): string | null {
    for (const { enabled, reason } of current(this.#maintenance)) if (enabled) return reason
    return null
  }

  /** Returns the weights of queues; a narrower scope overrides a wider one. */
  get priorityWeights(): Readonly<Record<string, number>> {
    const byWidth = [...current(this.#weights)].sort((a, b) => width(b.scope) - width(a.scope))
    return Object.assign({}, ...byWidth.map(({ weights }) => weights))
  }

  close(): void {
    closeEach([this.#limits, this.#maintenance, this.#weights].map((reader) => () => reader.close()))
  }
}

function* current<T extends object>(reader: Reader<T>): IterableIterator<T> {
  for (const [, sample] of reader.entries()) {
    if (sample.instanceState !== 'disposed' && sample.value !== undefined) yield sample.value
  }
}

function width(scope: string): number {
  if (scope === allTargets) return 2
  return scope.includes('/') ? 1 : 0
}
