import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** Returns all numeric addresses of a name now. Rejects when there are none, or no resolver answered. */
export type NameResolver = (host: string) => Promise<readonly string[]>

/**
 * As every program of this machine resolves names: hosts file, DNS (all A and AAAA records) and whatever else
 * nsswitch.conf(5) names, through getaddrinfo(3).
 */
export const systemResolver: NameResolver = async (host) => {
  if (isIP(host) !== 0) return [host]
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}
