import type { Guid } from '../core/ids.js'
import type { DatagramLane, Group, StreamLane } from '../transport/transport.js'
import { digestCapacity, encodeBeacon, encodeSolicit } from '../wire/beacon.js'
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
}

/** What a participant says of itself on the datagram lane. When it says it is the announcer's affair. */
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
    const { guid, incarnation, intervalMs, datagram, stream, endpoints, dataGroup, loopDelayMs } = this.#components
    const digest = endpoints.digest(partition)
    const capacity = digestCapacity(datagram.maxBodyBytes)
    for (let start = 0; start === 0 || start < digest.length; start += capacity) {
      const beacon = encodeBeacon(guid, {
        incarnation,
        sequence: this.#sequence++ >>> 0,
        descriptorVersion: endpoints.version,
        goodbye,
        streamPort: stream.requestPort,
        intervalMs,
        loopDelayMs: loopDelayMs(),
        progress: this.#completed,
        digest: digest.slice(start, start + capacity),
      })
      datagram.send(dataGroup(partition), beacon)
    }
  }

  /** "Who writes here?" */
  solicit(partition: string): void {
    const { guid, datagram, solicitGroup } = this.#components
    datagram.send(solicitGroup(partition), encodeSolicit(guid))
  }
}
