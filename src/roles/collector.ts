import { NumacastError } from '../core/errors.js'
import { participantOf } from '../core/ids.js'
import type { Subscription } from '../core/listeners.js'
import { type NodeCapacity, nodeCapacity } from '../plane/node-capacity.js'
import { nodeRoster, type RosterRow } from '../plane/node-roster.js'
import { downPartition, planePartition, upPartition } from '../plane/partitions.js'
import { nodeTarget } from '../plane/targets.js'
import { workerCapacity } from '../plane/worker-capacity.js'
import { workerState } from '../plane/worker-state.js'
import type { PeerEvent } from '../pubsub/events.js'
import type { Participant } from '../pubsub/participant.js'
import type { Peer } from '../pubsub/peer.js'
import type { Writer } from '../pubsub/writer.js'
import { currentNode } from '../topology/placement.js'
import { type CollectorOptions, type ResolvedCollectorOptions, resolveCollectorOptions } from './collector-options.js'
import { KernelWatch, type WatchProcess } from './kernel-watch.js'
import { begin, enterDomain, type Membership, type MembershipComponents } from './membership.js'
import { PacedPublisher } from './paced-publisher.js'
import { relayReports, relayRequests } from './relays.js'
import { Repeating } from './repeating.js'
import { Roster } from './roster.js'
import { openZoneReadings, type ZoneReading, type ZoneReadings } from './zone-readings.js'

export interface CollectorComponents extends MembershipComponents {
  /** What it measures of its node. @default this machine's, by the addon */
  readonly readings?: ZoneReadings
  /** How it learns that a process has ended. @default the addon's pidfd watch */
  readonly watchProcess?: WatchProcess
}

/** A row is written again after this, so that its age and its collector's silence can be told apart. */
const rosterRefreshMs = 5_000

/**
 * One per NUMA node. It hears its node's workers, keeps their roster, measures the node, and tells the plane; it
 * relays intents and configuration down to them and their reports up, owner and numbering kept. It owns nothing but
 * what it measures: killed and started again, it has everything back from those who own it.
 */
export class Collector implements AsyncDisposable {
  readonly participant: Participant
  readonly numaNode: number
  /**
   * Settles when it has closed: with an error (NUMACAST_CONFLICT) when it yielded to another collector of its node,
   * found only after both had started, else with undefined.
   */
  readonly ended: Promise<NumacastError | undefined>
  readonly #membership: Membership
  readonly #readings: ZoneReadings
  readonly #roster: Roster
  readonly #kernel: KernelWatch
  readonly #capacityWriter: Writer<NodeCapacity>
  readonly #rosterWriter: Writer<RosterRow>
  readonly #publisher: PacedPublisher
  readonly #measuring: Repeating
  readonly #hearing: Subscription
  readonly #closers: (() => void)[] = []
  #reading: ZoneReading
  readonly #ended: (conflict: NumacastError | undefined) => void
  #closing: Promise<void> | undefined

  /**
   * Joins the domain, makes sure that the node has no other collector, and serves it.
   * @throws NumacastError NUMACAST_CONFLICT when another live collector serves the node; NUMACAST_NOT_FOUND when the
   *   machine has no such node; NUMACAST_INVALID_ARGUMENT; or what joining the domain throws
   */
  static async start(options: CollectorOptions = {}, components: CollectorComponents = {}): Promise<Collector> {
    const resolved = resolveCollectorOptions(options)
    const numaNode = resolved.numaNode ?? currentNode() ?? 0
    const readings = components.readings ?? openZoneReadings(numaNode)
    try {
      const reading = readings.read()
      const properties = { role: 'collector', numaNode }
      const membership = await enterDomain(`collector ${numaNode}`, properties, resolved, components)
      return await begin(membership, async () => {
        await refuseSecond(membership.participant, numaNode)
        const kernel = new KernelWatch(membership.participant, components.watchProcess)
        return new Collector(resolved, numaNode, membership, readings, reading, kernel)
      })
    } catch (error) {
      readings.close()
      throw error
    }
  }

