import type { EntityGuid } from '../core/ids.js'
import { type Claim, claimKey, expiryMs, type IntentKind } from './intents.js'

/** What became of a claim that was offered to the book. */
export type Ruling =
  /** It holds now; `ended` is the claim that it ended, if one held. */
  | { readonly kind: 'won'; readonly claim: Claim; readonly ended: Claim | undefined }
  /** The holder, written again with a new time to live. */
  | { readonly kind: 'renewed'; readonly claim: Claim }
  /** Older than the newest known for its target. */
  | { readonly kind: 'superseded'; readonly claim: Claim; readonly by: Claim }
  /** Same epoch, other issuer; it lost by sequence number or writer GUID. */
  | { readonly kind: 'conflicted'; readonly claim: Claim; readonly by: Claim }
  /** Known already, or its time was over when it came. */
  | { readonly kind: 'ignored'; readonly claim: Claim }

interface Entry {
  readonly claim: Claim
  /** When it expired or was withdrawn: from then on it is remembered only so that nothing older comes back. */
  endedMs: number | undefined
}

/** How long the newest claim for a target is remembered after it stopped holding. */
export const bookMemoryMs = 10 * 60_000

/**
 * Who wins per kind and target: the highest (epoch, seq), whoever issued it, ties by writer GUID, so that all
 * readers agree whatever the order of arrival. A claim that lost does not come back when the winner ends: an
 * intent is only as good as the knowledge that its issuer had. What is written after the winner ended starts
 * afresh, whatever its epoch, so that a long-lived issuer is not locked out by one that came and went.
 */
export class IntentBook {
  readonly #entries = new Map<string, Entry>()

  get size(): number {
    return this.#entries.size
  }

  offer(claim: Claim, nowMs: number): Ruling {
    if (expiryMs(claim) <= nowMs) return { kind: 'ignored', claim }
    const key = claimKey(claim.kind, claim.intent.target)
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#entries.set(key, { claim, endedMs: undefined })
      return { kind: 'won', claim, ended: undefined }
    }
    const newest = entry.claim
    if (entry.endedMs !== undefined && claim.originTimeMs > entry.endedMs) {
      this.#entries.set(key, { claim, endedMs: undefined })
      return { kind: 'won', claim, ended: undefined }
    }
    const order = compareClaims(claim, newest)
    if (order === 0) return { kind: 'ignored', claim }
    if (order < 0) {
      if (claim.intent.intentId === newest.intent.intentId) return { kind: 'ignored', claim }
      return { kind: isConflict(claim, newest) ? 'conflicted' : 'superseded', claim, by: newest }
    }
    const held = entry.endedMs === undefined
    this.#entries.set(key, { claim, endedMs: undefined })
    if (held && isRenewal(claim, newest)) return { kind: 'renewed', claim }
    return { kind: 'won', claim, ended: held ? newest : undefined }
  }

  /**
   * The writer disposed its claim. Returns what stopped holding, if it was the holder's own writer that spoke.
   */
  withdraw(kind: IntentKind, target: string, writer: EntityGuid, nowMs: number): Claim | undefined {
    const entry = this.#entries.get(claimKey(kind, target))
    if (entry === undefined || entry.endedMs !== undefined || entry.claim.token.writer !== writer) return undefined
    entry.endedMs = nowMs
    return entry.claim
  }

  /** What stopped holding by now because its time to live ended. Forgets what ended long ago. */
  expire(nowMs: number): readonly Claim[] {
    const expired: Claim[] = []
    for (const [key, entry] of this.#entries) {
      const endMs = expiryMs(entry.claim)
      if (entry.endedMs === undefined && endMs <= nowMs) {
        entry.endedMs = endMs
        expired.push(entry.claim)
      }
      if (entry.endedMs !== undefined && endMs + bookMemoryMs <= nowMs) this.#entries.delete(key)
    }
    return expired
  }

  /** What holds for the target: an `apply` that asks for something, or a `lift` that keeps older ones away. */
  current(kind: IntentKind, target: string): Claim | undefined {
    const entry = this.#entries.get(claimKey(kind, target))
    return entry !== undefined && entry.endedMs === undefined ? entry.claim : undefined
  }

  /** Everything that holds, lifts included. */
  *holding(): IterableIterator<Claim> {
    for (const entry of this.#entries.values()) if (entry.endedMs === undefined) yield entry.claim
  }

  /** When `expire` will next have something to say; undefined when nothing holds. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined
    for (const claim of this.holding()) next = Math.min(next ?? Number.POSITIVE_INFINITY, expiryMs(claim))
    return next
  }
}

/** Positive when `a` is the newer claim. A total order over distinct changes. */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.intent.epoch !== b.intent.epoch) return a.intent.epoch - b.intent.epoch
  if (a.token.seq !== b.token.seq) return a.token.seq - b.token.seq
  if (a.token.writer === b.token.writer) return 0
  return a.token.writer < b.token.writer ? -1 : 1
}

function isConflict(a: Claim, b: Claim): boolean {
  return a.intent.epoch === b.intent.epoch && a.token.writer !== b.token.writer
}

function isRenewal(a: Claim, b: Claim): boolean {
  return a.intent.intentId === b.intent.intentId && a.intent.action === b.intent.action
}
