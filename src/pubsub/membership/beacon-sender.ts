import type { Clock } from '../../core/clock.js'
import type { Guid } from '../../core/ids.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { DatagramLane, Group, StreamLane } from '../../transport/lane/transport.js'
import { type DigestEntry, digestCapacity, encodeBeacon, encodeSolicit } from '../../wire/beacon.js'
import { mirrorName } from '../../wire/group.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'

/** Those who read the built-in topics say so every two seconds; after this long nobody does any more. */
const observationMs = 10_000

export interface BeaconSenderComponents {
  readonly clock: Clock
  readonly guid: Guid
  /** Wall-clock milliseconds at joining. */
  readonly incarnation: number
  readonly intervalMs: number
  readonly datagram: DatagramLane
  readonly stream: StreamLane
  readonly endpoints: LocalEndpoints
  readonly dataGroup: (partition: string) => Group
  readonly solicitGroup: (partition: string) => Group
  /** How late the main loop was of late. */
  readonly loopDelayMs: () => number
  /** Participants that read what is written here. */
  readonly audience: () => number
}

/** What a participant says of itself by multicast, and beyond it to whoever subscribed. When it says it is the announcer's affair. */
export class BeaconSender {
  readonly #components: BeaconSenderComponents
  #sequence = 0
  #observedMs = Number.NEGATIVE_INFINITY
  #completed = 0

  constructor(components: BeaconSenderComponents) {
    this.#components = components
  }

  /** Work has been completed: the next beacons say so. */
  completed(count: number): void {
    this.#completed = (this.#completed + count) >>> 0
  }

  /** Somebody reads the built-in topics. */
  observed(): void {
    this.#observedMs = this.#components.clock.nowMs()
  }

  get #isObserved(): boolean {
    return this.#components.clock.nowMs() - this.#observedMs <= observationMs
  }

  /** "I am here, and this is how far my writers of the partition are", in as many frames as that needs. */
  beacon(partition: string, goodbye: boolean): void {
    const { datagram, stream, endpoints, dataGroup } = this.#components
    const isBuiltin = partition === builtinPartition
    const isAsked = !isBuiltin || this.#isObserved
    if (!isAsked && stream.liveEndpoints.length === 0) return
    // Who reads the built-in topics cares for readers too.
    const version = isBuiltin ? endpoints.version : endpoints.writersVersion
    const group = dataGroup(partition)
    const digest = endpoints.digest(partition)
    const capacity = digestCapacity(datagram.maxBodyBytes)
    for (let start = 0; start === 0 || start < digest.length; start += capacity) {
      const part = digest.slice(start, start + capacity)
      const frame = this.#encode(false, goodbye, version, part)
      if (isAsked) datagram.send(group, frame)
      stream.publish(mirrorName(group.name), frame)
    }
  }

  /** "I read here", to those who write to the partition. */
  presence(partition: string, goodbye: boolean): void {
    const { datagram, endpoints, solicitGroup } = this.#components
    datagram.send(solicitGroup(partition), this.#encode(true, goodbye, endpoints.version, []))
  }

  /** "Who writes here?" */
  solicit(partition: string): void {
    const { guid, datagram, solicitGroup } = this.#components
    datagram.send(solicitGroup(partition), encodeSolicit(guid))
  }

  #encode(presence: boolean, goodbye: boolean, descriptorVersion: number, digest: readonly DigestEntry[]): Buffer {
    const { guid, incarnation, intervalMs, stream, loopDelayMs, audience } = this.#components
    return encodeBeacon(guid, {
      presence,
      incarnation,
      sequence: this.#sequence++ >>> 0,
      descriptorVersion,
      goodbye,
      streamPort: stream.requestPort,
      intervalMs: presence ? presenceIntervalMs : intervalMs,
      loopDelayMs: loopDelayMs(),
      progress: this.#completed,
      audience: audience(),
      digest,
    })
  }
}
