import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'

/**
 * A UDP socket that never looks a name up: every address that the lanes use is numeric, and the lookup of `node:dgram`
 * would cost each send a turn through the thread pool.
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
    // First the listener: with our lookup, binding takes no turn of the event loop.
    const listening = once(socket, 'listening')
    // Exclusive: workers of node:cluster would otherwise share one descriptor and steal each other's frames.
    socket.bind({ address, port, exclusive: true })
    await listening
  } catch (cause) {
    socket.close()
    throw new NumacastError(
      'NUMACAST_TRANSPORT',
      `cannot bind udp ${address}:${port} (${errorCode(cause)}): if another program holds the port, choose another domain`,
      { cause, details: { address, port } },
    )
  }
}

/** Resolves when the descriptor is gone. */
export async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
