import type { z } from 'zod'
import { invalidArgument } from '../../core/errors.js'
import { lazySchema } from '../../core/lazy-schema.js'
import { withoutUndefined } from '../../core/options.js'
import { MachineLabel, machineLabelPrefix } from '../../plane/vocabulary/machine-labels.js'
import { type TaintText, taintText } from '../../plane/vocabulary/taint.js'
import type { NamedNode } from '../../plane/vocabulary/targets.js'
import { labels, name } from '../../plane/vocabulary/text.js'
import {
  type AdmissionStrategy,
  admissionStrategySchema,
  type PublishedProfile,
  workerProfileSchema,
} from '../../plane/worker/worker-profile.js'
import { claimWithinConcurrency, type DecideOffer, type ReactiveAdmission } from './offers/job-offer.js'
import type { MachineFacts } from './readings/machine-facts.js'

/** What of a worker's profile may change while it runs. */
export interface ProfileUpdate {
  /** What it can do: each `kind@version`, as in `inference:llm:ollama@1`. @default [] */
  readonly capabilities?: readonly string[]
  /** Each `key=value`, or a bare name. @default [] */
  readonly tags?: readonly string[]
  /** Keys with `numacast.io/` are reserved for what is set by itself: host, zone, NUMA node, CPU model. @default {} */
  readonly labels?: Readonly<Record<string, string>>
  /** Keep work away that does not tolerate them. Effects may be spelled as in Kubernetes. @default [] */
  readonly taints?: readonly TaintText[]
  /** Queues that it takes from; empty: any. @default [] */
  readonly queues?: readonly string[]
  /** Models and caches that it holds loaded. @default [] */
  readonly residents?: readonly string[]
  /** Shards whose data it holds. @default [] */
  readonly shards?: readonly string[]
}

export interface ProfileOptions extends ProfileUpdate {
  /**
   * How it bounds what it takes at once. `{ kind: 'fixed' }`: by `concurrency`. `{ kind: 'vram-budget', vramBudgetBytes
   * }`: also by the device memory that its slots were asked for. `reactive(decide)`: it decides for each offer of a
   * dispatcher, and grants slots by `concurrency`.
   * @default { kind: 'fixed' }
   */
  readonly admission?: AdmissionStrategy | ReactiveAdmission
  /** The failure domain that its host is in, published as the label `numacast.io/zone`. @default none */
  readonly zone?: string
  /**
   * Whether it runs on the CPUs of its own NUMA node only.
   * @default whether the process may run on no others when it starts
   */
  readonly numaBound?: boolean
}

export type ResolvedProfile = Omit<PublishedProfile, 'workerId' | 'incarnation' | 'numaBound'> & {
  readonly zone: string | undefined
  readonly numaBound: boolean | undefined
  /** How a reactive worker decides about an offer. Not published. */
  readonly decide: DecideOffer
}

/** The rest of the room that a profile has for labels is for the machine's. */
const maxOwnLabels = 60

const ownLabels = lazySchema(() =>
  labels().superRefine((given, context) => {
    const keys = Object.keys(given)
    if (keys.length > maxOwnLabels) context.addIssue({ code: 'custom', message: `more than ${maxOwnLabels} entries` })
    if (keys.includes('')) context.addIssue({ code: 'custom', message: 'a key must not be empty' })
    for (const key of keys) {
      if (!key.startsWith(machineLabelPrefix)) continue
      const message = `keys with ${machineLabelPrefix} are set by numacast: choose another prefix`
      context.addIssue({ code: 'custom', path: [key], message })
    }
  }),
)

const updateSchema = lazySchema((z) => {
  const { capabilities, tags, queues, residents, shards } = workerProfileSchema().shape
  return z.strictObject({
    capabilities: capabilities.default([]).transform(distinct),
    tags: tags.default([]).transform(distinct),
    labels: ownLabels().default({}),
    taints: z.array(taintText()).max(64).default([]),
    queues: queues.default([]).transform(distinct),
    residents: residents.default([]).transform(distinct),
    shards: shards.default([]).transform(distinct),
  })
})

const profileSchema = lazySchema((z) =>
  updateSchema().extend({
    admission: admissionStrategySchema().default({ kind: 'fixed' }),
    zone: name().optional(),
    numaBound: z.boolean().optional(),
  }),
)

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveProfile(options: ProfileOptions): ResolvedProfile {
  const schema = profileSchema()
  const given = Object.fromEntries(Object.entries(options).filter(([option]) => option in schema.shape))
  const { zone, numaBound, ...rest } = parse(schema, given, 'option')
  return Object.freeze({ ...rest, zone, numaBound, decide: decideOf(options.admission) })
}

/** Returns the profile with what the update states in place of what was there. @throws as `resolveProfile` does */
export function updatedProfile(profile: ResolvedProfile, update: ProfileUpdate): ResolvedProfile {
  const stated = withoutUndefined(update)
  const parsed = parse(updateSchema(), stated, 'update')
  const changes = Object.fromEntries(Object.entries(parsed).filter(([option]) => option in stated))
  return Object.freeze({ ...profile, ...changes })
}

/** Returns what a worker publishes: its own profile, and what is known of its machine. */
export function publishedProfile(
  { zone, numaBound, decide: _, ...profile }: ResolvedProfile,
  worker: Pick<PublishedProfile, 'workerId' | 'incarnation'>,
  { host, numaNode }: Pick<NamedNode, 'host' | 'numaNode'>,
  machine: MachineFacts,
): PublishedProfile {
  const labels = {
    ...profile.labels,
    [MachineLabel.host]: host,
    ...(zone !== undefined && { [MachineLabel.zone]: zone }),
    [MachineLabel.numaNode]: String(numaNode),
    ...(machine.cpuModel !== null && { [MachineLabel.cpuModel]: machine.cpuModel }),
  }
  return { ...worker, ...profile, labels, numaBound: numaBound ?? machine.isBoundTo(numaNode) }
}

function decideOf(admission: ProfileOptions['admission']): DecideOffer {
  const decide = admission !== undefined && 'decide' in admission ? admission.decide : undefined
  if (decide === undefined) return claimWithinConcurrency
  if (typeof decide === 'function') return decide
  throw invalidArgument(`worker option admission.decide: must be a function, not ${typeof decide}`)
}

function parse<S extends z.ZodType>(schema: S, given: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.map(String).join('.') ?? ''
  throw invalidArgument(`worker ${what}${path === '' ? '' : ` ${path}`}: ${issue?.message ?? 'not acceptable'}`)
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)]
}
