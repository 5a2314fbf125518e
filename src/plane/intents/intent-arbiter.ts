import type { EntityGuid } from '../../core/ids.js'
import { KeyedHeap } from '../../core/keyed-heap.js'
import { expiryMs, type IntentKind, maxIntentEpoch, type ReceivedIntent, receivedIntentKey } from './intents.js'

/** What became of a claim that was offered to the arbiter. */
export type Outcome =
  /** It holds now; `ended` is the claim that it ended, if one held. */
  | { readonly kind: 'won'; readonly claim: ReceivedIntent; readonly ended: ReceivedIntent | undefined }
  /** The holder, written again with a new time to live. */
  | { readonly kind: 'renewed'; readonly claim: ReceivedIntent }
  /** Older than the newest known for its target. */
  | { readonly kind: 'superseded'; readonly claim: ReceivedIntent; readonly by: ReceivedIntent }
  /** Same epoch, other issuer; it lost by sequence number or writer GUID. */
  | { readonly kind: 'conflicted'; readonly claim: ReceivedIntent; readonly by: ReceivedIntent }
  /** It has expired on arrival, and it was newer than what holds: `ended` holds no more. */
  | { readonly kind: 'ended-late'; readonly claim: ReceivedIntent; readonly ended: ReceivedIntent }
  /** Already known, or expired on arrival. */
  | { readonly kind: 'ignored'; readonly claim: ReceivedIntent }

interface Entry {
  readonly claim: ReceivedIntent
  /** When it expired or was withdrawn. Afterwards it is remembered only so that no older claim takes effect. */
  endedMs: number | undefined
  /** When the last of the known claims that it keeps from holding expires. */
  outlastsMs: number
}

/** How long the newest claim for a target is remembered after it, and each known claim that lost to it, has expired. */
export const arbiterMemoryMs = 10 * 60_000

/**
 * Decides which intent holds per kind and target: the highest (epoch, seq), whatever its issuer, ties by writer GUID,
 * so that all readers agree whatever the order of arrival. A claim that lost does not come back when the winner ends:
 * an intent is only as good as the knowledge that its issuer had. A claim written after the winner ended wins whatever
 * its epoch, so that a short-lived issuer does not lock a long-lived one out.
 *
 * Only calls that return everything scan everything: a worker or a view may hold thousands of intents.
 */
export class IntentArbiter {
  readonly #entries = new Map<string, Entry>()
  /** Keys of the claims that hold, by expiry time. */
  readonly #expiring = new KeyedHeap<string>()
  /** Keys of the claims that ended, by the time at which each is forgotten. */
  readonly #remembered = new KeyedHeap<string>()

  get size(): number {
    return this.#entries.size
  }

  offer(claim: ReceivedIntent, nowMs: number): Outcome {
    const key = receivedIntentKey(claim.kind, claim.intent.target)
    const entry = this.#entries.get(key)
    if (expiryMs(claim) <= nowMs) return this.#offerExpired(key, claim, entry, nowMs)
    if (entry === undefined || (entry.endedMs !== undefined && claim.originTimeMs > entry.endedMs)) {
      this.#store(key, claim, entry)
      return { kind: 'won', claim, ended: undefined }
    }
    const newest = entry.claim
    const order = compareReceivedIntents(claim, newest)
    if (order === 0) return { kind: 'ignored', claim }
    if (order < 0) {
      if (claim.intent.intentId === newest.intent.intentId) return { kind: 'ignored', claim }
      this.#outlast(key, entry, claim)
      return { kind: isConflict(claim, newest) ? 'conflicted' : 'superseded', claim, by: newest }
    }
    const held = entry.endedMs === undefined
    this.#store(key, claim, entry)
    if (held && isRenewal(claim, newest)) return { kind: 'renewed', claim }
    return { kind: 'won', claim, ended: held ? newest : undefined }
  }

