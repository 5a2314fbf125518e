import { setTimeout as pause } from 'node:timers/promises'
import { failureCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { listOsInterfaces } from '../lane/os-interfaces.js'
import type { ReceivingSocket } from '../zmtp/message-socket.js'
import { ZmtpSocket } from '../zmtp/zmtp-socket.js'

/** `tcp://address:port`; with port 0 the kernel chooses the port when the socket is bound. */
export function tcpEndpoint(address: string, port: number): string {
  return `tcp://${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`
}

/**
 * Binds the endpoint. Returns it with a wildcard port resolved.
 *
 * @throws NumacastError NUMACAST_TRANSPORT; the socket is then closed
 */
export async function bindSocket(socket: ReceivingSocket, endpoint: string): Promise<string> {
  try {
    // libzmq lists the interfaces before it binds TCP, and ends the process if that fails.
    if (!(socket instanceof ZmtpSocket)) listOsInterfaces()
    await socket.bind(endpoint)
    return socket.lastEndpoint ?? endpoint
  } catch (cause) {
    socket.close()
    throw bindError(endpoint, cause)
  }
}

export function bindError(endpoint: string, cause: unknown): NumacastError {
  const reason = failureCode(cause)
  return new NumacastError('NUMACAST_TRANSPORT', `cannot bind ${endpoint} (${reason})`, {
    cause,
    details: { endpoint, reason },
  })
}

/** Longer than libzmq's thread takes to release the address of a closed socket, or a process to end. */
const portPatienceMs = 2_000
const portRetryMs = 20

/**
 * Returns what `open` resolves to for the endpoint at which a socket listens for its own host. Always TCP on loopback:
 * libzmq 4.3.5 aborts the process when a peer connects to one of its `ipc://` sockets while no descriptor is free.
 *
 * While the port is taken, `open` is called again for up to {@link portPatienceMs}: a closed socket is released with a
 * delay.
 *
 * @param port 0: any free one
 * @throws NumacastError NUMACAST_TRANSPORT
 */
export async function openOnHost<T>(port: number, open: (endpoint: string) => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + portPatienceMs
  for (;;) {
    try {
      return await open(tcpEndpoint('127.0.0.1', port))
    } catch (error) {
      if (failureCode(error) !== 'eaddrinuse' || performance.now() > deadlineMs) throw error
      await pause(portRetryMs)
    }
  }
}
