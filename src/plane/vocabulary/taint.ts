import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { name } from './text.js'

/** What an untolerated taint does to work, as in Kubernetes. */
export const TaintEffect = {
  /** New work is kept away. */
  noSchedule: 'no-schedule',
  /** New work is discouraged. */
  preferNoSchedule: 'prefer-no-schedule',
  /** New work is kept away, and work that runs there is to leave. */
  noExecute: 'no-execute',
} as const
export type TaintEffect = (typeof TaintEffect)[keyof typeof TaintEffect]

/** How Kubernetes spells the effects. */
const kubernetesEffects = {
  NoSchedule: TaintEffect.noSchedule,
  PreferNoSchedule: TaintEffect.preferNoSchedule,
  NoExecute: TaintEffect.noExecute,
} as const satisfies Record<string, TaintEffect>

/** An effect as people write it: as here, or as Kubernetes spells it. */
export type TaintEffectText = TaintEffect | keyof typeof kubernetesEffects

const value = lazySchema((z) => z.string('must be a text').max(256, 'must have at most 256 characters'))
const effectRule = `must be ${Object.values(TaintEffect).join(', ')}, or as Kubernetes spells it: ${Object.keys(kubernetesEffects).join(', ')}`

/** Accepts an effect as people write it. */
export const taintEffectText = lazySchema((z) =>
  z.preprocess(
    (given) => (isKubernetesEffect(given) ? kubernetesEffects[given] : given),
    z.enum(TaintEffect, effectRule),
  ),
)

/** Keeps work away, or merely discourages it, unless the work tolerates it. */
export const taintSchema = lazySchema((z) => z.object({ key: name(), value: value(), effect: z.enum(TaintEffect) }))
export type Taint = z.infer<ReturnType<typeof taintSchema>>

/** A taint as people write it. */
export interface TaintText {
  readonly key: string
  /** @default '' */
  readonly value?: string
  readonly effect: TaintEffectText
}

/** Accepts a taint as people write it. */
export const taintText = lazySchema((z) =>
  z.strictObject({ key: name(), value: value().default(''), effect: taintEffectText() }),
)

/** Reads an effect as people write it; undefined for a text that is none. */
export function parseTaintEffect(text: string): TaintEffect | undefined {
  if (isKubernetesEffect(text)) return kubernetesEffects[text]
  return Object.values(TaintEffect).find((effect) => effect === text)
}

function isKubernetesEffect(given: unknown): given is keyof typeof kubernetesEffects {
  return typeof given === 'string' && Object.hasOwn(kubernetesEffects, given)
}
