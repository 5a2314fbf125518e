import type { ZmtpConnection } from './connection.js'
import type { MessageSocket, MessageSocketOptions, SubscribingSocket } from './message-socket.js'
import { codedError, ZmtpSocket } from './zmtp-socket.js'

/** ROUTER: each message begins with the id of its connection. A message to none that is open is refused. */
export class ZmtpRouter extends ZmtpSocket implements MessageSocket {
  readonly #byId = new Map<number, ZmtpConnection>()
  readonly #ids = new Map<ZmtpConnection, number>()
  #lastId = 0

  constructor(options: MessageSocketOptions) {
    super('ROUTER', options)
  }

  async send(message: Uint8Array | Uint8Array[]): Promise<void> {
    const [id, ...frames] = [message].flat()
    const connection = id?.length === 4 ? this.#byId.get(Buffer.from(id).readUInt32BE()) : undefined
    if (connection === undefined) throw codedError('EHOSTUNREACH', 'the peer is gone')
    if (!connection.send(frames)) throw codedError('EAGAIN', 'too many messages wait for the peer')
  }

  protected override onConnected(connection: ZmtpConnection): void {
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#byId.has(this.#lastId))
    this.#byId.set(this.#lastId, connection)
    this.#ids.set(connection, this.#lastId)
  }

  protected override onDisconnected(connection: ZmtpConnection): void {
    this.#byId.delete(this.#ids.get(connection) ?? -1)
    this.#ids.delete(connection)
  }

  protected override onMessage(connection: ZmtpConnection, frames: Buffer[]): void {
    const id = Buffer.alloc(4)
    id.writeUInt32BE(this.#ids.get(connection) ?? 0)
    this.deliver([id, ...frames])
  }
}

/** DEALER to one peer. What is sent before the connection is open waits for it. */
export class ZmtpDealer extends ZmtpSocket implements MessageSocket {
  readonly #highWaterMark: number
  readonly #queue: Uint8Array[][] = []

  constructor(options: MessageSocketOptions) {
    super('DEALER', options)
    this.#highWaterMark = options.sendHighWaterMark ?? options.receiveHighWaterMark
  }

  async send(message: Uint8Array | Uint8Array[]): Promise<void> {
    if (this.closed) throw codedError('EBADF', 'the socket is closed')
    const frames = [message].flat()
    for (const connection of this.connections) if (connection.send(frames)) return
    if (this.#queue.length >= this.#highWaterMark) throw codedError('EAGAIN', 'too many messages wait for the peer')
    this.#queue.push(frames)
  }

  protected override onConnected(connection: ZmtpConnection): void {
    for (const frames of this.#queue.splice(0)) connection.send(frames)
  }

  protected override onMessage(_connection: ZmtpConnection, frames: Buffer[]): void {
    this.deliver(frames)
  }
}

/** A subscription as a message: 1 or 0, and the prefix. */
function subscription(isOn: boolean, prefix: string): Buffer {
  return Buffer.concat([Buffer.from([isOn ? 1 : 0]), Buffer.from(prefix, 'latin1')])
}

/** Subscriptions that one peer may hold. */
const maxSubscriptions = 16_384

/** XPUB: delivers the first and the last subscription to each prefix; drops what a subscriber has no room for. */
export class ZmtpXPublisher extends ZmtpSocket implements MessageSocket {
  readonly #prefixes = new Map<ZmtpConnection, Set<string>>()
  readonly #subscribers = new Map<string, number>()

  constructor(options: MessageSocketOptions) {
    super('XPUB', options)
  }

  async send(message: Uint8Array | Uint8Array[]): Promise<void> {
    const frames = [message].flat()
    const topic = Buffer.from(frames[0] ?? []).toString('latin1')
    for (const [connection, prefixes] of this.#prefixes) {
      if (prefixes.has(topic) || [...prefixes].some((prefix) => topic.startsWith(prefix))) connection.send(frames)
    }
  }

  protected override onConnected(connection: ZmtpConnection): void {
    this.#prefixes.set(connection, new Set())
  }

  protected override onDisconnected(connection: ZmtpConnection): void {
    for (const prefix of this.#prefixes.get(connection) ?? []) this.#remove(prefix)
    this.#prefixes.delete(connection)
  }

  protected override onMessage(connection: ZmtpConnection, frames: Buffer[]): void {
    const [message] = frames
    const prefixes = this.#prefixes.get(connection)
    const kind = message?.[0]
    if (message === undefined || prefixes === undefined || frames.length !== 1 || (kind !== 0 && kind !== 1)) {
      this.deliver(frames) // the owner counts it
      return
    }
    const prefix = message.toString('latin1', 1)
    if (kind === 0) {
      if (prefixes.delete(prefix)) this.#remove(prefix)
    } else if (!prefixes.has(prefix) && prefixes.size < maxSubscriptions) {
      prefixes.add(prefix)
      const before = this.#subscribers.get(prefix) ?? 0
      this.#subscribers.set(prefix, before + 1)
      if (before === 0) this.deliver([subscription(true, prefix)])
    }
  }

  #remove(prefix: string): void {
    const left = (this.#subscribers.get(prefix) ?? 1) - 1
    if (left > 0) this.#subscribers.set(prefix, left)
    else {
      this.#subscribers.delete(prefix)
      this.deliver([subscription(false, prefix)])
    }
  }
}

/** SUB: renews its subscriptions with each connection. */
export class ZmtpSubscriber extends ZmtpSocket implements SubscribingSocket {
  readonly #prefixes = new Set<string>()

  constructor(options: MessageSocketOptions) {
    super('SUB', options)
  }

  subscribe(...prefixes: string[]): void {
    for (const prefix of prefixes) {
      if (this.#prefixes.has(prefix)) continue
      this.#prefixes.add(prefix)
      for (const connection of this.connections) connection.send([subscription(true, prefix)])
    }
  }

  unsubscribe(...prefixes: string[]): void {
    for (const prefix of prefixes) {
      if (!this.#prefixes.delete(prefix)) continue
      for (const connection of this.connections) connection.send([subscription(false, prefix)])
    }
  }

  protected override onConnected(connection: ZmtpConnection): void {
    for (const prefix of this.#prefixes) connection.send([subscription(true, prefix)])
  }

  protected override onMessage(_connection: ZmtpConnection, frames: Buffer[]): void {
    this.deliver(frames)
  }
}
