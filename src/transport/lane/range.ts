import { multicastAddressOf } from './port.js'

/** How far a participant is heard. */
export const Range = {
  /** This host's loopback interface. */
  localhost: 'localhost',
  /** This host, and by multicast everybody on the subnets of its interfaces. */
  subnet: 'subnet',
  /** Nobody by multicast: none is sent and none is listened to. Only streams remain. */
  off: 'off',
} as const
export type Range = (typeof Range)[keyof typeof Range]

/**
 * How far a participant's datagrams go: where they are sent, and from whom they are accepted. All use the loopback
 * interface; that of `subnet` uses others too, which come and go while it runs (`UdpDatagramLane.follow`).
 */
export interface DatagramRange {
  readonly multicastAddress: string
  /** The address of the loopback interface, over which participants of one host hear each other. */
  readonly interfaceAddress: string
  /** IP time to live on loopback: 0 never leaves the host (RFC 1112, section 6.1). */
  readonly timeToLive: number
  readonly maxBodyBytes: number
  /**
   * Whether a frame from this address belongs to the host. A socket also receives what reaches its multicast address
   * through interfaces that other programs joined on (IP_MULTICAST_ALL, ip(7)), so membership alone decides nothing.
   */
  accepts(address: string): boolean
}

/**
 * This host only. A frame of DDS at this address is no RADIO frame, or names no group of this library. 8,000 bytes stay below
 * the 8,190 at which libzmq 4.3.5 truncates what RADIO sends over UDP.
 */
export const localhostRange: DatagramRange = Object.freeze({
  multicastAddress: '239.255.0.1',
  interfaceAddress: '127.0.0.1',
  timeToLive: 0,
  maxBodyBytes: 8_000,
  accepts: (address: string) => address.startsWith('127.'),
})

/**
 * Loopback, and with a time to live of 1 the subnets of the interfaces in use. 1,344 bytes with the group's name and the
 * headers of UDP and IPv4 are 1,388: one packet on Ethernet (1,500), also through VXLAN (1,450) or WireGuard (1,420).
 */
export const subnetRange: DatagramRange = Object.freeze({ ...localhostRange, maxBodyBytes: 1_344 })

/** Returns the range as a domain uses it: each 101 domains have a multicast address of their own. */
export function rangeOfDomain(range: DatagramRange, domain: number): DatagramRange {
  return Object.freeze({ ...range, multicastAddress: multicastAddressOf(domain) })
}

/** Off the host a frame may pass no router (RFC 1112, section 6.1). */
export const subnetTimeToLive = 1
