import { type Guid, isGuid } from '../../core/ids.js'
import { DialSchedule, type DialTarget, listedIntervalMs } from '../../discovery/dial-schedule.js'
import { GossipRounds } from '../../discovery/gossip-rounds.js'
import { ListedAddresses } from '../../discovery/listed-addresses.js'
import type { ListedPeer } from '../../discovery/listed-peer.js'
import type { NameResolver } from '../../discovery/name-resolver.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { Rendezvous, StreamLane } from '../../transport/lane/transport.js'
import { rejectionOf } from '../../wire/bytes.js'
import { decodeGossipReply, encodeGossipRequest, type Referral } from '../../wire/gossip.js'
import { requestEndpointsOf, sharesNetwork } from '../peer/remote-peer.js'
import type { HelloClient, HelloComponents } from './hello-client.js'

export interface UnicastDiscoveryComponents extends HelloComponents {
  readonly helloClient: HelloClient
  readonly resolve: NameResolver
}

const timeoutMs = 1_000
/** Pages of one answer, of 64 peers each. */
const maxPages = 64
/** `synced()` waits no longer than this for those who were listed, and for those whom they know. */
const roundMs = 3_000

/**
 * Finds others without multicast: dials the listed peers, and whom they know, and whom those know. Whoever is listed
 * by a host alone is found at its rendezvous port, where every participant of that host is known.
 */
export class UnicastDiscovery {
  readonly #components: UnicastDiscoveryComponents
  readonly #contacts: DialSchedule
  readonly #rounds: GossipRounds
  readonly #book: ListedAddresses
  readonly #rendezvous: Rendezvous | undefined
  readonly #opened: Promise<void>
  /** Who answered at a listed endpoint last. */
  readonly #foundAt = new Map<string, Guid>()
  readonly #dialling = new Set<Promise<void>>()
  /** What the last round was for; another object as soon as anything is read or written that was not. */
  #partitions: unknown
  #round: Promise<void> | undefined
  #closed = false

  /** @param isFound whether others may look for this participant's host at its rendezvous port */
  constructor(components: UnicastDiscoveryComponents, listed: readonly ListedPeer[], isFound: boolean) {
    const { clock, random, counters, stream, resolve } = components
    this.#components = components
    this.#contacts = new DialSchedule(random)
    this.#rounds = new GossipRounds(random)
    this.#rendezvous = isFound ? stream.contendRendezvous() : undefined
    this.#book = new ListedAddresses(
      {
        clock,
        random,
        counters,
        resolve,
        endpointAt: (address, port) => stream.requestEndpointAt(address, port),
        rendezvousPort: stream.rendezvousPort,
        onChanged: (endpoints) => {
          this.#contacts.list(endpoints)
          for (const endpoint of this.#foundAt.keys()) if (!endpoints.includes(endpoint)) this.#foundAt.delete(endpoint)
        },
      },
      // Whoever holds the rendezvous of this host can tell others of this participant once it knows it.
      isFound && hasLoopback(stream) ? [...listed, { host: '127.0.0.1', port: undefined }] : listed,
    )
    this.#opened = this.#book.open()
  }

  /** Resolves when the listed peers, and those whom they know, have been tried since anything here changed. */
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

  /** To be called a few times a second. */
  look(): void {
    if (this.#closed) return
    const { clock, peers, identity } = this.#components
    this.#noticeChange()
    this.#dialDue()
    const partners = this.#contacts.reached().map((contact) => contact.endpoints)
    for (const peer of peers.values()) {
      if (peer.isBeyondMulticast && peer.descriptor !== undefined) partners.push(requestEndpointsOf(peer, identity))
    }
    for (const partner of this.#rounds.take(partners, clock.nowMs())) void this.#gossip(partner)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#book.close()
    await this.#rendezvous?.close()
  }

  #noticeChange(): void {
    const { clock, endpoints } = this.#components
    const partitions = endpoints.partitions()
    if (partitions === this.#partitions) return
    this.#partitions = partitions
    this.#rounds.hasten(clock.nowMs())
    if (this.#rendezvous !== undefined) this.#round = this.#makeRound()
  }

  async #makeRound(): Promise<void> {
    await this.#opened
    this.#contacts.hasten()
    // First those who are listed, then those whom they know.
    do {
      this.#dialDue()
      await Promise.all(this.#dialling)
    } while (!this.#closed && this.#contacts.hasDue(this.#components.clock.nowMs()))
  }

  #dialDue(): void {
    if (this.#closed) return
    for (const contact of this.#contacts.take(this.#components.clock.nowMs())) {
      const dialling = this.#dial(contact).finally(() => this.#dialling.delete(dialling))
      this.#dialling.add(dialling)
    }
  }

  /** Never rejects. */
  async #dial(contact: DialTarget): Promise<void> {
    const { self, clock, counters, peers, peerIntake, helloClient, endpoints } = this.#components
    const expected = isGuid(contact.key) ? contact.key : this.#foundAt.get(contact.key)
    const known = expected === undefined ? undefined : peers.get(expected)
    // A peer in good standing need not be asked again; the helloClient sees to it that it stays one.
    const isSettled = known?.holdsVersion === endpoints.version && !known.monitor.isOverdue(clock.nowMs())
    try {
      if (!isSettled) {
        const reply = await helloClient.ask(contact.endpoints, known, contact.isListed ? listedIntervalMs : undefined)
        if (this.#closed) return
        if (contact.isListed) this.#foundAt.set(contact.key, reply.from)
        peerIntake.onAnswer(reply)
      }
      const isNews = this.#contacts.answered(contact, clock.nowMs())
      if (isNews && contact.isListed && this.#foundAt.get(contact.key) !== self) await this.#gossip(contact.endpoints)
    } catch (error) {
      this.#contacts.failed(contact, clock.nowMs())
      counters.addError(`contact.failed.${failureOf(error)}`, error)
    }
  }

  /** Asks whom the other knows that this participant does not. Never rejects. */
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
        const patience = { timeoutMs: timeoutMs * observer.timeoutMultiplier }
        const reply = decodeGossipReply(await stream.request(partner, encodeGossipRequest(request), patience))
        if (this.#closed) return
        counters.add('gossip.replies')
        const news = reply.peers.filter((referral) => this.#refer(referral))
        if (news.length > 0) this.#rounds.hasten(clock.nowMs())
        after = reply.peers.at(-1)?.guid
        if (!reply.more || after === undefined) return
      }
    } catch (error) {
      counters.addError(`gossip.failed.${failureOf(error)}`, error)
    }
  }

  /** True when nobody had named it before. */
  #refer({ guid, endpoints, bootId, networkNamespace }: Referral): boolean {
    const { self, counters, peers, identity } = this.#components
    if (guid === self || peers.hasDeparted(guid) || peers.get(guid)?.descriptor !== undefined) return false
    const reachable = dialable(endpoints, sharesNetwork({ bootId, networkNamespace }, identity))
    if (reachable.length === 0) return false
    const before = this.#contacts.size
    if (!this.#contacts.refer(guid, reachable)) counters.add('gossip.refused.too-many')
    return this.#contacts.size > before
  }
}

function hasLoopback({ requestEndpoints }: StreamLane): boolean {
  return requestEndpoints.some((endpoint) => endpoint.startsWith('tcp://127.'))
}

function failureOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  return code === 'NUMACAST_TIMEOUT' ? 'timeout' : code === 'NUMACAST_CLOSED' ? 'closed' : rejectionOf(error)
}
