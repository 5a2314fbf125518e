import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'

/**
 * Creates a UDP socket without name resolution. The lanes use numeric addresses only, and the lookup of `node:dgram`
 * would cost each send a round trip through the thread pool.
 */
export function createNumericSocket(options: { readonly reuseAddr: boolean }): Socket {
  return createSocket({
    type: 'udp4',
    reuseAddr: options.reuseAddr,
    lookup: (address, _options, done) => done(null, address, 4),
  })
}

/** @throws NumacastError NUMACAST_TRANSPORT; the socket is closed then */
export async function bindSocket(socket: Socket, address: string, port: number): Promise<void> {
  try {
    // The listener comes first: with this lookup, binding completes within the same turn of the event loop.
    const listening = once(socket, 'listening')
    // Exclusive, because workers of node:cluster would otherwise share one descriptor and split its frames.
    socket.bind({ address, port, exclusive: true })
    await listening
  } catch (cause) {
    socket.close()
    const code = errorCode(cause)
    const hint = code === 'eaddrinuse' ? ': another program holds the port, choose another domain' : ''
    throw new NumacastError('NUMACAST_TRANSPORT', `cannot bind udp ${address}:${port} (${code})${hint}`, {
      cause,
      details: { address, port },
    })
  }
}

/** Resolves when the descriptor is closed. */
export async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
