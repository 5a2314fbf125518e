import { setMaxListeners } from 'node:events'
import { raceSignal, type WaitOptions } from '../core/abort.js'
import { closeEach } from '../core/close-all.js'
import { type Guid, participantOf } from '../core/ids.js'
import { Listeners, type Subscription } from '../core/reporting/listeners.js'
import { Liveliness } from '../liveliness/verdict.js'
import type { PeerEvent } from '../pubsub/model/events.js'
import type { Peer } from '../pubsub/model/peer.js'
import type { Participant } from '../pubsub/participant.js'
import { type CatchUpCounts, sumCatchUps } from '../pubsub/reader/catch-up-record.js'
import type { Reader, WriterLag } from '../pubsub/reader/reader.js'
import type { WriterProxy } from '../pubsub/reader/writer-proxy.js'
import { CopyPosition } from './freshness/copy-position.js'
import { isCertainEnd, type LostOwner, LostOwners } from './freshness/lost-owners.js'
import { type OwnerLag, type OwnerRef, ownerLags } from './freshness/owner-lag.js'

/** What a view needs of each of its readers. */
export interface ViewReader extends Pick<Reader<object>, 'catchUps' | 'close' | 'lag' | 'synced'> {
  // Named here, because the published declarations leave out what is internal to `Reader`.
  onProgress(listener: (proxy: WriterProxy, isMatched: boolean) => void): Subscription
}

/**
 * The readers of a view as one copy: how far it is behind each owner, and which owners have left. An owner is a
 * participant with a writer that some reader reads.
 */
export class FleetReaders {
  readonly position = new CopyPosition()
  readonly #participant: Participant
  readonly #readers: ViewReader[] = []
  readonly #lost = new LostOwners()
  readonly #progress: Listeners<void>
  readonly #subscriptions: Subscription[] = []

  constructor(participant: Participant) {
    this.#participant = participant
    this.#progress = new Listeners(participant.counters, 'view.listener-threw')
    this.#subscriptions.push(participant.onPeer((event) => this.#onPeer(event)))
  }

  add(reader: ViewReader): void {
    this.#readers.push(reader)
    const progress = reader.onProgress((proxy, isMatched) => {
      this.position.markMoved(proxy)
      const participant = participantOf(proxy.guid)
      // A writer that goes with its participant has not closed: its participant has ended, or is lost.
      if (!isMatched && this.#isHere(participant)) this.position.writerClosed(proxy.guid)
      this.#progress.emit()
    })
    this.#subscriptions.push(progress)
  }

  /** How far each reader is behind each of its writers. */
  lags(): WriterLag[] {
    return this.#readers.flatMap((reader) => reader.lag())
  }

  /** How far the copy is behind each owner. */
  owners(lags: readonly WriterLag[]): OwnerLag[] {
    return ownerLags(lags, (guid) => this.#describe(guid))
  }

  /** Returns what is known of a participant that may have left. */
  refOf(participant: Guid): OwnerRef {
    const { liveliness: _, ...ref } = this.#describe(participant)
    return ref
  }

  /** Owners that were given up for their silence alone. */
  lost(): IterableIterator<LostOwner> {
    return this.#lost.values()
  }

  catchUps(): CatchUpCounts {
    return sumCatchUps(this.#readers.map((reader) => reader.catchUps()))
  }

  /** Calls `listener` when the copy may have moved on, or an owner has come or gone. */
  onProgress(listener: () => void): Subscription {
    return this.#progress.add(listener)
  }

  /** Waits for every reader. @throws the signal's reason when it aborts; NUMACAST_CLOSED when a reader closes */
  async synced({ signal }: WaitOptions): Promise<void> {
    // Before any wait begins: a wait that is abandoned without a handler would be an unhandled rejection.
    signal?.throwIfAborted()
    // One listener on the caller's signal for all readers: Node warns of a leak beyond ten.
    const abandon = new AbortController()
    setMaxListeners(0, abandon.signal)
    try {
      await raceSignal(Promise.all(this.#readers.map((reader) => reader.synced({ signal: abandon.signal }))), signal)
    } finally {
      abandon.abort()
    }
  }

  /** Forgets owners that were lost long ago: nothing of them is shown any more. */
  expire(nowMs: number, retentionMs: number): void {
    for (const guid of this.#lost.expire(nowMs, retentionMs)) this.position.participantEnded(guid)
  }

  /** Idempotent. */
  close(): void {
    closeEach([
      ...this.#subscriptions.splice(0).map((subscription) => () => subscription.close()),
      () => this.#progress.clear(),
      ...this.#readers.map((reader) => () => reader.close()),
    ])
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    if (kind === 'joined') {
      this.#lost.remove(peer.guid)
      this.position.participantJoined(peer.guid)
    }
    if (kind === 'left' && this.position.knows(peer.guid)) {
      if (isCertainEnd(peer.verdict)) {
        this.#lost.remove(peer.guid)
        this.position.participantEnded(peer.guid)
      } else this.#lost.add(refOf(peer), this.#participant.clock.nowMs())
    }
    this.#progress.emit()
  }

  #isHere(participant: Guid): boolean {
    return participant === this.#participant.guid || this.#participant.peer(participant) !== undefined
  }

  #describe(guid: Guid): OwnerRef & Pick<OwnerLag, 'liveliness'> {
    const { identity, name } = this.#participant
    if (guid === this.#participant.guid) {
      const { host, pid } = identity
      return { participant: guid, name, role: null, host, pid, liveliness: Liveliness.alive }
    }
    const peer = this.#participant.peer(guid)
    if (peer !== undefined) return { ...refOf(peer), liveliness: peer.verdict.liveliness }
    const lost = this.#lost.get(guid)
    if (lost !== undefined) return { ...lost.owner, liveliness: Liveliness.unreachable }
    return { participant: guid, name: '', role: null, host: '', pid: 0, liveliness: Liveliness.dead }
  }
}

function refOf({ guid, name, properties, identity }: Peer): OwnerRef {
  const { role } = properties
  const { host, pid } = identity
  return { participant: guid, name, role: typeof role === 'string' ? role : null, host, pid }
}
