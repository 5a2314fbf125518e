import { once } from 'node:events'
import { createServer } from 'node:net'

/** Checks without libzmq whether a TCP port can be bound at an address. @throws the system's error if it cannot */
export async function probeTcp(address: string, port: number): Promise<void> {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen({ host: address, port, exclusive: true })
  await listening
  const closed = once(server, 'close')
  server.close()
  await closed
}