  private constructor(
    options: ResolvedCollectorOptions,
    numaNode: number,
    membership: Membership,
    readings: ZoneReadings,
    reading: ZoneReading,
    kernel: KernelWatch,
  ) {
    const { participant } = membership
    const { clock } = participant
    const up = upPartition(participant.identity.bootId, numaNode)
    const down = downPartition(participant.identity.bootId, numaNode)
    let end: (conflict: NumacastError | undefined) => void = () => {}
    this.ended = new Promise((resolve) => {
      end = resolve
    })
    this.#ended = end
    this.participant = participant
    this.numaNode = numaNode
    this.#membership = membership
    this.#readings = readings
    this.#reading = reading
    this.#kernel = kernel
    this.#roster = new Roster({ deadRetentionMs: options.deadRetentionMs })
    this.#capacityWriter = participant.writer(nodeCapacity, { partition: planePartition })
    this.#rosterWriter = participant.writer(nodeRoster, { partition: planePartition })
    const pace = { minIntervalMs: options.rosterIntervalMs, refreshMs: rosterRefreshMs }
    this.#publisher = new PacedPublisher(clock, pace, () => this.#publish())

    const states = participant.reader(workerState, { partition: up })
    const capacities = participant.reader(workerCapacity, { partition: up })
    states.onSample((sample) => {
      const guid = participantOf(sample.token.writer)
      const peer = participant.peer(guid)
      // First: whether a claimant lives decides whose the name is.
      if (peer !== undefined) this.#roster.applyVerdict(guid, peer.verdict)
      const acceptance = this.#roster.applyState(sample, clock.nowMs())
      if (acceptance !== 'applied') {
        participant.counters.add(`roster.rejected.${acceptance}`)
        return
      }
      this.#kernel.watch(guid)
      this.#publisher.touch()
    })
    capacities.onSample((sample) => {
      this.#roster.applyCapacity(sample)
      this.#publisher.touch()
    })
    this.#hearing = participant.onPeer((event) => this.#onPeer(event))
    const requests = relayRequests(participant, planePartition, down)
    const reports = relayReports(participant, up, planePartition)
    this.#measuring = new Repeating(clock, options.capacityIntervalMs, () => this.#measure())
    this.#closers.push(
      () => this.#kernel.close(),
      () => states.close(),
      () => capacities.close(),
      () => requests.close(),
      () => reports.close(),
      () => this.#capacityWriter.close(),
      () => this.#rosterWriter.close(),
      () => this.#readings.close(),
    )
    this.#publisher.now()
  }

  /** Workers that its roster holds, dead ones included. */
  get workers(): number {
    return this.#roster.size
  }

  /** Stops serving and says goodbye; workers go on. Twice is fine. */
  close(): Promise<void> {
    return this.#end(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(conflict: NumacastError | undefined): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#ended(conflict))
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#publisher.close()
    this.#measuring.close()
    this.#hearing.close()
    // The goodbye comes first: a participant says it in the partitions that it still writes to.
    await this.#membership.leave()
    for (const close of this.#closers.splice(0)) close()
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    if (kind === 'joined' && wasFirst(this.participant, this.numaNode, peer)) {
      this.participant.counters.add('collector.yielded')
      void this.#end(conflict(this.participant, this.numaNode, peer))
      return
    }
    if (kind === 'left') this.#kernel.unwatch(peer.guid)
    const changed = this.#roster.applyVerdict(peer.guid, peer.verdict)
    if (kind === 'left') this.#roster.forgetParticipant(peer.guid)
    if (!changed) return
    // A change of liveliness is what schedulers act on: it waits for no pace.
    this.#publisher.now()
    this.#rosterWriter.flush()
  }

  #measure(): void {
    this.#roster.expire(this.participant.clock.nowMs())
    try {
      this.#reading = this.#readings.read()
    } catch {
      // The last reading stands, and its age shows: node.capacity is not written again until one succeeds.
      this.participant.counters.add('collector.reading-failed')
      return
    }
    this.#publisher.touch()
    this.#publishCapacity()
  }

  #publish(): void {
    const nowMs = this.participant.clock.nowMs()
    for (const row of this.#roster.takeChanged(nowMs)) this.#say(() => this.#rosterWriter.write(row))
    for (const workerId of this.#roster.takeRemoved()) this.#say(() => this.#rosterWriter.dispose(workerId))
    this.#publishCapacity()
  }

  #publishCapacity(): void {
    const { identity, incarnation } = this.participant
    const capacity: NodeCapacity = {
      host: identity.host,
      numaNode: this.numaNode,
      bootId: identity.bootId,
      collectorPid: identity.pid,
      collectorIncarnation: incarnation,
      ...this.#reading,
      workers: this.#roster.totals(),
      rosterRows: this.#roster.size,
    }
    this.#say(() => this.#capacityWriter.write(capacity))
  }

  /** What cannot be said (a reading that the schema refuses, a participant that its owner has closed) is counted. */
  #say(write: () => void): void {
    try {
      write()
    } catch (error) {
      const code = error instanceof NumacastError ? error.code : 'unknown'
      this.participant.counters.add(`collector.unsaid.${code}`)
    }
  }
}

/** Joins the plane for as long as it takes to hear of another collector. @throws NumacastError NUMACAST_CONFLICT */
async function refuseSecond(participant: Participant, numaNode: number): Promise<void> {
  const listening = participant.reader(nodeCapacity, { partition: planePartition })
  try {
    await listening.synced()
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
  const target = nodeTarget(participant.identity.host, numaNode)
  return new NumacastError(
    'NUMACAST_CONFLICT',
    `a collector (pid ${other.identity.pid}) serves ${target} in domain ${participant.domain} already; stop it first, or choose another domain or node`,
    { details: { pid: other.identity.pid, host: participant.identity.host, numaNode } },
  )
}
