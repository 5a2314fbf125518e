import { isIP } from 'node:net'
import { invalidArgument } from '../core/errors.js'

/** Where a peer may be found, as the application has listed it. */
export interface ListedPeer {
  /** A name, or a numeric address. */
  readonly host: string
  /** Undefined: the host's rendezvous port. */
  readonly port: number | undefined
}

/** More are no list but a directory; those are found through each other. */
const maxListedPeers = 256

/**
 * Reads `host`, `host:port`, an IPv6 address, or `[address]:port`.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function parseListedPeer(text: string): ListedPeer {
  const wrong = invalidArgument(
    `peer must be host, host:port or [IPv6 address]:port, not ${JSON.stringify(text.slice(0, 300))}`,
    { peer: text },
  )
  if (isIP(text) !== 0) return { host: text, port: undefined }
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  const [, host, portText] = bracketed ?? /^([^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (host === undefined) throw wrong
  if (bracketed !== null ? isIP(host) !== 6 : !isHostName(host)) throw wrong
  const port = portText === undefined ? undefined : Number(portText)
  if (port !== undefined && !(port >= 1 && port <= 65_535)) throw wrong
  return { host, port }
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function parseListedPeers(texts: readonly string[]): readonly ListedPeer[] {
  if (texts.length > maxListedPeers) throw invalidArgument(`${texts.length} peers listed; at most ${maxListedPeers}`)
  return texts.map(parseListedPeer)
}

/** Whether it can only be this host: `localhost` and the loopback addresses. */
export function isLoopback({ host }: ListedPeer): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Labels of letters, digits, `-` and `_`, at most 253 characters (RFC 1035, 2.3.4); IPv4 addresses among them. */
function isHostName(host: string): boolean {
  return (
    host.length <= 253 &&
    host.split('.').every((label, at, all) => /^[\w-]{1,63}$/.test(label) || isRoot(label, at, all))
  )
}

function isRoot(label: string, at: number, all: readonly string[]): boolean {
  return label === '' && at > 0 && at === all.length - 1
}
