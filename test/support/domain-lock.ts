import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Test } from 'tap'
import { maxDomain, multicastAddressOf, portOf } from '../../src/transport/lane/port.js'
import { inetSockets } from './inet-sockets.js'

/** Below Linux's ephemeral range, so that no outgoing connection can take one by chance. */
const firstLockPort = 21_000

export interface LockedDomain {
  readonly domain: number
  release(): Promise<void>
}

/**
 * Locks a domain that no other test or bench uses until it is released, so that concurrent runs never receive from each
 * other. The lock is a TCP listener on 127.0.0.1, which the kernel releases however the process ends. Domain 0 is left
 * to users. A domain with participants of unlocked processes, as a killed test leaves behind, is skipped.
 */
export async function lockDomain(): Promise<LockedDomain> {
  const start = process.pid % maxDomain
  for (let attempt = 0; attempt < maxDomain; attempt++) {
    const domain = 1 + ((start + attempt) % maxDomain)
    const lock = await tryListen(firstLockPort + domain)
    if (lock === undefined) continue
    const release = async (): Promise<void> => {
      lock.close()
      await once(lock, 'close')
    }
    if (!isInhabited(domain)) return { domain, release }
    await release()
  }
  throw new Error(`all ${maxDomain} test domains are taken: look for test processes that were left running`)
}

/** As {@link lockDomain}, until `t` ends. */
export async function claimDomain(t: Test): Promise<number> {
  const { domain, release } = await lockDomain()
  t.teardown(release)
  return domain
}

async function tryListen(port: number): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy())
  server.unref()
  server.listen({ host: '127.0.0.1', port, exclusive: true })
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

/** Every participant with multicast listens at a port of its domain. */
function isInhabited(domain: number): boolean {
  if (process.platform !== 'linux') return false
  const [group, first, last] = [multicastAddressOf(domain), portOf(domain, 0), portOf(domain, 249)]
  return inetSockets('udp').some(({ address, port }) => address === group && port >= first && port <= last)
}
