import { isIP } from 'node:net'
import { invalidArgument } from '../../core/errors.js'
import type { FrameSource } from './transport.js'

/** The longest abstract name or path: `sun_path` (108 bytes, unix(7)) minus a NUL. */
export const maxSocketPathBytes = 107
/** A socket file as numacast names it, in a folder path without `..`. */
const socketFile = /^\/(?:(?!\.\.\/)[\w.@ -]+\/)+numacast-[\w.-]+\.sock$/

/**
 * Parses an endpoint that a stream may dial. Endpoints come from peers, so only forms that numacast itself binds are
 * accepted: `ipc://@name` in the abstract namespace, which touches no file; `ipc:///…/numacast-….sock`, a socket file;
 * and `tcp://` with a numeric address, which needs no name resolution.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function parseEndpoint(endpoint: string): FrameSource {
  const parsed = readEndpoint(endpoint)
  if (parsed !== undefined) return parsed
  throw invalidArgument(
    `endpoint must be ipc://@name, ipc:///<folder>/numacast-<name>.sock or tcp://<numeric address>:<port>, not ${JSON.stringify(endpoint.slice(0, 200))}`,
    { endpoint },
  )
}

/** Returns whether {@link parseEndpoint} accepts it. */
export function isEndpoint(endpoint: string): boolean {
  return readEndpoint(endpoint) !== undefined
}

function readEndpoint(endpoint: string): FrameSource | undefined {
  if (endpoint.startsWith('ipc://@')) {
    const name = endpoint.slice('ipc://@'.length)
    if (name.length <= maxSocketPathBytes && /^[\w.-]+$/.test(name)) return { address: endpoint, port: 0 }
  } else if (endpoint.startsWith('ipc:///')) {
    const file = endpoint.slice('ipc://'.length)
    if (file.length <= maxSocketPathBytes && socketFile.test(file)) return { address: endpoint, port: 0 }
  }
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
 * Returns the endpoints of a peer that are reachable from here. `ipc://` and loopback addresses refer to the dialler's
 * network namespace, so they are kept only if the peer shares it.
 */
export function dialable(endpoints: readonly string[], sharesNetwork: boolean): readonly string[] {
  return sharesNetwork ? endpoints : endpoints.filter((endpoint) => !/^(ipc:|tcp:\/\/(127\.|\[::1\]))/.test(endpoint))
}

/** Returns the addresses of `tcp://` endpoints. Other endpoints have none. */
export function tcpAddresses(endpoints: readonly string[]): ReadonlySet<string> {
  const sources = endpoints.filter((endpoint) => endpoint.startsWith('tcp://')).map(readEndpoint)
  return new Set(sources.flatMap((source) => source?.address ?? []))
}
