/** What of a ZeroMQ socket is needed here: zeromq.js has it, and {@link ZmtpSocket}. */
export interface ReceivingSocket {
  readonly closed: boolean
  readonly lastEndpoint: string | null
  readonly events: MessageSocketEvents
  bind(endpoint: string): Promise<void>
  connect(endpoint: string): void
  disconnect(endpoint: string): void
  receive(): Promise<Buffer[]>
  close(): void
}

export interface MessageSocket extends ReceivingSocket {
  /** Rejects, or throws, with a `code` when the message cannot be queued. */
  send(message: Uint8Array | Uint8Array[]): Promise<void>
}

export interface SubscribingSocket extends ReceivingSocket {
  subscribe(...prefixes: string[]): void
  unsubscribe(...prefixes: string[]): void
}

export type MessageSocketEvent =
  | 'handshake'
  | 'disconnect'
  | 'connect:retry'
  | 'handshake:error:protocol'
  | 'handshake:error:auth'
  | 'handshake:error:other'

export interface MessageSocketEvents {
  on(event: MessageSocketEvent, listener: (details: { readonly address: string }) => void): unknown
}

export interface MessageSocketOptions {
  readonly maxMessageSize: number
  readonly receiveHighWaterMark: number
  readonly sendHighWaterMark?: number
  readonly reconnectInterval?: number
  readonly reconnectMaxInterval?: number
  readonly heartbeatInterval?: number
}
