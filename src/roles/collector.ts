import { NumacastError } from '../core/errors.js'
import { participantOf } from '../core/ids.js'
import { keyOfParts } from '../plane/keys.js'
import { type NodeCapacity, nodeCapacity } from '../plane/node-capacity.js'
import { nodeRoster, type RosterRow } from '../plane/node-roster.js'
import { downPartition, planePartition, upPartition } from '../plane/partitions.js'
import { nodeTarget } from '../plane/targets.js'
import { workerCapacity } from '../plane/worker-capacity.js'
import { workerState } from '../plane/worker-state.js'
import type { Participant } from '../pubsub/participant.js'
import type { Peer, PeerEvent } from '../pubsub/peer.js'
import type { Writer } from '../pubsub/writer.js'
import { currentNode } from '../topology/placement.js'
import { type CollectorOptions, type ResolvedCollectorOptions, resolveCollectorOptions } from './collector-options.js'
import { KernelWatch, type WatchProcess } from './kernel-watch.js'
import { enterDomain, type Membership, type MembershipComponents } from './membership.js'
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
  readonly #membership: Membership
  readonly #readings: ZoneReadings
  readonly #roster: Roster
  readonly #kernel: KernelWatch
  readonly #capacityWriter: Writer<NodeCapacity>
  readonly #rosterWriter: Writer<RosterRow>
  readonly #publisher: PacedPublisher
  readonly #closers: (() => void)[] = []
  #reading: ZoneReading
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
    const reading = readings.read()
    const properties = { role: 'collector', numaNode }
    const membership = await enterDomain(`collector ${numaNode}`, properties, resolved, components)
    const { participant } = membership
    // Joining the partition is what makes other collectors heard.
    const listening = participant.reader(nodeCapacity, { partition: planePartition })
    try {
      await new Promise<void>((resolve) => participant.clock.after(resolved.discoveryMs, resolve))
      const other = findOther(participant, numaNode)
      if (other !== undefined) throw conflict(participant, numaNode, other)
    } catch (error) {
      readings.close()
      await membership.leave()
      throw error
    } finally {
      listening.close()
    }
    const kernel = new KernelWatch(participant, components.watchProcess)
    return new Collector(resolved, numaNode, membership, readings, reading, kernel)
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
      const acceptance = this.#roster.applyState(sample, clock.nowMs())
      if (acceptance !== 'applied') {
        participant.counters.add(`roster.rejected.${acceptance}`)
        return
      }
      const guid = participantOf(sample.token.writer)
      const peer = participant.peer(guid)
      if (peer !== undefined) this.#roster.applyVerdict(guid, peer.verdict)
      this.#kernel.watch(guid)
      this.#publisher.touch()
    })
    capacities.onSample((sample) => {
      this.#roster.applyCapacity(sample)
      this.#publisher.touch()
    })
    const peers = participant.onPeer((event) => this.#onPeer(event))
    const requests = relayRequests(participant, planePartition, down)
    const reports = relayReports(participant, up, planePartition)
    const measuring = new Repeating(clock, options.capacityIntervalMs, () => this.#measure())
    this.#closers.push(
      () => measuring.close(),
      () => peers.close(),
      () => this.#kernel.close(),
      () => states.close(),
      () => capacities.close(),
      () => requests.close(),
      () => reports.close(),
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
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#publisher.close()
    for (const close of this.#closers.splice(0)) close()
    for (const writer of [this.#capacityWriter, this.#rosterWriter]) {
      writer.flush()
      writer.close()
    }
    await this.#membership.leave()
  }

  #onPeer({ kind, peer }: PeerEvent): void {
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
    for (const row of this.#roster.takeChanged(this.participant.clock.nowMs())) this.#rosterWriter.write(row)
    for (const workerId of this.#roster.takeRemoved()) this.#rosterWriter.dispose(keyOfParts([workerId]))
    this.#publishCapacity()
  }

  #publishCapacity(): void {
    const { identity, incarnation } = this.participant
    this.#capacityWriter.write({
      host: identity.host,
      numaNode: this.numaNode,
      bootId: identity.bootId,
      collectorPid: identity.pid,
      collectorIncarnation: incarnation,
      ...this.#reading,
      workers: this.#roster.totals(),
      rosterRows: this.#roster.size,
    })
  }
}

/** The collector that was there first, if one lives: the earlier incarnation, ties by GUID, so that just one yields. */
function findOther(participant: Participant, numaNode: number): Peer | undefined {
  return participant.peers().find((peer) => {
    const { identity, incarnation, guid, properties, verdict } = peer
    if (properties.role !== 'collector' || properties.numaNode !== numaNode) return false
    if (identity.bootId !== participant.identity.bootId || verdict.liveliness === 'dead') return false
    return incarnation < participant.incarnation || (incarnation === participant.incarnation && guid < participant.guid)
  })
}

function conflict(participant: Participant, numaNode: number, other: Peer): NumacastError {
  const target = nodeTarget(participant.identity.host, numaNode)
  return new NumacastError(
    'NUMACAST_CONFLICT',
    `a collector (pid ${other.identity.pid}) serves ${target} in domain ${participant.domain} already; stop it first, or choose another domain or node`,
    { details: { pid: other.identity.pid, host: participant.identity.host, numaNode } },
  )
}
