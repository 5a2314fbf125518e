import { closeEach } from '../core/close-all.js'
import type { EntityId, Guid, Seq } from '../core/ids.js'
import type { Announcer } from '../discovery/announcer.js'
import type { DatagramLane, Group, StreamLane } from '../transport/lane/transport.js'
import { encodeAckRequest } from '../wire/ack-request.js'
import { largeName, mirrorName } from '../wire/group.js'
import type { LocalDelivery } from './catchup/local-delivery.js'
import type { GroupTable } from './endpoints/group-table.js'
import type { LiveSocket } from './endpoints/live-socket.js'
import type { LocalEndpoints } from './endpoints/local-endpoints.js'
import type { MatchedReaders } from './membership/matched-readers.js'
import { Lane } from './model/topic.js'
import type { PartitionMembership } from './protocol/partition-membership.js'
import type { WriterHost } from './writer/writer.js'

export interface WriterConnectionComponents {
  readonly participant: Guid
  readonly datagram: DatagramLane
  readonly stream: StreamLane
  readonly groups: GroupTable
  readonly endpoints: LocalEndpoints
  readonly liveSocket: LiveSocket
  readonly local: LocalDelivery
  readonly announcer: Announcer
  readonly membership: PartitionMembership
  readonly matchedReaders: MatchedReaders
}

export interface WriterConnectionTarget {
  readonly entity: EntityId
  readonly lane: Lane
  /** Empty for a hidden writer, which feeds only local readers. */
  readonly partitions: readonly string[]
}

/** Frames queued in the kernel above which a writer holds back and conflates. */
const maxPendingFrames = 64
/** Live frames of the stream lane: large enough to batch, small enough not to delay others. */
const streamFrameBytes = 64 * 1024

interface Route {
  readonly group: Group
  /** The group's name on the stream lane, for peers beyond multicast. */
  readonly mirror: string
  /** Where samples go that fit no datagram. */
  readonly large: string
}

/** Carries one writer's frames to the lanes and to local readers, and takes the writer out again when it closes. */
export class WriterConnection implements WriterHost {
  readonly maxFrameBytes: number
  readonly #components: WriterConnectionComponents
  readonly #target: WriterConnectionTarget
  readonly #isStream: boolean
  readonly #routes: readonly Route[]

  constructor(components: WriterConnectionComponents, target: WriterConnectionTarget) {
    this.#components = components
    this.#target = target
    this.#isStream = target.lane === Lane.stream
    this.maxFrameBytes = this.#isStream ? streamFrameBytes : components.datagram.maxBodyBytes
    this.#routes = target.partitions.map((partition) => {
      const group = components.groups.data(partition)
      return { group, mirror: mirrorName(group.name), large: this.#isStream ? group.name : largeName(group.name) }
    })
  }

  get isCongested(): boolean {
    return !this.#isStream && this.#components.datagram.pending > maxPendingFrames
  }

  send(frame: Buffer): void {
    const { datagram, stream } = this.#components
    for (const { group, mirror } of this.#routes) {
      if (this.#isStream) stream.publish(group.name, frame)
      else {
        datagram.send(group, frame)
        stream.publish(mirror, frame)
      }
    }
  }

  sendLarge(frame: Buffer): boolean {
    const { stream, endpoints, liveSocket } = this.#components
    const { entity, partitions } = this.#target
    const isHidden = partitions.length === 0
    const isExpected = this.#isStream || isHidden || endpoints.writer(entity)?.info.large === true
    if (!isExpected) {
      endpoints.announceLarge(entity)
      void liveSocket.open()
    }
    for (const { large } of this.#routes) stream.publish(large, frame)
    return isExpected
  }

  announceNow(): void {
    for (const partition of this.#target.partitions) this.#components.announcer.announceNow(partition)
  }

  changesSent(): void {
    this.#components.local.changesSent(this.#target.entity)
  }

  askReaders(seq: Seq): void {
    const { participant, local } = this.#components
    const { entity } = this.#target
    local.acknowledge(entity)
    this.send(encodeAckRequest(participant, { writer: entity, seq }))
  }

  writerClosed(): void {
    const { endpoints, local, matchedReaders, membership } = this.#components
    const { entity, partitions } = this.#target
    closeEach([
      () => endpoints.removeWriter(entity),
      () => local.removeWriter(entity),
      () => matchedReaders.removeWriter(entity),
      () => this.announceNow(),
      ...partitions.map((partition) => () => membership.stopWriting(partition)),
    ])
  }
}
