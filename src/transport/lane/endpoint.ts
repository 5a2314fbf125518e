import { isIP } from 'node:net'
import { invalidArgument } from '../../core/errors.js'
import type { FrameSource } from './transport.js'

/** The longest abstract name or path: `sun_path` (108 bytes, unix(7)) less a NUL. */
export const maxSocketPathBytes = 107
/** A socket file as numacast names it, in a folder without `..`. */
const socketFile = /^\/(?:(?!\.\.\/)[\w.@ -]+\/)+numacast-[\w.-]+\.sock$/

/**
 * Reads an endpoint that a stream may dial. Endpoints come from peers, so only what numacast itself binds is taken:
 * `ipc://@name`, the abstract namespace, which touches no file; `ipc:///…/numacast-….sock`, a socket file; and `tcp://`
 * with a numeric address, which asks no name server.
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

/** Whether {@link parseEndpoint} takes it. */
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

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT when there is none */
export function endpointList(endpoints: string | readonly string[]): readonly [string, ...string[]] {
  const [first, ...others] = typeof endpoints === 'string' ? [endpoints] : endpoints
  if (first === undefined) throw invalidArgument('there is no endpoint to dial')
  return [first, ...new Set(others.filter((other) => other !== first))]
}

/**
 * Of a peer's endpoints those that lead to it from here. `ipc://` and loopback addresses mean this host's network
 * namespace to whoever dials them, so they count only where the peer shares it.
 */
export function dialable(endpoints: readonly string[], sharesNetwork: boolean): readonly string[] {
  return sharesNetwork ? endpoints : endpoints.filter((endpoint) => !/^(ipc:|tcp:\/\/(127\.|\[::1\]))/.test(endpoint))
}

/** The addresses of `tcp://` endpoints; what is no endpoint has none. */
export function tcpAddresses(endpoints: readonly string[]): ReadonlySet<string> {
  const sources = endpoints.filter((endpoint) => endpoint.startsWith('tcp://')).map(readEndpoint)
  return new Set(sources.flatMap((source) => source?.address ?? []))
}
