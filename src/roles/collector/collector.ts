import { closeAll, closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { nodeCapacity } from '../../plane/node-capacity.js'
import type { RosterRow } from '../../plane/node-roster.js'
import { planePartition } from '../../plane/partitions.js'
import { nodeName } from '../../plane/targets.js'
import type { PeerEvent } from '../../pubsub/model/events.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import { currentNode } from '../../topology/numa/placement.js'
import { EndKeeper } from '../node/end-keeper.js'
import { AbsenceReporter } from '../node/failover/absence-reporter.js'
import { NodeFailover } from '../node/failover/node-failover.js'
import { KernelWatch, type KernelWatchComponents } from '../node/kernel-watch.js'
import { NodeService } from '../node/node-service.js'
import { openZoneReadings, type ZoneReadings } from '../node/readings/zone-readings.js'
import { UnservedWorkers } from '../node/unserved-workers.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import { type CollectorOptions, type ResolvedCollectorOptions, resolveCollectorOptions } from './collector-options.js'

export interface CollectorComponents extends DomainComponents, KernelWatchComponents {
  /** Opens what measures a node, its own or an adopted one. @default this machine's, by the addon */
  readonly openReadings?: (numaNode: number) => ZoneReadings
}

interface CollectorParts {
  readonly kernel: KernelWatch
  readonly ends: EndKeeper
  readonly service: NodeService
}

/**
 * Serves one NUMA node: receives from its workers, keeps their roster, measures the node, and publishes both. It relays
 * intents and configuration down to the workers and their reports up, and keeps owner and numbering. It owns only what it
 * measures. After a restart it gets everything else back from the owners. It may also serve other nodes of the host that
 * have no collector of their own at the time.
 */
export class Collector implements AsyncDisposable {
  readonly participant: Participant
  readonly numaNode: number
  /**
   * Settles when it has closed: with an error (NUMACAST_CONFLICT) when it yielded to another collector of its node,
   * found only after both had started, else with undefined.
   */
  readonly ended: Promise<NumacastError | undefined>
  readonly #membership: DomainMembership
  readonly #kernel: KernelWatch
  readonly #ends: EndKeeper
  readonly #service: NodeService
  readonly #absences: AbsenceReporter
  readonly #failover: NodeFailover | undefined
  readonly #unserved: UnservedWorkers
  readonly #peers: Subscription
  readonly #lifetime: Lifetime
  #conflict: NumacastError | undefined
  #closing: Promise<void> | undefined

  /**
   * Joins the domain, makes sure that the node has no other collector, and serves it.
   * @throws NumacastError NUMACAST_CONFLICT when another live collector serves the node; NUMACAST_NOT_FOUND when the
   *   machine has no such node; NUMACAST_INVALID_ARGUMENT; what joining the domain throws, or the signal's reason
   */
  static async start(options: CollectorOptions = {}, components: CollectorComponents = {}): Promise<Collector> {
    const resolved = resolveCollectorOptions(options)
    const { signal } = resolved
    signal?.throwIfAborted()
    const numaNode = resolved.numaNode ?? currentNode() ?? 0
    const openReadings = components.openReadings ?? openZoneReadings
    const readings = openReadings(numaNode)
    try {
      // Before it joins: a node that does not exist cannot be served.
      readings.read()
      const properties = { role: 'collector', numaNode, adopts: resolved.adopts }
      const membership = await enterDomain(`collector ${numaNode}`, properties, resolved, components)
      const make = async (): Promise<Collector> => {
        const { participant } = membership
        await refuseSecond(participant, numaNode, signal)
        signal?.throwIfAborted()
        const kernel = new KernelWatch(participant, components)
        const ends = new EndKeeper(participant, participant.identity.bootId)
        const own = { ...resolved, numaNode, adopted: false }
        try {
          const service = new NodeService({ participant, readings, kernel, ends }, own)
          return new Collector(resolved, membership, { kernel, ends, service }, openReadings)
        } catch (error) {
          // The participant may be another's, and stays open then.
          closeEach([() => ends.close(), () => kernel.close()])
          throw error
        }
      }
      return await startRole(membership, make, signal)
    } catch (error) {
      const fail = (): never => {
        throw error
      }
      return closeEach([fail, () => readings.close()]) as never
    }
  }

  private constructor(
    options: ResolvedCollectorOptions,
    membership: DomainMembership,
    { kernel, ends, service }: CollectorParts,
    openReadings: (numaNode: number) => ZoneReadings,
  ) {
    const { participant } = membership
    const { numaNode } = service
    this.#lifetime = new Lifetime(options.signal, () => this.#closeUnasked())
    this.ended = this.#lifetime.ended.then(() => this.#conflict)
    this.participant = participant
    this.numaNode = numaNode
    this.#membership = membership
    this.#kernel = kernel
    this.#ends = ends
    this.#service = service
    participant.restored.addEventListener('abort', () => this.#closeUnasked(), { once: true })
    this.#peers = participant.onPeer((event) => this.#onPeer(event))
    this.#absences = new AbsenceReporter(participant)
    if (!options.adopts) {
      this.#unserved = new UnservedWorkers(participant, { want: () => {} })
      return
    }
    const adopt = (orphan: number, rows: readonly Sample<RosterRow>[]): NodeService => {
      const readings = openReadings(orphan)
      return new NodeService(
        { participant, readings, kernel, ends, rows },
        { ...options, numaNode: orphan, adopted: true },
      )
    }
    this.#failover = new NodeFailover({ participant, numaNode, kernel, adopt })
    this.#unserved = new UnservedWorkers(participant, this.#failover)
  }

  /** Workers that its roster holds, dead ones included. */
  get workers(): number {
    return this.#service.roster.size
  }

  /** Nodes of the host that it serves in the place of their collectors. */
  get adoptedNodes(): readonly number[] {
    return this.#failover?.adopted ?? []
  }

  /** Stops serving and sends its goodbye. Workers go on. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#lifetime.end())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await closeAll([
      () => this.#failover?.stop(),
      () => this.#service.stop(),
      () => this.#peers.close(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => this.#unserved.close(),
      () => this.#absences.close(),
      () => this.#failover?.close(),
      () => this.#service.close(),
      () => this.#ends.close(),
      () => this.#kernel.close(),
    ])
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('collector.close-failed', error))
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    if (kind !== 'joined' || !wasFirst(this.participant, this.numaNode, peer)) return
    this.participant.counters.add('collector.yielded')
    if (this.#closing === undefined) this.#conflict = conflict(this.participant, this.numaNode, peer)
    this.#closeUnasked()
  }
}

/** Joins the plane until any other collector would have been found. @throws NumacastError NUMACAST_CONFLICT */
async function refuseSecond(
  participant: Participant,
  numaNode: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const listening = participant.reader(nodeCapacity, { partition: planePartition })
  try {
    await listening.synced(signal === undefined ? {} : { signal })
  } finally {
    listening.close()
  }
  const other = participant.peers().find((peer) => wasFirst(participant, numaNode, peer))
  if (other !== undefined) throw conflict(participant, numaNode, other)
}

/** Another live collector of the node that was there first: the earlier incarnation, ties by GUID, so that one yields. */
function wasFirst(participant: Participant, numaNode: number, peer: Peer): boolean {
  const { identity, incarnation, guid, properties, verdict } = peer
  if (properties.role !== 'collector' || properties.numaNode !== numaNode) return false
  if (identity.bootId !== participant.identity.bootId || verdict.liveliness === 'dead') return false
  return incarnation < participant.incarnation || (incarnation === participant.incarnation && guid < participant.guid)
}

function conflict(participant: Participant, numaNode: number, other: Peer): NumacastError {
  const target = nodeName({ ...participant.identity, numaNode })
  return new NumacastError(
    'NUMACAST_CONFLICT',
    `a collector (pid ${other.identity.pid}) serves ${target} in domain ${participant.domain} already; stop it first, or choose another domain or node`,
    { details: { pid: other.identity.pid, host: participant.identity.host, numaNode } },
  )
}
