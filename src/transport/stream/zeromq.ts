import { type Context, Dealer, Router, Subscriber, XPublisher } from 'zeromq'
import { errorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { MessageSocket, ReceivingSocket, SubscribingSocket } from '../zmtp/message-socket.js'
import { ZmtpDealer, ZmtpRouter, ZmtpSubscriber, ZmtpXPublisher } from '../zmtp/sockets.js'

/** Bytes by which a frame may exceed its body: the group's name and its terminator. */
const frameOverheadBytes = 64

export interface ZeromqLimits {
  /** Limit of one body. libzmq disconnects a peer that sends more, before it allocates anything. */
  readonly maxMessageBytes: number
  /** Messages that may wait per peer, each way. */
  readonly highWaterMark: number
}

/** Options common to all sockets. `linger: 0`: closing waits for no pending message. */
export function receiverOptions(limits: ZeromqLimits) {
  return {
    linger: 0,
    receiveHighWaterMark: limits.highWaterMark,
    maxMessageSize: limits.maxMessageBytes + frameOverheadBytes,
  } as const
}

/**
 * Options of sockets that also send. With `sendTimeout: 0` zeromq.js sends or refuses at once. A send is then never in
 * progress, so the next one is never refused, and no sender loop is needed.
 */
export function senderOptions(limits: ZeromqLimits) {
  return {
    ...receiverOptions(limits),
    sendTimeout: 0,
    sendHighWaterMark: limits.highWaterMark,
  } as const
}

/**
 * Options of sockets that connect. Reconnecting starts at once and backs off to two seconds. The heartbeat detects
 * connections that a firewall or a vanished host left half open. libzmq's I/O thread answers it, so it proves no more.
 */
export const connectOptions = {
  reconnectInterval: 50,
  reconnectMaxInterval: 2_000,
  heartbeatInterval: 10_000,
  heartbeatTimeout: 30_000,
} as const

type SenderOptions = ReturnType<typeof senderOptions>
type ReceiverOptions = ReturnType<typeof receiverOptions>
type FamilyOptions = ReturnType<typeof familyOptions>

/** `mandatory`: a reply that cannot be routed or queued is an error, and so can be counted. */
export function createRouter(context: Context | undefined, options: SenderOptions & FamilyOptions): MessageSocket {
  return context !== undefined
    ? opened(() => new Router({ ...options, context, mandatory: true }))
    : new ZmtpRouter(options)
}

export function createDealer(
  context: Context | undefined,
  options: SenderOptions & FamilyOptions & typeof connectOptions,
): MessageSocket {
  return context !== undefined ? opened(() => new Dealer({ ...options, context })) : new ZmtpDealer(options)
}

export function createXPublisher(context: Context | undefined, options: SenderOptions & FamilyOptions): MessageSocket {
  return context !== undefined ? opened(() => new XPublisher({ ...options, context })) : new ZmtpXPublisher(options)
}

export function createSubscriber(
  context: Context | undefined,
  options: ReceiverOptions & FamilyOptions & typeof connectOptions,
): SubscribingSocket {
  return context !== undefined ? opened(() => new Subscriber({ ...options, context })) : new ZmtpSubscriber(options)
}

/** @throws NumacastError NUMACAST_TRANSPORT, for example if no descriptor is left for the socket */
function opened<T>(open: () => T): T {
  try {
    return open()
  } catch (cause) {
    const reason = errorCode(cause)
    throw new NumacastError('NUMACAST_TRANSPORT', `cannot open a ZeroMQ socket (${reason})`, {
      cause,
      details: { reason },
    })
  }
}

/** IPv6 is off in libzmq by default. With it on, an IPv4 address would be bound as a mapped IPv6 address. */
export function familyOptions(endpoints: readonly string[]) {
  return { ipv6: endpoints.some((endpoint) => endpoint.includes('[')) } as const
}

/** Sends now, or counts why that failed. Never throws, never waits. The socket must have `sendTimeout: 0`. */
export function sendNow(socket: MessageSocket, message: Uint8Array | Uint8Array[], counters: Counters): void {
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
 * Passes on every message until the socket is closed, then resolves. Never rejects. Other failures of `receive` are
 * counted and skipped: if the loop ended, the server would remain reachable and never answer.
 */
export async function receiveLoop(
  socket: ReceivingSocket,
  counters: Counters,
  onMessage: (frames: Buffer[]) => void,
): Promise<void> {
  while (!socket.closed) {
    try {
      onMessage(await socket.receive())
    } catch (error) {
      if (socket.closed) return
      counters.addError(`stream.failed.receive.${errorCode(error)}`, error)
      await new Promise((resolve) => setImmediate(resolve)) // a persistent error must not block the event loop
    }
  }
}
