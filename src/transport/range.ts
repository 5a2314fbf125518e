/**
 * How far a participant's datagrams go: where they are sent, through which interface, and from whom they are accepted.
 */
export interface DatagramRange {
  readonly multicastAddress: string
  /** The address of the interface that sends and receives multicast. */
  readonly interfaceAddress: string
  /** IP time to live: 0 never leaves the host, 1 never leaves the subnet (RFC 1112, section 6.1). */
  readonly timeToLive: number
  readonly maxBodyBytes: number
  /**
   * Whether a frame from this address belongs to the range. A socket also receives what reaches its multicast address
   * through interfaces that other programs joined on (IP_MULTICAST_ALL, ip(7)), so membership alone decides nothing.
   */
  accepts(address: string): boolean
}

/**
 * This host only. 239.255.0.1 is the default multicast address of DDS discovery (DefaultMulticastLocator, OMG
 * DDSI-RTPS 2.5, 9.6.2.3); a foreign DDS frame on it is no RADIO frame or names no group of ours. 8,000 bytes stay below
 * the 8,190 at which libzmq 4.3.5 truncates what RADIO sends over UDP.
 */
export const localhostRange: DatagramRange = Object.freeze({
  multicastAddress: '239.255.0.1',
  interfaceAddress: '127.0.0.1',
  timeToLive: 0,
  maxBodyBytes: 8_000,
  accepts: (address: string) => address.startsWith('127.'),
})
