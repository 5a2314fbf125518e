// Redis pub/sub: a redis-server in the middle, node-redis at both ends. The address is the server's port.
import { createClient } from 'redis'
import type { Link, LinkRole } from './link.js'
import { type ServerProcess, startServer } from './server-process.js'

export function startRedis(): Promise<ServerProcess> {
  return startServer('redis-server', (port, folder) => [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
  ])
}

export type RedisClient = Awaited<ReturnType<typeof connectRedis>>

export async function connectRedis(port: number) {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
  client.on('error', (error: Error) => {
    throw error
  })
  await client.connect()
  return client
}

export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const publisher = await connectRedis(Number(address))
  const subscriber = await connectRedis(Number(address))
  await subscriber.subscribe(role === 'near' ? 'back' : 'there', (message: Buffer) => onMessage(message), true)
  const channel = role === 'near' ? 'there' : 'back'
  return {
    // A refused command would be an unhandled rejection, which ends the process: a failed measurement.
    send: (message) => void publisher.publish(channel, message),
    async close() {
      await Promise.all([publisher.close(), subscriber.close()])
    },
  }
}