  /**
   * A late joiner may receive the winner of a target after the winner has expired, and the loser before it has, in
   * either order. The loser does not come back.
   */
  #offerExpired(key: string, claim: ReceivedIntent, entry: Entry | undefined, nowMs: number): Outcome {
    const endedMs = expiryMs(claim)
    const isNewest =
      entry === undefined || (entry.claim.originTimeMs <= endedMs && compareReceivedIntents(claim, entry.claim) > 0)
    if (!isNewest) return { kind: 'ignored', claim }
    const ended = this.#store(key, claim, entry)
    // A claim that loses to it may arrive from now on.
    ended.outlastsMs = Math.max(ended.outlastsMs, nowMs)
    this.#end(key, ended, endedMs)
    if (entry === undefined || entry.endedMs !== undefined) return { kind: 'ignored', claim }
    return { kind: 'ended-late', claim, ended: entry.claim }
  }

  /**
   * Ends the claim that holds, because its writer disposed it. Returns it; undefined when another writer's claim holds.
   */
  withdraw(kind: IntentKind, target: string, writer: EntityGuid, nowMs: number): ReceivedIntent | undefined {
    const key = receivedIntentKey(kind, target)
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.endedMs !== undefined || entry.claim.token.writer !== writer) return undefined
    this.#end(key, entry, nowMs)
    return entry.claim
  }

  /** Returns the claims whose time to live has ended. Forgets claims that ended long ago. */
  expire(nowMs: number): readonly ReceivedIntent[] {
    const expired: ReceivedIntent[] = []
    for (let key = this.#expiring.shift(nowMs); key !== undefined; key = this.#expiring.shift(nowMs)) {
      const entry = this.#entries.get(key)
      if (entry === undefined) continue
      this.#end(key, entry, expiryMs(entry.claim))
      expired.push(entry.claim)
    }
    for (let key = this.#remembered.shift(nowMs); key !== undefined; key = this.#remembered.shift(nowMs)) {
      this.#entries.delete(key)
    }
    return expired
  }

  /** Returns the claim that holds for the target: an `apply`, or a `lift` that keeps older claims from holding. */
  current(kind: IntentKind, target: string): ReceivedIntent | undefined {
    const entry = this.#entries.get(receivedIntentKey(kind, target))
    return entry !== undefined && entry.endedMs === undefined ? entry.claim : undefined
  }

  /** Yields every claim that holds, lifts included. */
  *holding(): IterableIterator<ReceivedIntent> {
    for (const entry of this.#entries.values()) if (entry.endedMs === undefined) yield entry.claim
  }

  /** Returns when `expire` will next return something; undefined if nothing holds. */
  nextExpiryMs(): number | undefined {
    return this.#expiring.least
  }

  #store(key: string, claim: ReceivedIntent, before: Entry | undefined): Entry {
    const outlastsMs = Math.max(expiryMs(claim), before === undefined ? 0 : reachMs(before, claim))
    const entry: Entry = { claim, endedMs: undefined, outlastsMs }
    this.#entries.set(key, entry)
    this.#remembered.delete(key)
    this.#expiring.set(key, expiryMs(claim))
    return entry
  }

  #end(key: string, entry: Entry, endedMs: number): void {
    entry.endedMs = endedMs
    this.#expiring.delete(key)
    this.#remembered.set(key, entry.outlastsMs + arbiterMemoryMs)
  }

  /** The claim has lost to the entry's. Relays may deliver it again until it expires. */
  #outlast(key: string, entry: Entry, claim: ReceivedIntent): void {
    entry.outlastsMs = Math.max(entry.outlastsMs, expiryMs(claim))
    if (entry.endedMs !== undefined) this.#remembered.set(key, entry.outlastsMs + arbiterMemoryMs)
  }
}

/**
 * Returns a positive number when `a` is the newer claim. A total order over distinct changes.
 *
 * No issuer can exceed the highest epoch, so there the claim that was written later is the newer. This lets an operator
 * end what a faulty or hostile issuer wrote with it.
 */
export function compareReceivedIntents(a: ReceivedIntent, b: ReceivedIntent): number {
  if (a.intent.epoch !== b.intent.epoch) return a.intent.epoch - b.intent.epoch
  if (a.token.writer === b.token.writer) return a.token.seq - b.token.seq
  if (a.intent.epoch === maxIntentEpoch && a.originTimeMs !== b.originTimeMs) return a.originTimeMs - b.originTimeMs
  if (a.token.seq !== b.token.seq) return a.token.seq - b.token.seq
  return a.token.writer < b.token.writer ? -1 : 1
}

/** Returns until when relays may deliver again what `claim` replaces, or what lost to that. */
function reachMs({ claim: before, outlastsMs }: Entry, claim: ReceivedIntent): number {
  // A writer's change takes the place of its earlier one at every relay.
  return before.token.writer === claim.token.writer ? outlastsMs : Math.max(outlastsMs, expiryMs(before))
}

function isConflict(a: ReceivedIntent, b: ReceivedIntent): boolean {
  return a.intent.epoch === b.intent.epoch && a.token.writer !== b.token.writer
}

function isRenewal(a: ReceivedIntent, b: ReceivedIntent): boolean {
  return a.intent.intentId === b.intent.intentId && a.intent.action === b.intent.action
}
