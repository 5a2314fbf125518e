import { concurrencyLimit, maintenanceMode } from '../plane/intents/config.js'
import { maxIntentTtlMs } from '../plane/intents/intents.js'
import { planePartition } from '../plane/vocabulary/partitions.js'
import type { Participant } from '../pubsub/participant.js'
import type { Reader } from '../pubsub/reader/reader.js'
import type { ViewReader } from './fleet-readers.js'
import type { ConfigKind, ConfigRow, SnapshotChange } from './snapshot/snapshot-change.js'

/** The configuration of one kind: what the plane holds, and what snapshots show of it. */
interface ConfigSource {
  readonly kind: ConfigKind
  readonly reader: ViewReader
  /** Returns what the plane holds for a scope. */
  readonly rowOf: (scope: string) => ConfigRow | undefined
  readonly changed: Set<string>
  readonly shown: Set<string>
}

/** The standing configuration that placement depends on, as the plane holds it. */
export class SnapshotConfigs {
  readonly #sources: readonly ConfigSource[]

  constructor(participant: Participant) {
    // As long as a worker obeys a configuration that no process holds any more.
    const qos = { readerDataLifecycle: { purgeNoWritersMs: maxIntentTtlMs } }
    const limits = participant.reader(concurrencyLimit, { partition: planePartition, qos })
    const maintenance = participant.reader(maintenanceMode, { partition: planePartition, qos })
    this.#sources = [
      sourceOf('concurrency-limit', limits, ({ scope, maxInFlight }) => {
        return { kind: 'concurrency-limit', scope, maxInFlight }
      }),
      sourceOf('maintenance-mode', maintenance, ({ scope, enabled, reason }) => {
        return { kind: 'maintenance-mode', scope, enabled, reason }
      }),
    ]
  }

  /** What a view waits for, and closes. */
  get readers(): readonly ViewReader[] {
    return this.#sources.map(({ reader }) => reader)
  }

  /** Marks what ended by time alone: nothing reports that a value without writers was removed. */
  observe(): void {
    for (const { rowOf, changed, shown } of this.#sources) {
      for (const scope of shown) if (rowOf(scope) === undefined) changed.add(scope)
    }
  }

  /** Yields what has changed since the last call. */
  *takeChanges(): IterableIterator<SnapshotChange> {
    for (const { kind, rowOf, changed, shown } of this.#sources) {
      for (const scope of changed) {
        const config = rowOf(scope)
        if (config !== undefined) {
          shown.add(scope)
          yield { kind: 'config', config }
        } else if (shown.delete(scope)) yield { kind: 'config-ended', configKind: kind, scope }
      }
      changed.clear()
    }
  }
}

function sourceOf<T extends object>(kind: ConfigKind, reader: Reader<T>, toRow: (value: T) => ConfigRow): ConfigSource {
  const changed = new Set<string>()
  reader.onSample(({ key }) => changed.add(key))
  const rowOf = (scope: string): ConfigRow | undefined => {
    const sample = reader.get(scope)
    return sample === undefined ? undefined : toRow(sample.value)
  }
  return { kind, reader, rowOf, changed, shown: new Set() }
}
