import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Range } from './range.js'

/**
 * What a participant needs from the network. Two implementations: UDP multicast plus ZeroMQ (`openTransport`), and
 * `MemoryNetwork` for tests, which is driven by a fake clock and a seed.
 */
export interface Transport {
  /** The reach of datagrams. With `off` the datagram lane accepts every frame and sends none. */
  readonly range: Range
  readonly datagram: DatagramLane
  readonly stream: StreamLane
  /** Closes both lanes. Idempotent. */
  close(): Promise<void>
}

/** A partition's address on the datagram lane: a UDP port and a RADIO/DISH group. */
export interface Group {
  /** 1 … 15 bytes of ASCII: the RADIO/DISH group. */
  readonly name: string
  /** `7400 + 250·domain + offset`. */
  readonly port: number
}

/** Source of a frame as the kernel reports it, independent of the frame's contents. */
export interface FrameSource {
  readonly address: string
  readonly port: number
}

/** `body` is valid only during the call unless the lane documents otherwise; both lanes here transfer ownership. */
export type FrameHandler = (body: Buffer, from: FrameSource) => void

/** Unreliable, unordered, one to many. A frame arrives complete or not at all. */
export interface DatagramLane {
  /** The longest body that `send` accepts: 1,344 bytes on a network, 8,000 on loopback. */
  readonly maxBodyBytes: number
  readonly counters: Counters
  /** Datagrams read so far, including rejected ones. */
  readonly received: number
  /**
   * Receives every frame of `group`, from other participants and from this one. Frames of other groups on the same port
   * are skipped. An exception in a handler is counted, never rethrown.
   * @throws NumacastError NUMACAST_TRANSPORT when the port cannot be bound or the group cannot be joined
   */
  join(group: Group, handler: FrameHandler): Promise<Subscription>
  /**
   * Never waits. A frame that the kernel refuses is counted (`datagram.dropped.<reason>`). Transfers ownership of the
   * bytes to the lane.
   * @throws NumacastError NUMACAST_LIMIT when the body exceeds `maxBodyBytes`, NUMACAST_INVALID_ARGUMENT for a bad
   * group
   */
  send(group: Group, body: Uint8Array): void
  /** Sent frames that the kernel has not accepted yet. A writer conflates while this is high. */
  readonly pending: number
}

/** Reliable and ordered per connection: live frames one to many, and requests one to one. */
export interface StreamLane {
  readonly counters: Counters
  /**
   * Where this participant answers requests: `tcp://` on loopback, then at each address in use, best first. Changes when
   * interfaces come or go: {@link onEndpointsChanged}.
   */
  readonly requestEndpoints: readonly string[]
  /** Where live frames are published, best first; empty until {@link publishEndpoints} was called. */
  readonly liveEndpoints: readonly string[]
  /** Called when `requestEndpoints` or `liveEndpoints` have changed. */
  onEndpointsChanged(listener: () => void): Subscription
  /** The port of the request endpoint, which peers combine with a beacon's source address; 0: none. */
  readonly requestPort: number
  /** The port at which one participant of each host can be found: see {@link contendRendezvous}. */
  readonly rendezvousPort: number
  /** Returns the request endpoint of a peer, given its beacon's source address and the `requestPort` that it named. */
  requestEndpointAt(address: string, requestPort: number): string
  /** Answers requests through one handler. If the handler fails, that is counted and the requester times out. */
  serve(handler: (request: Buffer) => Promise<Uint8Array> | Uint8Array): void
  /**
   * Tries to answer requests at `rendezvousPort` as well, at every address on which this participant listens. While
   * another participant of the host holds the port, it keeps trying. One contention at a time.
   */
  contendRendezvous(): Rendezvous
  /**
   * Sends one request and resolves to its reply. Transfers ownership of the bytes to the lane.
   *
   * Several endpoints belong to one participant, best first. They are dialled one after the other, each with a short
   * head start. The first to answer is remembered and the others are closed. A request may therefore arrive more than
   * once.
   * @throws NumacastError NUMACAST_TIMEOUT; NUMACAST_CLOSED when the lane closes first; NUMACAST_LIMIT when the body is
   *   too long or too many requests to the endpoint are pending; NUMACAST_INVALID_ARGUMENT when there is
   *   no endpoint that the lane can dial
   */
  request(endpoints: string | readonly string[], body: Uint8Array, options: RequestOptions): Promise<Buffer>
  /** Opens the live socket on first call. Resolves to its endpoints, best first. */
  publishEndpoints(): Promise<readonly string[]>
  /**
   * Sends a live frame to the subscribers of `group`. Never waits: a subscriber that lags by the high-water mark misses
   * frames, which only its reader can detect. Transfers ownership of the bytes to the lane.
   * @throws NumacastError NUMACAST_LIMIT when the body is too long
   */
  publish(group: string, body: Uint8Array): void
  /**
   * Receives the live frames that one peer publishes to `group`, and reconnects automatically. Of several endpoints,
   * best first, the first to connect is kept.
   * @throws NumacastError NUMACAST_CLOSED; NUMACAST_INVALID_ARGUMENT when there is no endpoint that the lane can dial
   */
  subscribe(endpoints: string | readonly string[], group: string, handler: FrameHandler): Subscription
}

/** A contention for the host's rendezvous port. */
export interface Rendezvous {
  /** Whether the port is held at one address at least. */
  readonly isHeld: boolean
  /** Releases the port. Idempotent. */
  close(): Promise<void>
}

export interface RequestOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}
