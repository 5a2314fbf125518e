import type { z } from 'zod'
import { invalidArgument } from '../../core/errors.js'
import { lazySchema } from '../../core/lazy-schema.js'
import { capability } from '../../plane/vocabulary/capability.js'
import { TaintEffect, taintEffectText } from '../../plane/vocabulary/taint.js'
import { name } from '../../plane/vocabulary/text.js'
import {
  type LabelRequirement,
  labelOperators,
  type ResolvedRequirement,
  requirementFault,
} from './label-requirement.js'
import type { Toleration } from './tolerations.js'

/** Whether the CPUs and the memory of a request must come from one NUMA node. */
export const NumaPreference = {
  /** From any nodes of one host. */
  any: 'any',
  /** From one node if one has room, else from several. */
  preferSingle: 'prefer-single',
  /** From one node or not at all. */
  single: 'single',
} as const
export type NumaPreference = (typeof NumaPreference)[keyof typeof NumaPreference]

/** Which of the workers that fit is the better one, as far as their zones' load goes. */
export const PlacementStrategy = {
  /** The emptier zone. */
  spread: 'spread',
  /** The fuller zone. */
  pack: 'pack',
  /** Neither: chance decides among the best. */
  random: 'random',
} as const
export type PlacementStrategy = (typeof PlacementStrategy)[keyof typeof PlacementStrategy]

export interface NodeSelector {
  /** All must be met. @default [] */
  readonly required?: readonly LabelRequirement[]
  /** None may be met. @default [] */
  readonly forbidden?: readonly LabelRequirement[]
  /** Add to the score by their weight, 1 … 100. @default [] */
  readonly preferred?: readonly (LabelRequirement & { readonly weight?: number })[]
}

/** What a job needs of the worker that is to run it. Everything is optional. */
export interface PlacementRequest {
  /** Exactly this `kind@version`. @default any worker */
  readonly capability?: string
  /** All must match: `key=value`, `key=*`, or a bare name. @default [] */
  readonly tags?: readonly string[]
  readonly selector?: NodeSelector
  /** @default [] */
  readonly tolerations?: readonly Toleration[]
  /** Cores that must be idle; fractions count. @default 0 */
  readonly cpus?: number
  /** @default 0 */
  readonly memoryBytes?: number
  /** Needed by workers that admit by a budget of device memory. @default null */
  readonly vramBytes?: number | null
  /** @default 'prefer-single' */
  readonly numa?: NumaPreference
  /** The queue that the job comes from. @default null */
  readonly queue?: string | null
  /** The shard that the job works on. @default null */
  readonly shard?: string | null
  /** Models and caches that the job would use. @default [] */
  readonly residents?: readonly string[]
  /** 0 is served first, 255 last. @default 128 */
  readonly priority?: number
  /** @default 'spread' */
  readonly strategy?: PlacementStrategy
}

export interface PreferredRequirement extends ResolvedRequirement {
  readonly weight: number
}

export interface ResolvedRequest {
  readonly capability: string | null
  readonly tags: readonly string[]
  readonly required: readonly ResolvedRequirement[]
  readonly forbidden: readonly ResolvedRequirement[]
  readonly preferred: readonly PreferredRequirement[]
  readonly tolerations: readonly Toleration[]
  readonly cpus: number
  readonly memoryBytes: number
  readonly vramBytes: number | null
  readonly numa: NumaPreference
  readonly queue: string | null
  readonly shard: string | null
  readonly residents: readonly string[]
  readonly priority: number
  readonly strategy: PlacementStrategy
}

export const defaultPriority = 128
export const lowestPriority = 255

const few = 64
const amount = lazySchema((z) => z.number().nonnegative().finite())

const requirementShape = lazySchema((z) =>
  z.strictObject({
    key: name(),
    operator: z.enum(labelOperators).optional(),
    values: z.array(z.string().max(256)).max(few).optional(),
  }),
)
const requirement = lazySchema(() => requirementShape().transform(withOperator).superRefine(refuseFault))
const preferred = lazySchema((z) =>
  requirementShape()
    .extend({ weight: z.number().int().min(1).max(100).default(1) })
    .transform((given) => ({ ...withOperator(given), weight: given.weight }))
    .superRefine(refuseFault),
)

const toleration = lazySchema((z) =>
  z
    .strictObject({
      key: name().optional(),
      operator: z.enum(['Equal', 'Exists']).optional(),
      value: z.string().max(256).optional(),
      effect: taintEffectText().optional(),
      tolerationSeconds: z.number().int().optional(),
    })
    .superRefine((given, context) => {
      const fault = tolerationFault(given)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    }),
)

const selector = lazySchema((z) =>
  z.strictObject({
    required: z.array(requirement()).max(few).default([]),
    forbidden: z.array(requirement()).max(few).default([]),
    preferred: z.array(preferred()).max(few).default([]),
  }),
)

const requestSchema = lazySchema((z) =>
  z.strictObject({
    capability: capability().optional(),
    tags: z.array(name()).max(few).default([]),
    selector: selector().default({ required: [], forbidden: [], preferred: [] }),
    tolerations: z.array(toleration()).max(few).default([]),
    cpus: amount().default(0),
    memoryBytes: amount().default(0),
    vramBytes: amount().nullable().default(null),
    numa: z.enum(NumaPreference).default('prefer-single'),
    queue: name().nullable().default(null),
    shard: name().nullable().default(null),
    residents: z.array(name()).max(few).default([]),
    priority: z.number().int().min(0).max(lowestPriority).default(defaultPriority),
    strategy: z.enum(PlacementStrategy).default('spread'),
  }),
)

/**
 * Checks a request and fills in what it leaves out. Do it once per job: ranking takes the result.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the field and what it must be
 */
export function resolveRequest(request: PlacementRequest): ResolvedRequest {
  const parsed = requestSchema().safeParse(request)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = issue?.path.map(String).join('.') ?? ''
    throw invalidArgument(`placement request${field === '' ? '' : ` ${field}`}: ${issue?.message ?? 'not acceptable'}`)
  }
  const { selector, capability, tolerations, ...rest } = parsed.data
  return Object.freeze({
    ...rest,
    ...selector,
    capability: capability ?? null,
    tolerations: tolerations as readonly Toleration[],
    residents: [...new Set(rest.residents)],
  })
}

function withOperator(given: {
  readonly key: string
  readonly operator?: ResolvedRequirement['operator'] | undefined
  readonly values?: string[] | undefined
}): ResolvedRequirement {
  const values = given.values ?? []
  return { key: given.key, operator: given.operator ?? (values.length > 0 ? 'In' : 'Exists'), values }
}

function refuseFault(given: ResolvedRequirement, context: z.RefinementCtx): void {
  const fault = requirementFault(given)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
}

function tolerationFault(given: {
  readonly key?: string | undefined
  readonly operator?: string | undefined
  readonly value?: string | undefined
  readonly effect?: TaintEffect | undefined
  readonly tolerationSeconds?: number | undefined
}): string | undefined {
  if (given.key === undefined && given.operator !== 'Exists') return 'operator must be Exists where there is no key'
  if (given.operator === 'Exists' && (given.value ?? '') !== '') return 'value must be empty with operator Exists'
  if (given.tolerationSeconds !== undefined && given.effect !== TaintEffect.noExecute) {
    return 'tolerationSeconds needs effect no-execute'
  }
  return undefined
}
