import { closeAll, closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { lazyImport } from '../../core/lazy-import.js'
import { Lifetime } from '../../core/lifetime.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { nodeCapacity } from '../../plane/node/node-capacity.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { nodeName } from '../../plane/vocabulary/targets.js'
import type { PeerEvent } from '../../pubsub/model/events.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Participant } from '../../pubsub/participant.js'
import type { HostService, HostServiceComponents } from '../node/host-service.js'
import { type DomainComponents, type DomainMembership, enterDomain, startRole } from '../shared/enter-domain.js'
import { type CollectorOptions, resolveCollectorOptions } from './collector-options.js'

/** @internal Loads what a collector is made of. */
export const loadCollectorParts = lazyImport(() =>
  Promise.all([
    import('../node/host-service.js'),
    import('../node/readings/zone-readings.js'),
    import('../../topology/numa/placement.js'),
  ]),
)

export interface CollectorComponents extends DomainComponents, HostServiceComponents {}

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
  readonly #host: HostService
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
    const [{ HostService }, { openZoneReadings }, { currentNode }] = await loadCollectorParts()
    const numaNode = resolved.numaNode ?? currentNode() ?? 0
    const readings = (components.openReadings ?? openZoneReadings)(numaNode)
    try {
      // Before it joins: a node that does not exist cannot be served.
      readings.read()
      const properties = { role: 'collector', numaNode, adopts: resolved.adopts }
      const membership = await enterDomain(`collector ${numaNode}`, properties, resolved, components)
      const make = async (): Promise<Collector> => {
        const { participant } = membership
        await refuseDuplicate(participant, numaNode, signal)
        signal?.throwIfAborted()
        const host = new HostService(participant, { ...resolved, own: { numaNode, readings } }, components)
        return new Collector({ numaNode, signal }, membership, host)
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
    { numaNode, signal }: { readonly numaNode: number; readonly signal: AbortSignal | undefined },
    membership: DomainMembership,
    host: HostService,
  ) {
    const { participant } = membership
    this.#lifetime = new Lifetime(signal, () => this.#closeUnasked())
    this.ended = this.#lifetime.ended.then(() => this.#conflict)
    this.participant = participant
    this.numaNode = numaNode
    this.#membership = membership
    this.#host = host
    participant.restored.addEventListener('abort', () => this.#closeUnasked(), { once: true })
    this.#peers = participant.onPeer((event) => this.#onPeer(event))
  }

  /** Workers that its roster holds, dead ones included. */
  get workers(): number {
    return this.#host.own?.roster.size ?? 0
  }

  /** Nodes of the host that it serves in the place of their collectors. */
  get adoptedNodes(): readonly number[] {
    return this.#host.adoptedNodes
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
      () => this.#host.stop(),
      () => this.#peers.close(),
      // The goodbye comes first: a participant sends it in the partitions that it still writes to.
      () => this.#membership.leave(),
      () => this.#host.close(),
    ])
  }

  /** Closes without a caller to which a failure could be thrown. */
  #closeUnasked(): void {
    this.close().catch((error: unknown) => this.participant.counters.addError('collector.close-failed', error))
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    if (kind !== 'joined' || !startedEarlier(this.participant, this.numaNode, peer)) return
    this.participant.counters.add('collector.yielded')
    if (this.#closing === undefined) this.#conflict = conflict(this.participant, this.numaNode, peer)
    this.#closeUnasked()
  }
}

/** Joins the plane until any other collector would have been found. @throws NumacastError NUMACAST_CONFLICT */
async function refuseDuplicate(
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
  const other = participant.peers().find((peer) => startedEarlier(participant, numaNode, peer))
  if (other !== undefined) throw conflict(participant, numaNode, other)
}

/** Another live collector of the node that was there first: the earlier incarnation, ties by GUID, so that one yields. */
function startedEarlier(participant: Participant, numaNode: number, peer: Peer): boolean {
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
