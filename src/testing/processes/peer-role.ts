import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../core/time/clock.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { joinDomain, type Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import { Range } from '../../transport/lane/range.js'
import { openTransport } from '../../transport/open.js'
import { StreamReach } from '../../transport/transport-options.js'
import type { MemberSpec, PeerState } from './member-spec.js'

interface Value {
  readonly id: string
  readonly n: number
}

type OpenTransport = Awaited<ReturnType<typeof openTransport>>

const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const defaultInstances = 20

/** The role `peer`: a participant that writes instances of its own and reads those of all peers. */
export class PeerRole {
  readonly participant: Participant
  readonly #transport: OpenTransport
  readonly #name: string
  readonly #instances: number
  readonly #writer: Writer<Value>
  readonly #reader: Reader<Value>
  readonly #own = new Map<string, number>()
  readonly #violations: string[] = []
  readonly #lastSeqs = new Map<string, number>()
  readonly #seen = new Map<string, Set<string>>()
  #changes = 0

  /** Joins, and writes the first value of each instance. */
  static async join({ domain, name, options = {}, instances = defaultInstances }: MemberSpec): Promise<PeerRole> {
    const { range = Range.localhost, insecure = false, peers = [] } = options
    const streamReach = range === Range.localhost && peers.length === 0 ? StreamReach.host : StreamReach.network
    const transport = await openTransport({ domain, clock: systemClock, range, insecure, streamReach })
    const participant = await joinDomain({ domain, name, ...options }, { transport })
    const role = new PeerRole(participant, transport, instances)
    await participant.ready()
    return role
  }

  private constructor(participant: Participant, transport: OpenTransport, instances: number) {
    this.participant = participant
    this.#transport = transport
    this.#name = participant.name
    this.#instances = instances
    this.#writer = participant.writer(topic)
    this.#reader = participant.reader(topic)
    this.#reader.onSample(({ key, token }) => {
      const id = `${token.writer} ${key}`
      const before = this.#lastSeqs.get(id) ?? 0
      if (token.seq <= before) this.#violations.push(`${key}: ${token.seq} after ${before}`)
      this.#lastSeqs.set(id, token.seq)
    })
    participant.onPeer(({ peer }) => {
      const states = this.#seen.get(peer.name) ?? new Set()
      this.#seen.set(peer.name, states.add(peer.verdict.liveliness))
    })
    for (let index = 0; index < instances; index++) this.#change()
  }

  /** Writes further changes over its instances, one every 5 ms. */
  async write(changes: number): Promise<void> {
    for (let left = changes; left > 0; left--) {
      this.#change()
      await delay(5)
    }
  }

  state(): PeerState {
    const { participant } = this
    const { datagram, stream } = this.#transport
    const peers = participant.peers()
    return {
      held: Object.fromEntries(
        [...this.#reader.entries()].flatMap(([key, { value }]) => (value ? [[key, value.n]] : [])),
      ),
      own: Object.fromEntries(this.#own),
      violations: this.#violations,
      seen: Object.fromEntries([...this.#seen].map(([name, states]) => [name, [...states]])),
      peers: Object.fromEntries(peers.map((peer) => [peer.name, peer.verdict.liveliness])),
      receivesFromUs: Object.fromEntries(peers.map((peer) => [peer.name, peer.receivesFromUs])),
      liveConnections: stream.connections.live,
      counters: {
        ...participant.counters.snapshot(),
        ...datagram.counters.snapshot(),
        ...stream.counters.snapshot(),
      },
      endpoints: stream.requestEndpoints,
    }
  }

  #change(): void {
    const id = `${this.#name}-${this.#changes % this.#instances}`
    this.#own.set(id, ++this.#changes)
    this.#writer.write({ id, n: this.#changes })
  }
}
