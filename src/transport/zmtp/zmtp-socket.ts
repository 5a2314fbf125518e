import { EventEmitter, once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ZmtpConnection } from './connection.js'
import type { MessageSocketEvents, MessageSocketOptions, ReceivingSocket } from './message-socket.js'

interface Dialing {
  readonly endpoint: string
  connection: ZmtpConnection | undefined
  socket: Socket | undefined
  retry: NodeJS.Timeout | undefined
  failures: number
  isOver: boolean
}

/**
 * A ZeroMQ socket over `node:net`, wire-compatible with libzmq. For worker threads: zeromq.js aborts the process when a
 * thread ends while it is in one of its calls, and Node.js closes a `net.Socket` itself.
 */
export abstract class ZmtpSocket implements ReceivingSocket {
  readonly events: MessageSocketEvents & EventEmitter = new EventEmitter()
  protected readonly connections = new Set<ZmtpConnection>()
  readonly #socketType: string
  readonly #options: MessageSocketOptions
  readonly #servers: Server[] = []
  readonly #dialings = new Map<string, Dialing>()
  readonly #received: Buffer[][] = []
  #waiter: { readonly resolve: (message: Buffer[]) => void; readonly reject: (error: unknown) => void } | undefined
  /** A handler's error that no call of `receive()` has thrown yet. */
  #failure: { readonly error: unknown } | undefined
  #isPaused = false
  #lastEndpoint: string | null = null
  #closed = false

  constructor(socketType: string, options: MessageSocketOptions) {
    this.#socketType = socketType
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  get lastEndpoint(): string | null {
    return this.#lastEndpoint
  }

  async bind(endpoint: string): Promise<void> {
    const server = createServer((socket) => this.#open(socket, undefined))
    this.#servers.push(server)
    const listening = once(server, 'listening')
    server.listen({ ...addressOf(endpoint), exclusive: true })
    await listening
    const bound = server.address()
    const isWildcard = endpoint.endsWith(':*') && typeof bound === 'object' && bound !== null
    this.#lastEndpoint = isWildcard ? `${endpoint.slice(0, -1)}${bound.port}` : endpoint
    if (this.#closed) server.close()
  }

  connect(endpoint: string): void {
    this.disconnect(endpoint)
    const dialing = { endpoint, connection: undefined, socket: undefined, retry: undefined, failures: 0, isOver: false }
    this.#dialings.set(endpoint, dialing)
    this.#dial(dialing)
  }

  disconnect(endpoint: string): void {
    const dialing = this.#dialings.get(endpoint)
    if (dialing === undefined) return
    this.#dialings.delete(endpoint)
    dialing.isOver = true
    clearTimeout(dialing.retry)
    dialing.socket?.destroy()
  }

  receive(): Promise<Buffer[]> {
    if (this.#closed) return Promise.reject(codedError('EBADF', 'the socket is closed'))
    if (this.#failure !== undefined) {
      const { error } = this.#failure
      this.#failure = undefined
      return Promise.reject(error)
    }
    const message = this.#received.shift()
    if (this.#isPaused && this.#received.length < this.#options.receiveHighWaterMark / 2) {
      this.#isPaused = false
      for (const connection of this.connections) connection.resume()
    }
    if (message !== undefined) return Promise.resolve(message)
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const server of this.#servers) server.close()
    for (const endpoint of [...this.#dialings.keys()]) this.disconnect(endpoint)
    for (const connection of this.connections) connection.close()
    this.#received.length = 0
    this.#waiter?.reject(codedError('EBADF', 'the socket was closed'))
    this.#waiter = undefined
  }

  /** Makes `receive()` reject, so that its caller reports the error. */
  #fail(error: unknown): void {
    if (this.#closed) return
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter === undefined) this.#failure ??= { error }
    else waiter.reject(error)
  }

  /** Hands a message to `receive()`. */
  protected deliver(message: Buffer[]): void {
    if (this.#closed) return
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter !== undefined) {
      waiter.resolve(message)
      return
    }
    this.#received.push(message)
    if (this.#isPaused || this.#received.length < this.#options.receiveHighWaterMark) return
    this.#isPaused = true
    for (const connection of this.connections) connection.pause()
  }

  protected abstract onMessage(connection: ZmtpConnection, frames: Buffer[]): void
  protected onConnected(_connection: ZmtpConnection): void {}
  protected onDisconnected(_connection: ZmtpConnection): void {}

  #dial(dialing: Dialing): void {
    const socket = connect(addressOf(dialing.endpoint))
    dialing.socket = socket
    let isOpen = false
    socket.once('connect', () => {
      isOpen = true
      this.#open(socket, dialing)
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      if (!isOpen) this.#retry(dialing)
    })
  }

  #retry(dialing: Dialing): void {
    if (dialing.isOver || this.#closed) return
    const { reconnectInterval = 50, reconnectMaxInterval = 2_000 } = this.#options
    const delayMs = Math.min(reconnectMaxInterval, reconnectInterval * 2 ** Math.min(dialing.failures++, 10))
    this.events.emit('connect:retry', { address: dialing.endpoint })
    dialing.retry = setTimeout(() => this.#dial(dialing), delayMs)
    dialing.retry.unref()
  }

  #open(socket: Socket, dialing: Dialing | undefined): void {
    const { maxMessageSize, receiveHighWaterMark, sendHighWaterMark, heartbeatInterval = 0 } = this.#options
    if (this.#closed) {
      socket.destroy()
      return
    }
    const connection = new ZmtpConnection(socket, {
      socketType: this.#socketType,
      maxMessageSize,
      sendHighWaterMark: sendHighWaterMark ?? receiveHighWaterMark,
      heartbeatInterval,
      onReady: () => {
        if (dialing !== undefined) {
          dialing.failures = 0
          this.events.emit('handshake', { address: dialing.endpoint })
          // A listener may have preferred another endpoint.
          if (dialing.isOver) return
        }
        this.onConnected(connection)
      },
      onMessage: (from, frames) => this.onMessage(from, frames),
      onFailed: (error) => this.#fail(error),
      onClosed: (_, wasReady) => {
        this.connections.delete(connection)
        if (wasReady) this.onDisconnected(connection)
        if (dialing === undefined) return
        if (!dialing.isOver) this.events.emit('disconnect', { address: dialing.endpoint })
        this.#retry(dialing)
      },
    })
    this.connections.add(connection)
    if (this.#isPaused) connection.pause()
  }
}

export function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** What `node:net` takes for an endpoint that this library makes. */
function addressOf(endpoint: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^tcp:\/\/(.*):(\*|\d+)$/.exec(endpoint) ?? []
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: port === '*' ? 0 : Number(port) }
}
