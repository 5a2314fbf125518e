import { isIP } from 'node:net'
import { invalidArgument } from '../core/errors.js'
import type { FrameSource } from './transport.js'

/** The longest abstract name: `sun_path` (108 bytes, unix(7)) less the NUL that libzmq writes for `@`. */
const maxAbstractNameBytes = 107

/**
 * Reads an endpoint that a stream may dial. Endpoints come from peers, so only what numacast itself binds is taken:
 * `ipc://@name`, the abstract namespace, which touches no file, and `tcp://` with a numeric address, which asks no name
 * server.
 *
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function parseEndpoint(endpoint: string): FrameSource {
  if (endpoint.startsWith('ipc://@')) {
    const name = endpoint.slice('ipc://@'.length)
    if (name.length <= maxAbstractNameBytes && /^[\w.-]+$/.test(name)) return { address: endpoint, port: 0 }
  }
  const tcp = /^tcp:\/\/(?:\[([\da-fA-F:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(endpoint)
  if (tcp !== null) {
    const address = tcp[1] ?? tcp[2] ?? ''
    const port = Number(tcp[3])
    if (isIP(address) === (tcp[1] === undefined ? 4 : 6) && port >= 1 && port <= 65_535) return { address, port }
  }
  throw invalidArgument(
    `endpoint must be ipc://@name or tcp://<numeric address>:<port>, not ${JSON.stringify(endpoint.slice(0, 200))}`,
    { endpoint },
  )
}
