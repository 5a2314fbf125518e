/**
 * What a writer, or a reader, may hold. Over a limit a writer's `write` throws NUMACAST_LIMIT and nothing that is held
 * changes; a reader refuses the sample and emits the event `sample-rejected`.
 */
export interface ResourceLimits {
  /** Instances alive at once. @default 1000000 (DDS: unlimited) */
  readonly maxInstances: number
  /** Changes over all instances; null: no limit of its own. @default 1000000 (DDS: unlimited) */
  readonly maxSamples: number | null
  /** Changes of one instance; null: no limit of its own. @default null, as in DDS */
  readonly maxSamplesPerInstance: number | null
}

export const defaultResourceLimits: ResourceLimits = Object.freeze({
  maxInstances: 1_000_000,
  maxSamples: 1_000_000,
  maxSamplesPerInstance: null,
})
