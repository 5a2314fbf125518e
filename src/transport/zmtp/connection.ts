import type { Socket } from 'node:net'
import {
  encodeCommand,
  encodeGreeting,
  encodeMessage,
  encodeReady,
  FrameParser,
  greetingBytes,
  isGreeting,
  ProtocolError,
} from './frames.js'

export interface ConnectionComponents {
  /** `ROUTER`, `DEALER`, `XPUB` or `SUB`. */
  readonly socketType: string
  readonly maxMessageSize: number
  /** Messages that may wait to be written; more are refused. */
  readonly sendHighWaterMark: number
  /** Between signs of life to the peer, which is given three intervals to answer; 0: none. */
  readonly heartbeatInterval: number
  /** The peer has greeted: messages can be sent. */
  readonly onReady: (connection: ZmtpConnection) => void
  readonly onMessage: (connection: ZmtpConnection, frames: Buffer[]) => void
  /** A handler threw: a fault of this program, not of the peer. The connection is closed. */
  readonly onFailed: (error: unknown) => void
  /** Called once. `wasReady` is false when the handshake failed. */
  readonly onClosed: (connection: ZmtpConnection, wasReady: boolean) => void
}

/** One ZMTP connection over an open `net.Socket`. */
export class ZmtpConnection {
  readonly #socket: Socket
  readonly #components: ConnectionComponents
  readonly #parser: FrameParser
  #hasGreeted = false
  #isReady = false
  #message: Buffer[] = []
  #messageBytes = 0
  #waiting = 0
  #silentIntervals = 0
  #heartbeat: NodeJS.Timeout | undefined

  constructor(socket: Socket, components: ConnectionComponents) {
    this.#socket = socket
    this.#components = components
    this.#parser = new FrameParser(components.maxMessageSize)
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearInterval(this.#heartbeat)
      components.onClosed(this, this.#isReady)
    })
    socket.write(encodeGreeting())
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** False, and nothing sent, when too many messages wait already. */
  send(frames: readonly Uint8Array[]): boolean {
    if (this.#waiting >= this.#components.sendHighWaterMark || !this.#isReady) return false
    this.#waiting++
    const parts = encodeMessage(frames)
    this.#socket.cork()
    for (const [index, part] of parts.entries()) {
      if (index === parts.length - 1) this.#socket.write(part, () => this.#waiting--)
      else this.#socket.write(part)
    }
    this.#socket.uncork()
    return true
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#silentIntervals = 0
    this.#parser.push(chunk)
    try {
      if (!this.#hasGreeted) {
        const greeting = this.#parser.take(greetingBytes)
        if (greeting === undefined) return
        if (!isGreeting(greeting)) throw new ProtocolError('no greeting of ZMTP 3 without a mechanism')
        this.#hasGreeted = true
        this.#socket.write(encodeReady(this.#components.socketType))
      }
      for (let frame = this.#parser.next(); frame !== undefined; frame = this.#parser.next()) {
        if (this.#socket.destroyed) return
        if (frame.isCommand) this.#onCommand(frame.body)
        else this.#onFrame(frame.body, frame.hasMore)
      }
    } catch (error) {
      this.#socket.destroy()
      if (!(error instanceof ProtocolError)) this.#components.onFailed(error)
    }
  }

  #onFrame(body: Buffer, hasMore: boolean): void {
    if (!this.#isReady) throw new ProtocolError('a message before the handshake')
    this.#message.push(body)
    this.#messageBytes += body.length
    if (this.#messageBytes > 2 * this.#components.maxMessageSize || this.#message.length > maxFrames) {
      throw new ProtocolError('a message of too many parts')
    }
    if (hasMore) return
    const message = this.#message
    this.#message = []
    this.#messageBytes = 0
    this.#components.onMessage(this, message)
  }

  #onCommand(body: Buffer): void {
    const nameBytes = body[0] ?? 0
    const name = body.toString('latin1', 1, 1 + nameBytes)
    const data = body.subarray(1 + nameBytes)
    if (name === 'READY' && !this.#isReady) {
      this.#isReady = true
      this.#startHeartbeat()
      this.#components.onReady(this)
    } else if (name === 'PING') {
      this.#socket.write(encodeCommand('PONG', data.subarray(2))) // behind the time to live
    } else if (name === 'ERROR') throw new ProtocolError('the peer refuses')
  }

  #startHeartbeat(): void {
    const { heartbeatInterval } = this.#components
    if (heartbeatInterval === 0) return
    this.#heartbeat = setInterval(() => {
      if (++this.#silentIntervals > 3) this.#socket.destroy()
      else this.#socket.write(encodeCommand('PING', Buffer.alloc(2)))
    }, heartbeatInterval)
    this.#heartbeat.unref()
  }
}

/** The longest message of this library has three. */
const maxFrames = 16
