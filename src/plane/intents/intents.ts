import type { z } from 'zod'
import type { Token } from '../../core/ids.js'
import { lazySchema } from '../../core/lazy-schema.js'
import type { Sample } from '../../pubsub/model/sample.js'
import { defineTopic, type Topic } from '../../pubsub/model/topic.js'
import { keyParts } from '../vocabulary/keys.js'
import { count, maxIncarnation, name, names, note } from '../vocabulary/text.js'

/**
 * Intents are expiring, idempotent state: what should hold for a target, until a time. They are never
 * calls. A restarted worker obeys by reading them again, and an intent that is not renewed expires.
 */
export const IntentKind = {
  /** Finish what is in flight and take nothing more. Target: a workerId. */
  drain: 'drain',
  /** Take no new work on a node. Target: a node's (`<boot id>/<node id>`), or `all`. */
  pauseNode: 'pause-node',
  /** Take at most `maxInFlight` jobs of a queue at once, per worker. Target: the queue's name. */
  throttleQueue: 'throttle-queue',
  /** Prefer work of these shards. Target: a workerId. Advice to the application; admission ignores it. */
  preferShard: 'prefer-shard',
  /**
   * Go down to `maxInFlight` jobs at once, per worker, so that the rest finds another node. Target: a node's
   * (`<boot id>/<node id>`), or `all`.
   */
  rebalance: 'rebalance',
} as const
export type IntentKind = (typeof IntentKind)[keyof typeof IntentKind]

/** No intent outlives a day, because a forgotten intent must not affect a fleet forever. */
export const maxIntentTtlMs = 24 * 60 * 60_000

/**
 * The highest epoch. Epochs are incarnations, slightly higher if an operator overrode another issuer. An intent with a
 * higher epoch is refused when it arrives.
 */
export const maxIntentEpoch = maxIncarnation

const envelope = lazySchema((z) =>
  z.object({
    intentId: name(),
    target: name(),
    /** `lift` ends what an older `apply` of the same kind asked for the target. */
    action: z.enum(['apply', 'lift']),
    /** The name of the issuer, for people to read. */
    issuer: name(),
    /** The GUID of the issuer's participant: two issuers that write to one target do not replace each other's intent. */
    issuerId: name(),
    /** The issuer's incarnation: per target the highest (epoch, seq) wins, whatever its issuer. */
    epoch: count().max(maxIntentEpoch),
    reason: note(),
    /** Counted from the time of writing, on each receiver's monotonic clock; relays do not restart it. */
    ttlMs: z.number().positive().max(maxIntentTtlMs),
  }),
)

export const intentSchemas = {
  drain: lazySchema((z) =>
    envelope().extend({
      /** Counted from the time of writing. Jobs still in flight then make the drain `aborted`. Null sets no deadline. */
      deadlineMs: z.number().nonnegative().nullable(),
    }),
  ),
  'pause-node': envelope,
  'throttle-queue': lazySchema(() => envelope().extend({ maxInFlight: count() })),
  'prefer-shard': lazySchema(() => envelope().extend({ shards: names() })),
  rebalance: lazySchema(() => envelope().extend({ maxInFlight: count() })),
} as const

/** The reason of an intent that was issued without one. It repeats the other fields. */
export function defaultReason({ action, kind, issuer }: { action: string; kind: IntentKind; issuer: string }): string {
  return `${action} ${kind} by ${issuer}`
}

/** The values of each kind's topic. */
export type IntentValues = {
  drain: z.infer<ReturnType<typeof intentSchemas.drain>>
  'pause-node': z.infer<ReturnType<(typeof intentSchemas)['pause-node']>>
  'throttle-queue': z.infer<ReturnType<(typeof intentSchemas)['throttle-queue']>>
  'prefer-shard': z.infer<ReturnType<(typeof intentSchemas)['prefer-shard']>>
  rebalance: z.infer<ReturnType<typeof intentSchemas.rebalance>>
}
export type IntentOf<K extends IntentKind> = IntentValues[K]
export type Intent = IntentOf<IntentKind>
/** What an issuer adds to the common fields of a kind. */
export type IntentTerms<K extends IntentKind> = Omit<IntentOf<K>, keyof IntentOf<'pause-node'>>

const qos = { lifespanMs: maxIntentTtlMs }
/** An instance per issuer: readers receive what each has written, and an arbiter decides among them. */
const intentKey = ['target', 'issuerId'] as const

/** Returns the target that the key of an intent's instance names. */
export function targetOfKey(key: string): string {
  return keyParts(key)[0] ?? ''
}

export const intentTopics: { readonly [K in IntentKind]: Topic<IntentOf<K>> } = {
  drain: defineTopic({ name: 'intent.drain', key: intentKey, schema: intentSchemas.drain, qos }),
  'pause-node': defineTopic({ name: 'intent.pause-node', key: intentKey, schema: intentSchemas['pause-node'], qos }),
  'throttle-queue': defineTopic({
    name: 'intent.throttle-queue',
    key: intentKey,
    schema: intentSchemas['throttle-queue'],
    qos,
  }),
  'prefer-shard': defineTopic({
    name: 'intent.prefer-shard',
    key: intentKey,
    schema: intentSchemas['prefer-shard'],
    qos,
  }),
  rebalance: defineTopic({ name: 'intent.rebalance', key: intentKey, schema: intentSchemas.rebalance, qos }),
}

export const intentKinds: readonly IntentKind[] = Object.freeze(Object.values(IntentKind))

/** An intent as received: its content, the change of the writer that carried it, and when it was written. */
export type ReceivedIntent = {
  [K in IntentKind]: {
    readonly kind: K
    readonly intent: IntentOf<K>
    readonly token: Token
    /** On this process's monotonic clock. */
    readonly originTimeMs: number
  }
}[IntentKind]

export type ReceivedIntentOf<K extends IntentKind> = Extract<ReceivedIntent, { kind: K }>

/** Returns the claim that a sample carries; undefined if the sample carries no value (disposed). */
export function receivedIntentFrom<K extends IntentKind>(
  kind: K,
  sample: Sample<IntentOf<K>>,
): ReceivedIntent | undefined {
  return sample.value === undefined ? undefined : receivedIntentOf(kind, sample.value, sample.token, sample.writtenMs)
}

export function receivedIntentOf<K extends IntentKind>(
  kind: K,
  intent: IntentOf<K>,
  token: Token,
  originTimeMs: number,
): ReceivedIntent {
  // The compiler cannot pair `kind` with its intent type under a type parameter; the signature does.
  return { kind, intent, token, originTimeMs } as unknown as ReceivedIntent
}

/** Returns when the claim stops holding, on this process's monotonic clock. */
export function expiryMs(claim: ReceivedIntent): number {
  return claim.originTimeMs + claim.intent.ttlMs
}

/** A target of a kind; the space cannot occur in a kind, so the text is unique. */
export function receivedIntentKey(kind: IntentKind, target: string): string {
  return `${kind} ${target}`
}

/** Placeholder values for the fields of a kind in a `lift`, which ignores them. */
export const neutralTerms: { readonly [K in IntentKind]: IntentTerms<K> } = Object.freeze({
  drain: { deadlineMs: null },
  'pause-node': {},
  'throttle-queue': { maxInFlight: 0 },
  'prefer-shard': { shards: [] },
  rebalance: { maxInFlight: 0 },
})
