import { multicastAddressOf } from './port.js'

/** How far a participant's datagrams travel. */
export const Range = {
  /** This host's loopback interface. */
  localhost: 'localhost',
  /** This host, and by multicast every host on the subnets of its interfaces. */
  subnet: 'subnet',
  /** No multicast is sent or received. Only streams remain. */
  off: 'off',
} as const
export type Range = (typeof Range)[keyof typeof Range]

/**
 * The reach of a participant's datagrams: where they are sent, and from which addresses they are accepted. Every range
 * uses the loopback interface. `subnet` also uses others, which may change at runtime (`UdpDatagramLane.follow`).
 */
export interface DatagramRange {
  readonly multicastAddress: string
  /** The address of the loopback interface, over which participants of one host reach each other. */
  readonly interfaceAddress: string
  /** IP time to live on loopback: a packet with 0 never leaves the host (RFC 1112, section 6.1). */
  readonly timeToLive: number
  readonly maxBodyBytes: number
  /**
   * Returns whether a frame from this address is accepted. A socket also receives frames for its multicast address
   * through interfaces that other programs joined (IP_MULTICAST_ALL, ip(7)), so membership alone is not sufficient.
   */
  accepts(address: string): boolean
}

/**
 * This host only. A DDS frame at this address is not a RADIO frame, or names no group of this library. 8,000 bytes is
 * below the 8,190 at which libzmq 4.3.5 truncates UDP frames of RADIO.
 */
export const localhostRange: DatagramRange = Object.freeze({
  multicastAddress: '239.255.0.1',
  interfaceAddress: '127.0.0.1',
  timeToLive: 0,
  maxBodyBytes: 8_000,
  accepts: (address: string) => address.startsWith('127.'),
})

/**
 * Loopback, and with a time to live of 1 the subnets of the interfaces in use. 1,344 bytes plus the group's name and
 * the UDP and IPv4 headers make 1,388: one packet on Ethernet (1,500), also through VXLAN (1,450) or WireGuard (1,420).
 */
export const subnetRange: DatagramRange = Object.freeze({ ...localhostRange, maxBodyBytes: 1_344 })

/** Returns the range for a domain: every 101 domains share a multicast address. */
export function rangeOfDomain(range: DatagramRange, domain: number): DatagramRange {
  return Object.freeze({ ...range, multicastAddress: multicastAddressOf(domain) })
}

/** A frame that leaves the host crosses no router (RFC 1112, section 6.1). */
export const subnetTimeToLive = 1
