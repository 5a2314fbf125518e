import { closeEach } from '../../core/close-all.js'
import { invalidArgument, NumacastError } from '../../core/errors.js'
import type { Token } from '../../core/ids.js'
import { Lifetime } from '../../core/lifetime.js'
import { randomHex } from '../../core/random-hex.js'
import { checkDurationMs } from '../../core/time/duration.js'
import {
  defaultReason,
  type IntentKind,
  type IntentOf,
  type IntentTerms,
  intentTopics,
  maxIntentEpoch,
  maxIntentTtlMs,
  neutralTerms,
} from '../../plane/intents/intents.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { toNote } from '../../plane/vocabulary/text.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { FleetView } from '../../views/fleet-view.js'
import { type FollowOptions, followIntent, type IntentProgress } from '../../views/intent-progress.js'

export interface IntentIssuerOptions {
  /** The name of the issuer, for people to read. */
  readonly issuer: string
  /**
   * Whether an intent must win over what others have issued for the same target, as a person's should. Otherwise
   * it is issued under the participant's incarnation and may lose to a newer issuer.
   * @default true
   */
  readonly assertive?: boolean
  /** Closes the issuer when it aborts. What was issued remains in force. @default none */
  readonly signal?: AbortSignal
}

export interface IssueOptions {
  readonly reason?: string
  /** Time to live. @default per kind, see defaultTtlMs */
  readonly ttlMs?: number
}

export interface IssuedIntent<K extends IntentKind = IntentKind> {
  readonly kind: K
  readonly intent: IntentOf<K>
  readonly token: Token
}

/**
 * How long an intent holds by default. What a person asks for once holds for an hour; what a policy renews ends soon
 * after the policy does.
 */
export const defaultTtlMs: Readonly<Record<IntentKind, number>> = Object.freeze({
  drain: 60 * 60_000,
  'pause-node': 60_000,
  'throttle-queue': 60 * 60_000,
  'prefer-shard': 60 * 60_000,
  rebalance: 10 * 60_000,
})

/** A lift outlives the intent that it lifts by this, so that no late reader finds the intent without its lift. */
const liftMarginMs = 60_000

/**
 * Issues intents on the plane. It looks at the fleet first: a lift must outlive what it lifts, and a person's
 * intent must win over what is in force. Intents outlive the issuer while a scheduler or collector relays them.
 */
export class IntentIssuer implements Disposable {
  readonly #participant: Participant
  readonly #view: FleetView
  readonly #options: Required<Omit<IntentIssuerOptions, 'signal'>>
  readonly #writers = new Map<IntentKind, { close(): void; flush(): void }>()
  readonly #lifetime: Lifetime
  #closed = false

  /**
   * Borrows the view and its participant; closing the issuer leaves both open.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; the signal's reason when it has aborted already
   */
  constructor(view: FleetView, { signal, ...options }: IntentIssuerOptions) {
    this.#participant = view.participant
    this.#view = view
    this.#options = { assertive: true, ...options }
    if (options.issuer === '' || options.issuer.length > 256) {
      throw invalidArgument('issuer must be a name of 1 to 256 characters')
    }
    this.#lifetime = new Lifetime(signal, () => this.close())
  }

  /** Resolves when the issuer has closed, for whatever reason. */
  get ended(): Promise<void> {
    return this.#lifetime.ended
  }

  /**
   * Asks for something to hold for a target. Await the view's `synced()` first.
   * @throws NumacastError NUMACAST_INVALID_ARGUMENT; NUMACAST_CLOSED
   */
  apply<K extends IntentKind>(
    kind: K,
    target: string,
    terms: IntentTerms<K>,
    options: IssueOptions = {},
  ): IssuedIntent<K> {
    return this.#issue(kind, target, 'apply', terms, newIntentId(), options.ttlMs ?? defaultTtlMs[kind], options.reason)
  }

