import { type Guid, isGuid } from '../../core/ids.js'
import { DialSchedule, type DialTarget, listedIntervalMs } from '../../discovery/dial-schedule.js'
import { GossipRounds } from '../../discovery/gossip-rounds.js'
import { ListedAddresses } from '../../discovery/listed-addresses.js'
import type { ListedPeer } from '../../discovery/listed-peer.js'
import type { NameResolver } from '../../discovery/name-resolver.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { Rendezvous, StreamLane } from '../../transport/lane/transport.js'
import { decodeGossipReply, encodeGossipRequest, type Referral } from '../../wire/gossip.js'
import { failureReason } from '../catchup/failure-reason.js'
import { requestEndpointsOf, sharesNetwork } from '../peer/remote-peer.js'
import type { HelloClient, HelloClientComponents } from './hello-client.js'

export interface PeerDialerComponents extends HelloClientComponents {
  readonly helloClient: HelloClient
  readonly resolve: NameResolver
}

const timeoutMs = 1_000
/** Pages of one gossip answer, of 64 peers each. */
const maxPages = 64
/** `synced()` waits at most this time for the listed peers, and for the peers that they know. */
const roundMs = 3_000

/**
 * Finds participants without multicast: dials the listed peers, the peers that they know, and so on. A host listed
 * without a port is dialled at its rendezvous port, where every participant of that host is known.
 */
export class PeerDialer {
  readonly #components: PeerDialerComponents
  readonly #schedule: DialSchedule
  readonly #rounds: GossipRounds
  readonly #listed: ListedAddresses
  readonly #rendezvous: Rendezvous | undefined
  readonly #opened: Promise<void>
  /** The participant that answered last, by listed endpoint. */
  readonly #answeredAt = new Map<string, Guid>()
  readonly #dialling = new Set<Promise<void>>()
  /** The partitions of the last round; a new object as soon as another partition is read or written. */
  #partitions: unknown
  #round: Promise<void> | undefined
  #closed = false

  /** @param isFound whether other participants may find this one at its host's rendezvous port */
  constructor(components: PeerDialerComponents, listed: readonly ListedPeer[], isFound: boolean) {
    const { clock, random, counters, stream, resolve } = components
    this.#components = components
    this.#schedule = new DialSchedule(random)
    this.#rounds = new GossipRounds(random)
    this.#rendezvous = isFound ? stream.contendRendezvous() : undefined
    this.#listed = new ListedAddresses(
      {
        clock,
        random,
        counters,
        resolve,
        endpointAt: (address, port) => stream.requestEndpointAt(address, port),
        rendezvousPort: stream.rendezvousPort,
        onChanged: (endpoints) => {
          this.#schedule.list(endpoints)
          for (const endpoint of this.#answeredAt.keys())
            if (!endpoints.includes(endpoint)) this.#answeredAt.delete(endpoint)
        },
      },
      // The holder of this host's rendezvous port can refer others to this participant once it knows it.
      isFound && hasLoopback(stream) ? [...listed, { host: '127.0.0.1', port: undefined }] : listed,
    )
    this.#opened = this.#listed.open()
  }

