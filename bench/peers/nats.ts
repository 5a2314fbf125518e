// NATS core: a nats-server in the middle, the official client at both ends. The address is the server's port.
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Link, LinkRole } from './link.js'
import { type ServerProcess, startServer } from './server-process.js'

/** With JetStream, for the bench that needs its key-value store; core messages do not touch it. */
export function startNats(): Promise<ServerProcess> {
  return startServer('nats-server', (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder])
}

export function connectNats(port: number): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${port}`, reconnect: false })
}

export async function openLink(address: string, role: LinkRole, onMessage: (message: Buffer) => void): Promise<Link> {
  const connection = await connectNats(Number(address))
  connection.subscribe(role === 'near' ? 'back' : 'there', {
    callback(error, { data }) {
      if (error !== null) throw error
      onMessage(Buffer.from(data.buffer, data.byteOffset, data.length))
    },
  })
  await connection.flush()
  const subject = role === 'near' ? 'there' : 'back'
  return {
    send: (message) => connection.publish(subject, message),
    close: () => connection.close(),
  }
}
