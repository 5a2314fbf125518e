import type { Guid } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import type { AnnouncementSender } from '../../discovery/announcer.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { DatagramLane, StreamLane } from '../../transport/lane/transport.js'
import { type DigestEntry, digestCapacity, encodeBeacon, encodeSolicit } from '../../wire/beacon.js'
import { mirrorName } from '../../wire/group.js'
import type { GroupTable } from '../endpoints/group-table.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { MatchedReaders } from './matched-readers.js'

/** Participants that read the built-in topics send a sign of presence every 2 s. Without one for this time none does. */
const observationMs = 10_000

/** Measures how late the main loop was recently; `LoopMonitor` does. */
export interface LoopDelay {
  readonly loopDelayMs: number
}

export interface BeaconSenderComponents {
  readonly clock: Clock
  readonly guid: Guid
  /** Wall-clock milliseconds at joining. */
  readonly incarnation: number
  readonly intervalMs: number
  readonly datagram: DatagramLane
  readonly stream: StreamLane
  readonly endpoints: LocalEndpoints
  readonly groups: GroupTable
  readonly loop: LoopDelay
  readonly matchedReaders: MatchedReaders
}

/**
 * Sends a participant's beacons, solicits and signs of presence by multicast, and its beacons by stream to peers beyond
 * multicast. `Announcer` decides when.
 */
export class BeaconSender implements AnnouncementSender {
  readonly #components: BeaconSenderComponents
  #sequence = 0
  #observedMs = Number.NEGATIVE_INFINITY
  #completed = 0

  constructor(components: BeaconSenderComponents) {
    this.#components = components
  }

  /** Adds completed work to the count that the next beacons carry. */
  completed(count: number): void {
    this.#completed = (this.#completed + count) >>> 0
  }

  /** A participant reads the built-in topics. */
  observed(): void {
    this.#observedMs = this.#components.clock.nowMs()
  }

  get #isObserved(): boolean {
    return this.#components.clock.nowMs() - this.#observedMs <= observationMs
  }

  /** Announces the participant and the last numbers of its writers in the partition, in as many frames as needed. */
  beacon(partition: string, goodbye: boolean): void {
    const { datagram, stream, endpoints, groups } = this.#components
    const isBuiltin = partition === builtinPartition
    const isWanted = !isBuiltin || this.#isObserved
    if (!isWanted && stream.liveEndpoints.length === 0) return
    // Participants that read the built-in topics need changes of readers too.
    const version = isBuiltin ? endpoints.version : endpoints.writersVersion
    const group = groups.data(partition)
    const digest = endpoints.digest(partition)
    const capacity = digestCapacity(datagram.maxBodyBytes)
    for (let start = 0; start === 0 || start < digest.length; start += capacity) {
      const part = digest.slice(start, start + capacity)
      const frame = this.#encode(false, goodbye, version, part)
      if (isWanted) datagram.send(group, frame)
      stream.publish(mirrorName(group.name), frame)
    }
  }

  /** Shows the writers of the partition that this participant reads it. */
  presence(partition: string, goodbye: boolean): void {
    const { datagram, endpoints, groups } = this.#components
    datagram.send(groups.solicit(partition), this.#encode(true, goodbye, endpoints.version, []))
  }

  /** Asks which participants write to the partition. */
  solicit(partition: string): void {
    const { guid, datagram, groups } = this.#components
    datagram.send(groups.solicit(partition), encodeSolicit(guid))
  }

  #encode(presence: boolean, goodbye: boolean, descriptorVersion: number, digest: readonly DigestEntry[]): Buffer {
    const { guid, incarnation, intervalMs, stream, loop, matchedReaders } = this.#components
    return encodeBeacon(guid, {
      presence,
      incarnation,
      sequence: this.#sequence++ >>> 0,
      descriptorVersion,
      goodbye,
      streamPort: stream.requestPort,
      intervalMs: presence ? presenceIntervalMs : intervalMs,
      loopDelayMs: loop.loopDelayMs,
      progress: this.#completed,
      audience: matchedReaders.participants,
      digest,
    })
  }
}
