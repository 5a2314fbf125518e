import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'

export const Reliability = { bestEffort: 'best-effort', reliable: 'reliable' } as const
export type Reliability = (typeof Reliability)[keyof typeof Reliability]

export const Durability = { volatile: 'volatile', transientLocal: 'transient-local' } as const
export type Durability = (typeof Durability)[keyof typeof Durability]

/** Quality of service, named as in OMG DDS 1.4. A topic sets it; a writer or a reader may override it. */
export interface QosOptions {
  /** Whether gaps are repaired. @default 'reliable' (DDS: best-effort for readers; here nothing is lost silently) */
  readonly reliability?: Reliability
  /** Whether a late joiner gets the last values. @default 'transient-local' (DDS: volatile) */
  readonly durability?: Durability
  /** DDS history keep-last: changes kept per instance; at 1 the writer conflates. @default 1 */
  readonly historyDepth?: number
  /** How long a writer may hold a change back to fill a batch; 0: until the end of the current tick. @default 0 */
  readonly latencyBudgetMs?: number
  /** After this age an instance is disposed by whoever holds it as owner or relay; null: never. @default null */
  readonly lifespanMs?: number | null
  /** Reader: forgets an instance this long after the last of its writers has gone. @default 60000 */
  readonly purgeNoWritersMs?: number
  /** Reader: forgets a disposed instance after this long. @default 10000 */
  readonly purgeDisposedMs?: number
}

export type ResolvedQos = Required<QosOptions>

export const defaultQos: ResolvedQos = Object.freeze({
  reliability: Reliability.reliable,
  durability: Durability.transientLocal,
  historyDepth: 1,
  latencyBudgetMs: 0,
  lifespanMs: null,
  purgeNoWritersMs: 60_000,
  purgeDisposedMs: 10_000,
})

/**
 * Later layers win; the callers' objects are left alone.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the policy
 */
export function resolveQos(...layers: readonly (QosOptions | undefined)[]): ResolvedQos {
  const qos: ResolvedQos = { ...defaultQos }
  for (const layer of layers) Object.assign(qos, withoutUndefined(layer ?? {}))
  if (!Object.values(Reliability).includes(qos.reliability)) throw invalidPolicy('reliability', qos.reliability)
  if (!Object.values(Durability).includes(qos.durability)) throw invalidPolicy('durability', qos.durability)
  if (!Number.isInteger(qos.historyDepth) || qos.historyDepth < 1) throw invalidPolicy('historyDepth', qos.historyDepth)
  for (const policy of ['latencyBudgetMs', 'purgeNoWritersMs', 'purgeDisposedMs'] as const) {
    if (!(qos[policy] >= 0)) throw invalidPolicy(policy, qos[policy])
  }
  if (qos.lifespanMs !== null && !(qos.lifespanMs > 0)) throw invalidPolicy('lifespanMs', qos.lifespanMs)
  return Object.freeze(qos)
}

function invalidPolicy(policy: string, value: unknown) {
  return invalidArgument(`QoS ${policy} cannot be ${String(value)}`, { policy, value })
}
