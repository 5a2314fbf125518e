import { NumacastError } from '../../core/errors.js'
import { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import type { Clock } from '../../core/time/clock.js'
import { checkGroupName } from '../../wire/radio.js'
import { endpointList } from '../lane/endpoint.js'
import { checkBody } from '../lane/group.js'
import { Handlers } from '../lane/handlers.js'
import { PendingRequests } from '../lane/pending-requests.js'
import type { FrameHandler, FrameSource, Rendezvous, RequestOptions, StreamLane } from '../lane/transport.js'

export interface MemoryStreamComponents {
  readonly name: string
  /** Where requests are sent and live frames are published. */
  readonly endpoint: string
  readonly requestPort: number
  readonly clock: Clock
  readonly maxMessageBytes: number
  /** Calls `arrive` with the lane at `endpoint`, if there is one and the network delivers the frame. */
  readonly route: (endpoint: string, arrive: (lane: MemoryStreamLane) => void) => void
  readonly allLanes: () => Iterable<MemoryStreamLane>
  /** Also answers at the host's rendezvous endpoint unless another lane does. The returned function ends it. */
  readonly rendezvous: (lane: MemoryStreamLane) => { readonly isHeld: () => boolean; readonly release: () => void }
}

/** Takes the place of a port; openings are numbered from 1. */
export const memoryRendezvousPort = 0

/** `name` stands for a host, `opening` for a port: a restart gets a new one. */
export function memoryEndpoint(name: string, opening: number): string {
  return `memory://${name}/${opening}`
}

export class MemoryStreamLane implements StreamLane {
  readonly name: string
  readonly endpoint: string
  readonly counters = new Counters()
  readonly requestEndpoints: readonly string[]
  readonly requestPort: number
  readonly rendezvousPort = memoryRendezvousPort
  readonly #route: MemoryStreamComponents['route']
  readonly #rendezvous: MemoryStreamComponents['rendezvous']
  readonly #allLanes: MemoryStreamComponents['allLanes']
  readonly #maxMessageBytes: number
  readonly #source: FrameSource
  readonly #pending: PendingRequests
  /** Live handlers by endpoint and group. */
  readonly #subscriptions = new Map<string, Handlers>()
  #isPublishing = false
  #serve: ((request: Buffer) => Promise<Uint8Array> | Uint8Array) | undefined
  #closed = false

  constructor(components: MemoryStreamComponents) {
    this.name = components.name
    this.endpoint = components.endpoint
    this.requestEndpoints = Object.freeze([components.endpoint])
    this.requestPort = components.requestPort
    this.#route = components.route
    this.#allLanes = components.allLanes
    this.#rendezvous = components.rendezvous
    this.#maxMessageBytes = components.maxMessageBytes
    this.#source = { address: components.endpoint, port: 0 }
    this.#pending = new PendingRequests(components.clock)
  }

  requestEndpointAt(address: string, requestPort: number): string {
    return memoryEndpoint(address, requestPort)
  }

  serve(handler: (request: Buffer) => Promise<Uint8Array> | Uint8Array): void {
    this.#serve = handler
  }

  get liveEndpoints(): readonly string[] {
    return this.#isPublishing ? [this.endpoint] : []
  }

  /** Endpoints never change here. */
  onEndpointsChanged(): Subscription {
    return { close: () => undefined }
  }

  contendRendezvous(): Rendezvous {
    this.#checkOpen()
    const { isHeld, release } = this.#rendezvous(this)
    return {
      get isHeld() {
        return isHeld()
      },
      close: async () => release(),
    }
  }

  /** Sends to the first endpoint only: here all endpoints share one link. */
  async request(endpoints: string | readonly string[], body: Uint8Array, options: RequestOptions): Promise<Buffer> {
    this.#checkOpen()
    const [endpoint] = endpointList(endpoints)
    checkBody('request', body, this.#maxMessageBytes)
    const { id, reply } = this.#pending.open(endpoint, options)
    const sent = Buffer.from(body)
    this.#route(endpoint, (server) => void server.#answer(this.endpoint, id, sent))
    return reply
  }

  async publishEndpoints(): Promise<readonly string[]> {
    this.#checkOpen()
    this.#isPublishing = true
    return [this.endpoint]
  }

  publish(group: string, body: Uint8Array): void {
    checkGroupName(group)
    checkBody('live', body, this.#maxMessageBytes)
    if (this.#closed) {
      this.counters.add('stream.dropped.closed')
      return
    }
    if (!this.#isPublishing) return
    const key = subscriptionKey(this.endpoint, group)
    const sent = Buffer.from(body)
    for (const subscriber of this.#allLanes()) {
      if (!subscriber.#subscriptions.has(key)) continue
      this.#route(subscriber.endpoint, (lane) => lane.#subscriptions.get(key)?.deliver(Buffer.from(sent), this.#source))
    }
  }

  subscribe(endpoints: string | readonly string[], group: string, handler: FrameHandler): Subscription {
    checkGroupName(group)
    this.#checkOpen()
    const [endpoint] = endpointList(endpoints)
    const key = subscriptionKey(endpoint, group)
    let handlers = this.#subscriptions.get(key)
    if (handlers === undefined) {
      handlers = new Handlers(this.counters, 'stream.failed.handler')
      this.#subscriptions.set(key, handlers)
    }
    const subscribed = handlers
    return subscribed.add(handler, () => {
      if (subscribed.size === 0 && this.#subscriptions.get(key) === subscribed) this.#subscriptions.delete(key)
    })
  }

  close(): void {
    this.#closed = true
    this.#pending.rejectAll(closedError())
    for (const handlers of this.#subscriptions.values()) handlers.clear()
    this.#subscriptions.clear()
  }

  async #answer(requester: string, id: number, request: Buffer): Promise<void> {
    if (this.#serve === undefined) {
      this.counters.add('stream.rejected.not-serving')
      return
    }
    let reply: Buffer
    try {
      reply = Buffer.from(await this.#serve(Buffer.from(request)))
    } catch (error) {
      this.counters.addError('stream.failed.handler', error)
      return
    }
    if (reply.length > this.#maxMessageBytes) this.counters.add('stream.dropped.too-large')
    else if (!this.#closed) this.#route(requester, (lane) => lane.#receiveReply(id, reply))
  }

  #receiveReply(id: number, reply: Buffer): void {
    if (!this.#pending.resolve(id, reply)) this.counters.add('stream.rejected.late-reply')
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError()
  }
}

function closedError(): NumacastError {
  return new NumacastError('NUMACAST_CLOSED', 'the stream lane is closed')
}

function subscriptionKey(endpoint: string, group: string): string {
  return `${group}\0${endpoint}`
}