  /** Resolves when the listed peers, and the peers that they know, have been dialled since the partitions changed. */
  async settled(): Promise<void> {
    if (this.#rendezvous === undefined) return
    let give: (() => void) | undefined
    const limit = new Promise<void>((resolve) => {
      give = resolve
    })
    const timer = this.#components.clock.after(roundMs, () => give?.())
    this.#noticeChange()
    await Promise.race([this.#round, limit])
    timer.cancel()
  }

  /** Dials and gossips as is due. Call it a few times per second. */
  check(): void {
    if (this.#closed) return
    const { clock, peers, identity } = this.#components
    this.#noticeChange()
    this.#dialDue()
    const partners = this.#schedule.reachedTargets().map((contact) => contact.endpoints)
    for (const peer of peers.values()) {
      if (peer.isBeyondMulticast && peer.descriptor !== undefined) partners.push(requestEndpointsOf(peer, identity))
    }
    for (const partner of this.#rounds.take(partners, clock.nowMs())) void this.#gossip(partner)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#listed.close()
    await this.#rendezvous?.close()
  }

  #noticeChange(): void {
    const { clock, endpoints } = this.#components
    const partitions = endpoints.partitions()
    if (partitions === this.#partitions) return
    this.#partitions = partitions
    this.#rounds.makeDue(clock.nowMs())
    if (this.#rendezvous !== undefined) this.#round = this.#runRound()
  }

  async #runRound(): Promise<void> {
    await this.#opened
    this.#schedule.makeListedDue()
    // First the listed peers, then the peers that they know.
    do {
      this.#dialDue()
      await Promise.all(this.#dialling)
    } while (!this.#closed && this.#schedule.hasDue(this.#components.clock.nowMs()))
  }

  #dialDue(): void {
    if (this.#closed) return
    for (const contact of this.#schedule.take(this.#components.clock.nowMs())) {
      const dialling = this.#dial(contact).finally(() => this.#dialling.delete(dialling))
      this.#dialling.add(dialling)
    }
  }

  /** Never rejects. */
  async #dial(contact: DialTarget): Promise<void> {
    const { self, clock, counters, peers, peerIntake, helloClient, endpoints } = this.#components
    const expected = isGuid(contact.key) ? contact.key : this.#answeredAt.get(contact.key)
    const known = expected === undefined ? undefined : peers.get(expected)
    // A peer that is up to date need not be asked again: `HelloClient` keeps it so.
    const isSettled = known?.holdsVersion === endpoints.version && !known.monitor.isOverdue(clock.nowMs())
    try {
      if (!isSettled) {
        const reply = await helloClient.sendHello(
          contact.endpoints,
          known,
          contact.isListed ? listedIntervalMs : undefined,
        )
        if (this.#closed) return
        if (contact.isListed) this.#answeredAt.set(contact.key, reply.from)
        peerIntake.onHelloReply(reply)
      }
      const isNews = this.#schedule.answered(contact, clock.nowMs())
      if (isNews && contact.isListed && this.#answeredAt.get(contact.key) !== self)
        await this.#gossip(contact.endpoints)
    } catch (error) {
      this.#schedule.failed(contact, clock.nowMs())
      counters.addError(`contact.failed.${failureReason(error)}`, error)
    }
  }

  /** Asks the partner for peers that this participant does not know. Never rejects. */
  async #gossip(partner: readonly string[]): Promise<void> {
    const { self, clock, counters, stream, endpoints, observer } = this.#components
    const { reads, writes } = endpoints.partitions()
    if (reads.size + writes.size === 0) return
    let after: Guid | undefined
    try {
      for (let page = 0; page < maxPages; page++) {
        const request = {
          from: self,
          reads: [...reads],
          writes: [...writes],
          ...(after === undefined ? {} : { after }),
        }
        const limit = { timeoutMs: timeoutMs * observer.timeoutMultiplier }
        const reply = decodeGossipReply(await stream.request(partner, encodeGossipRequest(request), limit))
        if (this.#closed) return
        counters.add('gossip.replies')
        const news = reply.peers.filter((referral) => this.#addReferral(referral))
        if (news.length > 0) this.#rounds.makeDue(clock.nowMs())
        after = reply.peers.at(-1)?.guid
        if (!reply.more || after === undefined) return
      }
    } catch (error) {
      counters.addError(`gossip.failed.${failureReason(error)}`, error)
    }
  }

  /** Returns true for a participant that no peer has named before. */
  #addReferral({ guid, endpoints, bootId, networkNamespace }: Referral): boolean {
    const { self, counters, peers, identity } = this.#components
    if (guid === self || peers.departed.has(guid) || peers.get(guid)?.descriptor !== undefined) return false
    const reachable = dialable(endpoints, sharesNetwork({ bootId, networkNamespace }, identity))
    if (reachable.length === 0) return false
    const before = this.#schedule.size
    if (!this.#schedule.addReferral(guid, reachable)) counters.add('gossip.refused.too-many')
    return this.#schedule.size > before
  }
}

function hasLoopback({ requestEndpoints }: StreamLane): boolean {
  return requestEndpoints.some((endpoint) => endpoint.startsWith('tcp://127.'))
}
