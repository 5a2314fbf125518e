import { closeAll, closeEach } from '../../core/close-all.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import { EndKeeper } from './end-keeper.js'
import { AbsenceReporter } from './failover/absence-reporter.js'
import { NodeFailover } from './failover/node-failover.js'
import { KernelWatch, type KernelWatchComponents } from './kernel-watch.js'
import { NodeService, type NodeServiceOptions } from './node-service.js'
import { openZoneReadings, type ZoneReadings } from './readings/zone-readings.js'
import { UnservedWorkers } from './unserved-workers.js'

export interface HostServiceComponents extends KernelWatchComponents {
  /** Opens what measures a node that it serves. @default this machine's, by the addon */
  readonly openReadings?: (numaNode: number) => ZoneReadings
}

export interface HostServiceOptions extends Omit<NodeServiceOptions, 'numaNode' | 'adopted'> {
  /** The node that it serves as its collector, and what measures that node; null for a process that is no collector. */
  readonly own: { readonly numaNode: number; readonly readings: ZoneReadings } | null
  /** Whether it serves other nodes of the host while their own collectors are away. */
  readonly adopts: boolean
}

/**
 * Serves the NUMA nodes of one host: its own, if it is a collector, and others while their own collectors are away. It
 * also keeps the ends of worker processes, and reports nodes that are no longer received from.
 */
export class HostService {
  /** The service of its own node. */
  readonly own: NodeService | undefined
  readonly #ends: EndKeeper
  readonly #absences: AbsenceReporter
  readonly #kernel: KernelWatch | undefined
  readonly #failover: NodeFailover | undefined
  readonly #unserved: UnservedWorkers | undefined

  constructor(participant: Participant, options: HostServiceOptions, components: HostServiceComponents) {
    const { own, adopts, ...service } = options
    // A collector keeps the ends of its own host, a scheduler those of every host.
    const ends = new EndKeeper(participant, own === null ? undefined : participant.identity.bootId)
    this.#ends = ends
    this.#absences = new AbsenceReporter(participant)
    if (own === null && !adopts) return
    const kernel = new KernelWatch(participant, components)
    this.#kernel = kernel
    if (own !== null) {
      const { numaNode, readings } = own
      try {
        this.own = new NodeService({ participant, readings, kernel, ends }, { ...service, numaNode, adopted: false })
      } catch (error) {
        const fail = (): never => {
          throw error
        }
        // The participant may be another's, and stays open then.
        closeEach([fail, () => ends.close(), () => this.#absences.close(), () => kernel.close()])
      }
    }
    if (adopts) {
      const openReadings = components.openReadings ?? openZoneReadings
      const adopt = (numaNode: number, rows: readonly Sample<RosterRow>[]): NodeService => {
        const readings = openReadings(numaNode)
        return new NodeService({ participant, readings, kernel, ends, rows }, { ...service, numaNode, adopted: true })
      }
      this.#failover = new NodeFailover({ participant, numaNode: own?.numaNode ?? null, kernel, adopt })
    }
    this.#unserved = new UnservedWorkers(participant, this.#failover ?? { want: () => {} })
  }

  /** Nodes that it serves in the place of their collectors. */
  get adoptedNodes(): readonly number[] {
    return this.#failover?.adopted ?? []
  }

  /** Publishes nothing more. Called before the participant sends its goodbye. */
  stop(): void {
    closeEach([() => this.#failover?.stop(), () => this.own?.stop()])
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await closeAll([
      () => this.#unserved?.close(),
      () => this.#absences.close(),
      () => this.#failover?.close(),
      () => this.own?.close(),
      () => this.#ends.close(),
      () => this.#kernel?.close(),
    ])
  }
}
