import { isIP } from 'node:net'
import { invalidArgument } from '../../core/errors.js'
import type { FrameSource } from './transport.js'

/**
 * Parses an endpoint that a stream may dial. Endpoints come from peers, so only the form that numacast itself binds is
 * accepted: `tcp://` with a numeric address, which needs no name resolution.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function parseEndpoint(endpoint: string): FrameSource {
  const parsed = readEndpoint(endpoint)
  if (parsed !== undefined) return parsed
  throw invalidArgument(
    `endpoint must be tcp://<numeric address>:<port>, not ${JSON.stringify(endpoint.slice(0, 200))}`,
    { endpoint },
  )
}

/** Returns whether {@link parseEndpoint} accepts it. */
export function isEndpoint(endpoint: string): boolean {
  return readEndpoint(endpoint) !== undefined
}

function readEndpoint(endpoint: string): FrameSource | undefined {
  const tcp = /^tcp:\/\/(?:\[([\da-fA-F:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(endpoint)
  if (tcp !== null) {
    const address = tcp[1] ?? tcp[2] ?? ''
    const port = Number(tcp[3])
    if (isIP(address) === (tcp[1] === undefined ? 4 : 6) && port >= 1 && port <= 65_535) return { address, port }
  }
  return undefined
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT if there is none */
export function endpointList(endpoints: string | readonly string[]): readonly [string, ...string[]] {
  const [first, ...others] = typeof endpoints === 'string' ? [endpoints] : endpoints
  if (first === undefined) throw invalidArgument('there is no endpoint to dial')
  return [first, ...new Set(others.filter((other) => other !== first))]
}

/**
 * Returns the endpoints of a peer that are reachable from here. A loopback address refers to the dialler's network
 * namespace, so it is kept only if the peer shares that.
 */
export function dialable(endpoints: readonly string[], sharesNetwork: boolean): readonly string[] {
  return sharesNetwork ? endpoints : endpoints.filter((endpoint) => !/^tcp:\/\/(127\.|\[::1\])/.test(endpoint))
}

/** Returns the addresses of the endpoints. A malformed endpoint has none. */
export function tcpAddresses(endpoints: readonly string[]): ReadonlySet<string> {
  return new Set(endpoints.flatMap((endpoint) => readEndpoint(endpoint)?.address ?? []))
}
