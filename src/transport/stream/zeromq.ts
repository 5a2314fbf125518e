import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Context, type Readable, type Socket, type Writable } from 'zeromq'
import type { Counters } from '../../core/counters.js'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'

/** Bytes by which a frame may exceed the body that it carries: the group's name and its end. */
const frameOverheadBytes = 64

/** One lane's sockets have one context: an I/O thread of their own, and no share of the process's 1,023 sockets. */
export function createContext(): Context {
  return new Context({ blocky: false, maxSockets: 8_192 })
}

export interface ZeromqLimits {
  /** For one body. A peer that sends more is disconnected by libzmq before anything is allocated. */
  readonly maxMessageBytes: number
  /** Messages that may wait per peer, each way. */
  readonly highWaterMark: number
}

/** What all sockets share. `linger: 0`: closing waits for nobody. */
export function receiverOptions(context: Context, limits: ZeromqLimits) {
  return {
    context,
    linger: 0,
    receiveHighWaterMark: limits.highWaterMark,
    maxMessageSize: limits.maxMessageBytes + frameOverheadBytes,
  } as const
}

/**
 * For sockets that also send. `sendTimeout: 0` makes zeromq.js send at once or refuse at once: a send is then never in
 * progress, so the second one is never refused, and no sender loop is needed.
 */
export function senderOptions(context: Context, limits: ZeromqLimits) {
  return {
    ...receiverOptions(context, limits),
    sendTimeout: 0,
    sendHighWaterMark: limits.highWaterMark,
  } as const
}

/**
 * For sockets that connect. Reconnecting starts at once and backs off to two seconds; the heartbeat finds connections
 * that a firewall or a vanished host left half open. It is answered by libzmq's I/O thread and proves no more.
 */
export const connectOptions = {
  reconnectInterval: 50,
  reconnectMaxInterval: 2_000,
  heartbeatInterval: 10_000,
  heartbeatTimeout: 30_000,
} as const

/** IPv6 is off in libzmq unless asked for; with it on, an IPv4 address would be bound as a mapped IPv6 one. */
export function familyOptions(endpoints: readonly string[]) {
  return { ipv6: endpoints.some((endpoint) => endpoint.includes('[')) } as const
}

/** `tcp://address:port`; port 0 lets the kernel choose when it is bound. */
export function tcpEndpoint(address: string, port: number): string {
  return `tcp://${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`
}

/** Where a socket listens for its own host: an abstract name where there are any (Linux), and loopback. Best first. */
export function hostEndpoints(name: string, port: number): readonly string[] {
  const tcp = tcpEndpoint('127.0.0.1', port)
  if (process.platform !== 'linux') return [tcp]
  return [`ipc://@numacast-${name}-${randomBytes(12).toString('hex')}`, tcp]
}

/**
 * Binds all, and says what became of the wildcards.
 *
 * @throws NumacastError NUMACAST_TRANSPORT; the socket is closed then
 */
export async function bindAll(socket: Socket, wanted: readonly string[]): Promise<readonly string[]> {
  const bound: string[] = []
  for (const endpoint of wanted) {
    try {
      await socket.bind(endpoint)
    } catch (cause) {
      socket.close()
      throw new NumacastError('NUMACAST_TRANSPORT', `cannot bind ${endpoint} (${errorCode(cause)})`, {
        cause,
        details: { endpoint },
      })
    }
    bound.push(socket.lastEndpoint ?? endpoint)
  }
  return Object.freeze(bound)
}

/** Longer than libzmq's own thread takes to let go of what a closed socket had bound, or a process to end. */
const portPatienceMs = 2_000
const portRetryMs = 20

/**
 * What `open` resolves to; while the port that it wants is taken it is called again, for {@link portPatienceMs}: whoever
 * opens at a fixed port what was closed a moment ago need not know that closing goes on for a while.
 *
 * @throws NumacastError NUMACAST_TRANSPORT
 */
export async function oncePortIsFree<T>(open: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + portPatienceMs
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (bindFailure(error) !== 'eaddrinuse' || performance.now() > deadlineMs) throw error
    }
    await pause(portRetryMs)
  }
}

/** Why {@link bindAll} failed, for a counter. */
export function bindFailure(error: unknown): string {
  return errorCode((error as Error).cause)
}

/** Sends now or counts why not; never throws, never waits. The socket must have `sendTimeout: 0`. */
export function sendNow(socket: Socket & Writable, message: Uint8Array | Uint8Array[], counters: Counters): void {
  const onRefused = (error: unknown): void => counters.add(`stream.dropped.${refusal(error)}`)
  try {
    socket.send(message).then(undefined, onRefused)
  } catch (error) {
    onRefused(error)
  }
}

function refusal(error: unknown): string {
  const code = errorCode(error)
  if (code === 'eagain') return 'high-water'
  if (code === 'ehostunreach') return 'peer-gone'
  return code === 'ebadf' ? 'closed' : code
}

/**
 * Hands over every message until the socket is closed; resolves then, and never rejects. What else `receive` fails with
 * is counted and passes: a loop that gave up would leave a server that is there and never answers.
 */
export async function receiveLoop(
  socket: Socket & Readable,
  counters: Counters,
  onMessage: (frames: Buffer[]) => void,
): Promise<void> {
  while (!socket.closed) {
    try {
      onMessage(await socket.receive())
    } catch (error) {
      if (socket.closed) return
      counters.addError(`stream.failed.receive.${errorCode(error)}`, error)
      await new Promise((resolve) => setImmediate(resolve)) // an error at once and again must not hold the loop
    }
  }
}
