import type { Guid } from '../core/ids.js'
import { presenceIntervalMs } from '../discovery/earshot.js'
import type { DatagramLane, Group, StreamLane } from '../transport/transport.js'
import { type DigestEntry, digestCapacity, encodeBeacon, encodeSolicit } from '../wire/beacon.js'
import { mirrorName } from '../wire/group.js'
import type { LocalEndpoints } from './local-endpoints.js'

export interface BeaconSenderComponents {
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
  #completed = 0

  constructor(components: BeaconSenderComponents) {
    this.#components = components
  }

  /** Work has been completed: the next beacons say so. */
  completed(count: number): void {
    this.#completed = (this.#completed + count) >>> 0
  }

  /** "I am here, and this is how far my writers of the partition are", in as many frames as that needs. */
  beacon(partition: string, goodbye: boolean): void {
    const { datagram, stream, endpoints, dataGroup } = this.#components
    const group = dataGroup(partition)
    const digest = endpoints.digest(partition)
    const capacity = digestCapacity(datagram.maxBodyBytes)
    for (let start = 0; start === 0 || start < digest.length; start += capacity) {
      const part = digest.slice(start, start + capacity)
      const frame = this.#encode(false, goodbye, endpoints.writersVersion, part)
      datagram.send(group, frame)
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