  /** Extends the time to live of an intent that this issuer wrote. */
  renew<K extends IntentKind>(issued: IssuedIntent<K>, reason?: string): IssuedIntent<K> {
    const { intent, kind } = issued
    return this.#write(kind, { ...intent, reason: toNote(reason ?? intent.reason) })
  }

  /**
   * Ends the intent that holds for a target, and overrides older intents of the kind for as long as they could live.
   */
  lift<K extends IntentKind>(kind: K, target: string, options: IssueOptions = {}): IssuedIntent<K> {
    const held = this.#view.currentIntent(kind, target)
    const leftMs = held === undefined ? 0 : held.originTimeMs + held.intent.ttlMs - this.#participant.clock.nowMs()
    const ttlMs = options.ttlMs ?? Math.min(maxIntentTtlMs, Math.max(defaultTtlMs[kind], leftMs) + liftMarginMs)
    return this.#issue(kind, target, 'lift', neutralTerms[kind] as IntentTerms<K>, newIntentId(), ttlMs, options.reason)
  }

  /** Returns whether another issuer's intent for the target would win over anything written now. */
  isOutranked(kind: IntentKind, target: string): boolean {
    const held = this.#view.currentIntent(kind, target)
    return held !== undefined && held.intent.epoch > this.#epoch(kind, target)
  }

  /** Yields what workers report on an intent; see {@link followIntent}. */
  follow(intentId: string, options: FollowOptions = {}): AsyncIterableIterator<IntentProgress> {
    return followIntent(this.#view, intentId, options)
  }

  /** Hands what has been issued to the lanes now. */
  flush(): void {
    for (const writer of this.#writers.values()) writer.flush()
  }

  /** Idempotent. What was issued remains in force. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    closeEach([
      () => this.flush(),
      ...[...this.#writers.values()].map((writer) => () => writer.close()),
      () => this.#lifetime.end(),
    ])
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #issue<K extends IntentKind>(
    kind: K,
    target: string,
    action: 'apply' | 'lift',
    terms: IntentTerms<K>,
    intentId: string,
    ttlMs: number,
    reason: string | undefined,
  ): IssuedIntent<K> {
    if (target === '') throw invalidArgument(`an intent ${kind} needs a target`)
    checkDurationMs('ttlMs', ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
    const { issuer } = this.#options
    const common = {
      intentId,
      target,
      action,
      issuer,
      issuerId: this.#participant.guid,
      epoch: this.#epoch(kind, target),
      reason: toNote(reason ?? defaultReason({ action, kind, issuer })),
      ttlMs,
    }
    const intent = { ...common, ...terms } as unknown as IntentOf<K>
    return this.#write(kind, intent)
  }

  /** Flushes at once, so that the view knows of it when the next intent is issued. */
  #write<K extends IntentKind>(kind: K, intent: IntentOf<K>): IssuedIntent<K> {
    const writer = this.#writer(kind)
    const token = writer.write(intent)
    writer.flush()
    return { kind, intent, token }
  }

  /** Wall clocks of two hosts may disagree; an assertive issuer overrides what is in force. */
  #epoch(kind: IntentKind, target: string): number {
    const own = this.#participant.incarnation
    const held = this.#view.currentIntent(kind, target)
    if (!this.#options.assertive || held === undefined) return own
    // Nothing is above the highest epoch; there the intent written later wins.
    return Math.max(own, Math.min(maxIntentEpoch, held.intent.epoch + 1))
  }

  #writer<K extends IntentKind>(kind: K): Writer<IntentOf<K>> {
    if (this.#closed) throw new NumacastError('NUMACAST_CLOSED', 'the issuer of intents is closed')
    const known = this.#writers.get(kind)
    if (known !== undefined) return known as Writer<IntentOf<K>>
    const writer = this.#participant.writer(intentTopics[kind], { partition: planePartition })
    this.#writers.set(kind, writer)
    return writer
  }
}

function newIntentId(): string {
  return `i-${randomHex(6)}`
}
