import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Counters } from '../../core/counters.js'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { maxSocketPathBytes } from '../lane/endpoint.js'
import { listOsInterfaces } from '../lane/os-interfaces.js'
import type { ReceivingSocket } from '../zmtp/message-socket.js'
import { ZmtpSocket } from '../zmtp/zmtp-socket.js'
import { removeStaleSockets, runtimeFolder } from './runtime-folder.js'

/** `tcp://address:port`; port 0 lets the kernel choose when it is bound. */
export function tcpEndpoint(address: string, port: number): string {
  return `tcp://${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`
}

/**
 * Binds all, and returns the endpoints with what became of the wildcards.
 *
 * @throws NumacastError NUMACAST_TRANSPORT; the socket is closed then
 */
export async function bindAll(socket: ReceivingSocket, wanted: readonly string[]): Promise<readonly string[]> {
  const endpoints: string[] = []
  for (const endpoint of wanted) {
    try {
      // libzmq asks for the interfaces before it binds TCP, and ends the process when it gets no answer.
      if (!(socket instanceof ZmtpSocket)) listOsInterfaces()
      await socket.bind(endpoint)
      endpoints.push(socket.lastEndpoint ?? endpoint)
    } catch (cause) {
      socket.close()
      throw bindError(endpoint, cause)
    }
  }
  return Object.freeze(endpoints)
}

/** Removes the socket files among what {@link bindAll} returned: libzmq leaves them. */
export function removeSocketFiles(endpoints: readonly string[]): void {
  for (const endpoint of endpoints) {
    if (endpoint.startsWith('ipc:///')) rmSync(endpoint.slice('ipc://'.length), { force: true })
  }
}

export function bindError(endpoint: string, cause: unknown): NumacastError {
  const errno = (cause as { details?: { errno?: unknown } }).details?.errno
  const reason = typeof errno === 'string' ? errno.toLowerCase() : errorCode(cause)
  return new NumacastError('NUMACAST_TRANSPORT', `cannot bind ${endpoint} (${reason})`, {
    cause,
    details: { endpoint, reason },
  })
}

/** Why {@link bindAll} failed, for a counter. */
export function bindFailure(error: unknown): string {
  const reason = error instanceof NumacastError ? error.details.reason : undefined
  return typeof reason === 'string' ? reason : errorCode(error)
}

/** Longer than libzmq's own thread takes to let go of what a closed socket had bound, or a process to end. */
const portPatienceMs = 2_000
const portRetryMs = 20

export interface HostListening {
  /** Goes into the names of local sockets. */
  readonly name: string
  /** 0: any free one. */
  readonly port: number
  readonly counters: Counters
  /** Whether to listen at a local socket too: `node:net` cannot share abstract names with libzmq before Node.js 22. */
  readonly usesLocalSockets: boolean
}

/**
 * Returns what `open` resolves to for the endpoints at which a socket listens for its own host, best first: an abstract
 * name (Linux), which leaves no file; where that is refused a socket file in a private folder; and loopback.
 *
 * While the port is taken, `open` is called again for {@link portPatienceMs}, because closing goes on for a while after
 * a program has closed what was open at that port.
 *
 * @throws NumacastError NUMACAST_TRANSPORT
 */
export async function openOnHost<T>(
  { name, port, counters, usesLocalSockets }: HostListening,
  open: (wanted: readonly string[]) => Promise<T>,
): Promise<T> {
  const tcp = tcpEndpoint('127.0.0.1', port)
  const deadlineMs = performance.now() + portPatienceMs
  const locals = localEndpoints(name)
  let local = usesLocalSockets ? (await locals.next()).value : undefined
  for (;;) {
    try {
      return await open(local === undefined ? [tcp] : [local, tcp])
    } catch (error) {
      const reason = bindFailure(error)
      if (local !== undefined && error instanceof NumacastError && error.details.endpoint === local) {
        counters.add(`stream.fallback.${reason}`)
        local = (await locals.next()).value
      } else if (reason !== 'eaddrinuse' || performance.now() > deadlineMs) throw error
      else await pause(portRetryMs)
    }
  }
}

/**
 * Local sockets of names that no other has, best first. A name must never come twice: libzmq removes a socket file that
 * is there already, and its first owner gets no connection any more.
 */
async function* localEndpoints(name: string): AsyncGenerator<string, undefined> {
  if (process.platform !== 'linux') return undefined
  yield `ipc://@${uniqueName(name)}`
  const folder = runtimeFolder()
  if (folder === undefined) return undefined
  const file = path.join(folder, `${uniqueName(name)}.sock`)
  if (Buffer.byteLength(file) > maxSocketPathBytes) return undefined
  await removeStaleSockets(folder)
  yield `ipc://${file}`
  return undefined
}

function uniqueName(name: string): string {
  return `numacast-${name}-${randomBytes(12).toString('hex')}`
}
