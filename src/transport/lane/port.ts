import { invalidArgument } from '../../core/errors.js'

/** PB and DG of the DDSI-RTPS port formula (OMG DDSI-RTPS 2.5, 9.6.2.3): base port and domain gain. */
const basePort = 7400
const domainGain = 250

/** The last domain whose 250 ports all fit below 65,536: 7400 + 250·231 + 249 = 65,399. */
export const maxDomain = 231
export const maxPortOffset = domainGain - 1

/**
 * Domains whose 250 UDP ports all lie below 32,768, where Linux starts to assign ephemeral ports. An ephemeral socket
 * is usually bound to all addresses, and then no receiver can bind its port.
 */
const domainsPerAddress = 101

/**
 * Returns the UDP port of a partition: `7400 + 250·domain + offset`, as in DDS. Domains from 101 upward reuse the ports
 * of lower domains at another multicast address; see {@link multicastAddressOf}.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function portOf(domain: number, offset: number): number {
  checkRange('domain', domain, maxDomain)
  checkRange('port offset', offset, maxPortOffset)
  return basePort + domainGain * (domain % domainsPerAddress) + offset
}

/**
 * Returns the multicast address of a domain: 239.255.0.1, the default of DDS discovery (DefaultMulticastLocator, OMG
 * DDSI-RTPS 2.5, 9.6.2.3), for domains 0 to 100; 239.255.0.2 and 239.255.0.3 for the next ones. Receivers bind the
 * address itself, so domains that share a port do not receive each other's frames.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function multicastAddressOf(domain: number): string {
  checkRange('domain', domain, maxDomain)
  return `239.255.0.${1 + Math.floor(domain / domainsPerAddress)}`
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkDomain(domain: number): void {
  checkRange('domain', domain, maxDomain)
}

/**
 * Returns the TCP port at which a participant of a host can be found without knowing any: `7400 + 250·domain`. Each
 * host has one per domain. From domain 102 upward an outgoing connection may occupy it; participants then keep trying.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function rendezvousPortOf(domain: number): number {
  checkRange('domain', domain, maxDomain)
  return basePort + domainGain * domain
}

function checkRange(what: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return
  throw invalidArgument(`${what} must be an integer from 0 to ${max}, not ${value}`, { [what]: value })
}
