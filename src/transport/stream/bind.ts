import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import { maxSocketPathBytes } from '../lane/endpoint.js'
import { listOsInterfaces } from '../lane/os-interfaces.js'
import type { ReceivingSocket } from '../zmtp/message-socket.js'
import { ZmtpSocket } from '../zmtp/zmtp-socket.js'
import { removeStaleSockets, runtimeFolder } from './runtime-folder.js'

/** `tcp://address:port`; with port 0 the kernel chooses the port when the socket is bound. */
export function tcpEndpoint(address: string, port: number): string {
  return `tcp://${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`
}

/**
 * Binds all endpoints. Returns them with every wildcard port resolved.
 *
 * @throws NumacastError NUMACAST_TRANSPORT; the socket is then closed
 */
export async function bindAll(socket: ReceivingSocket, wanted: readonly string[]): Promise<readonly string[]> {
  const endpoints: string[] = []
  for (const endpoint of wanted) {
    try {
      // libzmq lists the interfaces before it binds TCP, and ends the process if that fails.
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

/** Removes the socket files among the endpoints of {@link bindAll}, because libzmq leaves them. */
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

/** Returns why {@link bindAll} failed, for a counter. */
export function bindFailure(error: unknown): string {
  const reason = error instanceof NumacastError ? error.details.reason : undefined
  return typeof reason === 'string' ? reason : errorCode(error)
}

/** Longer than libzmq's thread takes to release the address of a closed socket, or a process to end. */
const portPatienceMs = 2_000
const portRetryMs = 20

export interface HostListening {
  /** Part of the names of local sockets. */
  readonly name: string
  /** 0: any free one. */
  readonly port: number
  readonly counters: Counters
  /** Whether to listen at a local socket too. `node:net` supports libzmq's abstract names only from Node.js 22. */
  readonly usesLocalSockets: boolean
}

/**
 * Returns what `open` resolves to for the endpoints at which a socket listens for its own host. Best first: an abstract
 * name (Linux), which leaves no file; if that is refused, a socket file in a private folder; and loopback.
 *
 * While the port is taken, `open` is called again for up to {@link portPatienceMs}: a closed socket is released with a
 * delay.
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
 * Returns local sockets with unused names, best first. Names must be unique: libzmq removes an existing socket file,
 * and its first owner then gets no more connections.
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
