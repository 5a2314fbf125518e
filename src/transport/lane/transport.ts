import type { Counters } from '../../core/counters.js'
import type { Subscription } from '../../core/listeners.js'
import type { Range } from './range.js'

/**
 * What a participant needs from the network, and nothing more. Three implementations: UDP multicast plus
 * ZeroMQ (`openTransport`), and `MemoryNetwork` for tests, on which a fake clock and a seed decide everything.
 */
export interface Transport {
  /** How far it is heard; with `off` the datagram lane takes everything and carries nothing. */
  readonly range: Range
  readonly datagram: DatagramLane
  readonly stream: StreamLane
  /** Closes both lanes. Twice is fine. */
  close(): Promise<void>
}

/** A partition's address on the datagram lane: a UDP port and a RADIO/DISH group. */
export interface Group {
  /** 1 … 15 bytes of ASCII: the RADIO/DISH group. */
  readonly name: string
  /** `7400 + 250·domain + offset`. */
  readonly port: number
}

/** Where a frame came from, as the kernel tells it, not as the frame claims. */
export interface FrameSource {
  readonly address: string
  readonly port: number
}

/** `body` is only valid during the call unless the lane documents otherwise; both lanes here hand it over for good. */
export type FrameHandler = (body: Buffer, from: FrameSource) => void

/** Unreliable, unordered, one to many. A frame arrives whole or not at all. */
export interface DatagramLane {
  /** The longest body that `send` takes: 1,344 bytes on a network, 8,000 on loopback. */
  readonly maxBodyBytes: number
  readonly counters: Counters
  /** Datagrams read so far, wanted or not. */
  readonly received: number
  /**
   * Receives every frame of `group` that other participants send, and also this participant's own.
   * Frames of other groups on the same port are skipped. A throwing handler is counted, never rethrown.
   * @throws NumacastError NUMACAST_TRANSPORT when the port cannot be bound or the group cannot be joined
   */
  join(group: Group, handler: FrameHandler): Promise<Subscription>
  /**
   * Never waits: what the kernel refuses is counted (`datagram.dropped.<reason>`). The bytes
   * belong to the lane from here on.
   * @throws NumacastError NUMACAST_LIMIT when the body exceeds `maxBodyBytes`, NUMACAST_INVALID_ARGUMENT for a bad group
   */
  send(group: Group, body: Uint8Array): void
  /** How many sent frames the kernel has not taken yet; a writer conflates while this is high. */
  readonly pending: number
}

/** Reliable and ordered per connection: live frames one to many, and requests one to one. */
export interface StreamLane {
  readonly counters: Counters
  /**
   * Where this participant answers requests, best first: `ipc://@…` (abstract, leaves no file) on Linux, then
   * `tcp://` at each address in use. They change when interfaces come or go: {@link onEndpointsChanged}.
   */
  readonly requestEndpoints: readonly string[]
  /** Where live frames are had, best first; empty until {@link publishEndpoints} was called. */
  readonly liveEndpoints: readonly string[]
  /** `requestEndpoints` or `liveEndpoints` have changed. */
  onEndpointsChanged(listener: () => void): Subscription
  /** The port of the request endpoint that peers derive from a beacon's source address; 0: none. */
  readonly requestPort: number
  /** The port at which some participant of each host may be found: see {@link contendRendezvous}. */
  readonly rendezvousPort: number
  /** Where a peer answers whose beacon came from `address` and named `requestPort`. */
  requestEndpointAt(address: string, requestPort: number): string
  /** Answers requests. One handler; a rejected or throwing one is counted and the requester times out. */
  serve(handler: (request: Buffer) => Promise<Uint8Array> | Uint8Array): void
  /**
   * Tries to answer requests at `rendezvousPort` too, at every address that this participant listens at. Where another
   * participant of the host has it, tries again, until that one has left. One contention at a time.
   */
  contendRendezvous(): Rendezvous
  /**
   * One request, one reply. The bytes belong to the lane from here on.
   *
   * Several endpoints are those of one participant, best first. They are dialled one after the other with a short head
   * start each; the first that answers is remembered and the others are closed. So a request may arrive more than once.
   * @throws NumacastError NUMACAST_TIMEOUT; NUMACAST_CLOSED when the lane closes first; NUMACAST_LIMIT when the body is
   *   too long or too many requests to the endpoint wait already; NUMACAST_INVALID_ARGUMENT when there is
   *   no endpoint that the lane dials
   */
  request(endpoints: string | readonly string[], body: Uint8Array, options: RequestOptions): Promise<Buffer>
  /** Opens the live socket on first call, and says where to connect, best first. */
  publishEndpoints(): Promise<readonly string[]>
  /**
   * Sends a live frame to those subscribed to `group`. Never waits: a subscriber that lags by the high-water mark misses
   * frames, which only its reader can see. The bytes belong to the lane from here on.
   * @throws NumacastError NUMACAST_LIMIT when the body is too long
   */
  publish(group: string, body: Uint8Array): void
  /**
   * Receives the live frames that one peer publishes to `group`, reconnecting by itself. Of several endpoints of it, best
   * first, the first that connects is kept.
   * @throws NumacastError NUMACAST_CLOSED; NUMACAST_INVALID_ARGUMENT when there is no endpoint that the lane dials
   */
  subscribe(endpoints: string | readonly string[], group: string, handler: FrameHandler): Subscription
}

/** A claim to the host's rendezvous port. */
export interface Rendezvous {
  /** At one address at least. */
  readonly isHeld: boolean
  /** Releases the port. Twice is fine. */
  close(): Promise<void>
}

export interface RequestOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}
