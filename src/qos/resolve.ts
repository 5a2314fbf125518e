import { invalidArgument, type NumacastError } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import { type DurationRule, durationRange, isDurationMs, longestTimerMs } from '../core/time/duration.js'
import { DestinationOrder, Durability, History, LivelinessKind, Ownership, Reliability } from './policies.js'
import { defaultQos, type QosOptions, type ResolvedQos } from './qos.js'

/** The longest finite duration of a policy; the wire format has no room for a longer one. */
export const maxDurationMs = longestTimerMs
const maxInt32 = 2 ** 31 - 1

type Plain = { readonly [key: string]: unknown }
interface ValueRule {
  readonly allows: (value: unknown) => boolean
  /** Ends the sentence "it must be …". */
  readonly must: string
  /** Returns the value in the form that is kept. @default the value itself */
  readonly normalize?: (value: unknown) => unknown
}
type Rules = { readonly [policy: string]: ValueRule | { readonly parts: Rules } }

const oneOf = (set: object): ValueRule => ({
  allows: (value: unknown) => Object.values(set).includes(value),
  must: `one of ${Object.values(set).join(', ')}`,
})
const durationRule = (rule: DurationRule): ValueRule => ({
  allows: (value: unknown) => isDurationMs(value, { mostMs: maxDurationMs, ...rule }),
  must: durationRange({ mostMs: maxDurationMs, ...rule }),
})
const duration = durationRule({ exclusive: true })
const delay = durationRule({})
const count: ValueRule = {
  allows: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1,
  must: 'a positive integer',
}
const orNull = ({ allows, must }: ValueRule): ValueRule => ({
  allows: (value: unknown) => value === null || allows(value),
  must: `${must}, or null`,
})
/** `null` and `Infinity` both mean never; what is kept is `null`. */
const orNever = ({ allows, must }: ValueRule): ValueRule => ({
  allows: (value: unknown) => value === null || value === Infinity || allows(value),
  must: `${must}, or null or Infinity for never`,
  normalize: (value: unknown) => (value === Infinity ? null : value),
})

const rules = {
  reliability: oneOf(Reliability),
  durability: oneOf(Durability),
  history: oneOf(History),
  historyDepth: count,
  deadlineMs: orNever(duration),
  liveliness: oneOf(LivelinessKind),
  leaseMs: orNever(duration),
  ownership: oneOf(Ownership),
  ownershipStrength: {
    allows: (value: unknown) => Number.isInteger(value) && Math.abs((value as number) + 0.5) <= maxInt32 + 0.5,
    must: 'an integer of 32 bits with sign',
  },
  destinationOrder: oneOf(DestinationOrder),
  lifespanMs: orNever(duration),
  latencyBudgetMs: delay,
  timeBasedFilterMs: delay,
  resourceLimits: {
    parts: { maxInstances: count, maxSamples: orNull(count), maxSamplesPerInstance: orNull(count) },
  },
  writerDataLifecycle: {
    parts: { autodispose: { allows: (value: unknown) => typeof value === 'boolean', must: 'true or false' } },
  },
  readerDataLifecycle: { parts: { purgeNoWritersMs: orNever(delay), purgeDisposedMs: orNever(delay) } },
} satisfies { readonly [P in keyof ResolvedQos]: Rules[string] }

/**
 * Later layers win, key by key inside the nested policies too; the callers' objects are left alone.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the policy, for a value outside its range or a name that is
 * no policy, and for values that contradict each other (DDS: PRECONDITION_NOT_MET, INCONSISTENT_POLICY)
 */
export function resolveQos(...layers: readonly (QosOptions | undefined)[]): ResolvedQos {
  let qos: Plain = { ...defaultQos }
  for (const layer of layers) if (layer !== undefined) qos = overlay(qos, layer as Plain, rules, '')
  const resolved = qos as unknown as ResolvedQos
  mustBeConsistent(resolved)
  return Object.freeze(resolved)
}

function overlay(below: Plain, layer: unknown, within: Rules, path: string): Plain {
  if (typeof layer !== 'object' || layer === null) throw refusal(path.slice(0, -1), layer, 'an object')
  const merged: Record<string, unknown> = { ...below }
  for (const [key, value] of Object.entries(withoutUndefined(layer as Plain))) {
    const policy = `${path}${key}`
    const rule = Object.hasOwn(within, key) ? within[key] : undefined
    if (rule === undefined) {
      const known = Object.keys(within).join(', ')
      throw invalidArgument(`QoS has no policy '${policy}'; there are ${known}`, { policy, value })
    }
    if ('parts' in rule) merged[key] = Object.freeze(overlay(below[key] as Plain, value, rule.parts, `${policy}.`))
    else if (rule.allows(value)) merged[key] = rule.normalize === undefined ? value : rule.normalize(value)
    else throw refusal(policy, value, rule.must)
  }
  return merged
}

/** The rules of DDS 1.4, 2.2.3.7 (deadline), 2.2.3.12 (time-based filter), 2.2.3.18 and 19 (history, limits). */
function mustBeConsistent(qos: ResolvedQos): void {
  const { deadlineMs, timeBasedFilterMs, history, historyDepth, resourceLimits } = qos
  const { maxSamples, maxSamplesPerInstance } = resourceLimits
  if (deadlineMs !== null && deadlineMs < timeBasedFilterMs) {
    throw contradiction('deadlineMs', deadlineMs, 'at least', 'timeBasedFilterMs', timeBasedFilterMs)
  }
  if (maxSamples !== null && maxSamplesPerInstance !== null && maxSamples < maxSamplesPerInstance) {
    const [policy, other] = ['resourceLimits.maxSamples', 'resourceLimits.maxSamplesPerInstance']
    throw contradiction(policy, maxSamples, 'at least', other, maxSamplesPerInstance)
  }
  if (history === History.keepAll) return
  for (const limit of ['maxSamplesPerInstance', 'maxSamples'] as const) {
    const most = resourceLimits[limit]
    if (most !== null && historyDepth > most) {
      throw contradiction('historyDepth', historyDepth, 'at most', `resourceLimits.${limit}`, most)
    }
  }
}

function refusal(policy: string, value: unknown, must: string): NumacastError {
  return invalidArgument(`QoS ${policy || 'itself'} must be ${must}, not ${String(value)}`, { policy, value })
}

function contradiction(policy: string, value: number, must: string, other: string, limit: number): NumacastError {
  return invalidArgument(`QoS ${policy} is ${value}; it must be ${must} ${other}, which is ${limit}`, { policy, value })
}
