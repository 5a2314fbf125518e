import type { EntityGuid } from '../../src/core/ids.js'
import {
  type IntentKind,
  type IntentOf,
  neutralTerms,
  type ReceivedIntent,
  receivedIntentOf,
} from '../../src/plane/intents/intents.js'

export interface ClaimSketch {
  readonly id?: string
  readonly target?: string
  readonly action?: 'apply' | 'lift'
  readonly epoch?: number
  readonly seq?: number
  readonly writer?: string
  readonly atMs?: number
  readonly ttlMs?: number
}

/** Returns a claim with defaults for all omitted fields. */
export function claim<K extends IntentKind>(kind: K, sketch: ClaimSketch, terms: object = {}): ReceivedIntent {
  const {
    id = 'i-1',
    target = 'w',
    action = 'apply',
    epoch = 1,
    seq = 1,
    writer = 'aa.1',
    atMs = 0,
    ttlMs = 1_000,
  } = sketch
  const common = { intentId: id, target, action, issuer: 'test', issuerId: 'aa', epoch, reason: 'because', ttlMs }
  const intent = { ...common, ...neutralTerms[kind], ...terms } as unknown as IntentOf<K>
  return receivedIntentOf(kind, intent, { writer: writer as EntityGuid, seq }, atMs)
}

/** Counts reads of the claims that it made: the cost of a scan, without a clock. */
export class ClaimReads {
  count = 0

  claim<K extends IntentKind>(kind: K, sketch: ClaimSketch, terms: object = {}): ReceivedIntent {
    const { intent, ...rest } = claim(kind, sketch, terms)
    const read = (): typeof intent => {
      this.count++
      return intent
    }
    return Object.defineProperty({ ...rest }, 'intent', { get: read, enumerable: true }) as ReceivedIntent
  }
}
