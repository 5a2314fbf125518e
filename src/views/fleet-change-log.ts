import { createHash } from 'node:crypto'
import type { Subscription } from '../core/reporting/listeners.js'
import type { FleetChange } from './fleet-change.js'

/** Changes that are kept; the oldest are dropped first. */
export const maxLoggedChanges = 4_096
/** Tokens that are remembered; the oldest are forgotten first. */
const maxTokens = 4_096

/**
 * The latest changes of a view, in batches: all changes of one turn of the event loop. Batches are numbered without gaps
 * from 0. The log remembers where it was when the view handed a token out, so that its holder can continue from there.
 */
export class FleetChangeLog {
  readonly #batches = new Map<number, readonly FleetChange[]>()
  /** By the hash of a token: the first batch that its holder may lack. */
  readonly #positions = new Map<string, number>()
  readonly #followers = new Set<() => void>()
  #open: FleetChange[] | undefined
  #first = 0
  #next = 0
  #size = 0
  /** The token that was hashed last. */
  #hashed: { readonly token: string; readonly hash: string } | undefined

  /** The number of the oldest batch that is kept. */
  get first(): number {
    return this.#first
  }

  /** The number of the batch that comes next. */
  get next(): number {
    return this.#next
  }

  /** Returns undefined for a batch that is no longer kept, or that is yet to come. */
  batch(number: number): readonly FleetChange[] | undefined {
    return this.#batches.get(number)
  }

  add(change: FleetChange): void {
    if (this.#open === undefined) {
      this.#open = []
      queueMicrotask(() => this.#seal())
    }
    this.#open.push(change)
  }

  /** Calls `follower` after each batch. */
  subscribe(follower: () => void): Subscription {
    this.#followers.add(follower)
    return { close: () => void this.#followers.delete(follower) }
  }

  /**
   * A token was handed out, to a holder that may lack what comes from the batch on. Several holders may have the same
   * token: all of them continue where the first must.
   */
  issued(token: string, from = this.#next): void {
    const hash = this.#hash(token)
    const known = this.#positions.get(hash)
    if (known !== undefined && known <= from) return
    this.#positions.set(hash, from)
    const [oldest] = this.#positions.keys()
    if (this.#positions.size > maxTokens && oldest !== undefined) this.#positions.delete(oldest)
  }

  /** Returns the first batch that the holder of the token may lack; undefined when that is no longer known or kept. */
  since(token: string): number | undefined {
    const position = this.#positions.get(this.#hash(token))
    return position === undefined || position < this.#first ? undefined : position
  }

  #seal(): void {
    const changes = this.#open ?? []
    this.#open = undefined
    this.#batches.set(this.#next++, changes)
    this.#size += changes.length
    while (this.#size > maxLoggedChanges && this.#first < this.#next - 1) {
      this.#size -= this.#batches.get(this.#first)?.length ?? 0
      this.#batches.delete(this.#first++)
    }
    for (const follower of [...this.#followers]) follower()
  }

  #hash(token: string): string {
    const known = this.#hashed
    if (known?.token === token) return known.hash
    const hash = createHash('sha256').update(token).digest('base64')
    this.#hashed = { token, hash }
    return hash
  }
}
