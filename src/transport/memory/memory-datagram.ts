import { NumacastError } from '../../core/errors.js'
import { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { checkBody, checkGroup } from '../lane/group.js'
import { Handlers } from '../lane/handlers.js'
import type { DatagramLane, FrameHandler, FrameSource, Group } from '../lane/transport.js'

export interface MemoryDatagramComponents {
  readonly source: FrameSource
  readonly maxBodyBytes: number
  /** Calls `arrive`, after the network's delay, for each lane that listens to the group and that the frame reaches. */
  readonly route: (groupKey: string, arrive: (lane: MemoryDatagramLane) => void) => void
}

export class MemoryDatagramLane implements DatagramLane {
  readonly maxBodyBytes: number
  readonly counters = new Counters()
  readonly #source: FrameSource
  readonly #route: MemoryDatagramComponents['route']
  readonly #groups = new Map<string, Handlers>()
  #closed = false

  constructor({ source, maxBodyBytes, route }: MemoryDatagramComponents) {
    this.#source = source
    this.maxBodyBytes = maxBodyBytes
    this.#route = route
  }

  get received(): number {
    return this.counters.get('datagram.received')
  }

  /** Always 0: a memory network accepts every frame at once. */
  get pending(): number {
    return 0
  }

  async join(group: Group, handler: FrameHandler): Promise<Subscription> {
    checkGroup(group)
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', 'the datagram lane is closed')
    const key = groupKey(group)
    let handlers = this.#groups.get(key)
    if (handlers === undefined) {
      handlers = new Handlers(this.counters, 'datagram.failed.handler')
      this.#groups.set(key, handlers)
    }
    const joined = handlers
    return joined.add(handler, () => {
      if (joined.size === 0 && this.#groups.get(key) === joined) this.#groups.delete(key)
    })
  }

  send(group: Group, body: Uint8Array): void {
    checkGroup(group)
    checkBody('datagram', body, this.maxBodyBytes)
    if (this.#closed) {
      this.counters.add('datagram.dropped.closed')
      return
    }
    const key = groupKey(group)
    // The caller of a test may reuse the bytes, so they are copied now.
    const sent = Buffer.from(body)
    this.#route(key, (lane) => lane.#receive(key, sent, this.#source))
  }

  listensTo(groupKey: string): boolean {
    return this.#groups.has(groupKey)
  }

  close(): void {
    this.#closed = true
    for (const handlers of this.#groups.values()) handlers.clear()
    this.#groups.clear()
  }

  #receive(key: string, sent: Buffer, from: FrameSource): void {
    const handlers = this.#groups.get(key)
    if (handlers === undefined) return
    this.counters.add('datagram.received')
    handlers.deliver(Buffer.from(sent), from)
  }
}

function groupKey(group: Group): string {
  return `${group.port}/${group.name}`
}
