import type { InstanceState } from '../../cache/instance.js'
import { invalidArgument } from '../../core/errors.js'
import type { Sample, SampleState, ViewState } from '../model/sample.js'

/** Selects which of the waiting samples `read` and `take` return. An option that is left out allows all. */
export interface ReadOptions<T> {
  readonly sampleStates?: SampleState | readonly SampleState[]
  readonly viewStates?: ViewState | readonly ViewState[]
  readonly instanceStates?: InstanceState | readonly InstanceState[]
  /** One instance only. */
  readonly key?: string
  /** @default all there are */
  readonly maxSamples?: number
  /** Samples that it refuses stay as they are. */
  readonly filter?: (sample: Sample<T>) => boolean
}

export interface ResolvedReadOptions<T> {
  readonly maxSamples: number
  readonly key: string | undefined
  /** Only samples that were not read before. */
  readonly unreadOnly: boolean
  /** Whether the sample's states are among the requested ones. */
  readonly admits: (sample: Pick<Sample<T>, 'sampleState' | 'viewState' | 'instanceState'>) => boolean
  readonly filter: ((sample: Sample<T>) => boolean) | undefined
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function resolveReadOptions<T>(options: ReadOptions<T>): ResolvedReadOptions<T> {
  const { maxSamples = Number.POSITIVE_INFINITY, key, filter } = options
  if (maxSamples !== Number.POSITIVE_INFINITY && (!Number.isInteger(maxSamples) || maxSamples < 1)) {
    throw invalidArgument(`maxSamples must be a positive integer, not ${maxSamples}`)
  }
  const samples = asSet(options.sampleStates)
  const views = asSet(options.viewStates)
  const instances = asSet(options.instanceStates)
  return {
    maxSamples,
    key,
    filter,
    unreadOnly: samples !== undefined && !samples.has('read'),
    admits: ({ sampleState, viewState, instanceState }) =>
      samples?.has(sampleState) !== false && views?.has(viewState) !== false && instances?.has(instanceState) !== false,
  }
}

function asSet<State extends string>(states: State | readonly State[] | undefined): ReadonlySet<State> | undefined {
  return states === undefined ? undefined : new Set(typeof states === 'string' ? [states] : states)
}
