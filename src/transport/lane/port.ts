import { invalidArgument } from '../../core/errors.js'

/** PB and DG of the DDSI-RTPS port formula (OMG DDSI-RTPS 2.5, 9.6.2.3): base port and domain gain. */
const basePort = 7400
const domainGain = 250

/** The last domain whose 250 ports all fit below 65,536: 7400 + 250·231 + 249 = 65,399. */
export const maxDomain = 231
export const maxPortOffset = domainGain - 1

/**
 * `7400 + 250·domain + offset`, as in DDS. From domain 102 on (on Linux's default) these lie in the range that the
 * kernel hands out to ephemeral sockets; that does no harm, because receivers bind the multicast address itself.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function portOf(domain: number, offset: number): number {
  checkRange('domain', domain, maxDomain)
  checkRange('port offset', offset, maxPortOffset)
  return basePort + domainGain * domain + offset
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkDomain(domain: number): void {
  checkRange('domain', domain, maxDomain)
}

/**
 * The TCP port at which some participant of a host may be found without knowing any: `7400 + 250·domain`, the number that
 * DDS uses for discovery by multicast. Our datagrams use UDP, so the two do not meet.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function rendezvousPortOf(domain: number): number {
  return portOf(domain, 0)
}

function checkRange(what: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return
  throw invalidArgument(`${what} must be an integer from 0 to ${max}, not ${value}`, { [what]: value })
}
