import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { defaultBandWeights, resolveBandWeights } from './priority-bands.js'

export interface RequestQueueOptions {
  /** Requests that may be queued or waiting. @default 10000 */
  readonly maxRequests?: number
  /** Requests that ended and can still be described, the latest. @default 1000 */
  readonly maxEnded?: number
  /** By band, the most urgent first. @default [256, 224, 192, 160, 128, 96, 64, 32] */
  readonly weights?: readonly number[]
  /** How often one call of `take` looks for a worker before it gives up for this time. @default 16 */
  readonly maxAttempts?: number
  /** When a request for which waiting alone does not help is tried again. @default 30000 */
  readonly maxWaitMs?: number
  /** Events that may wait for a slow reader of `events`. @default 1024 */
  readonly maxEvents?: number
}

export type ResolvedRequestQueueOptions = Required<RequestQueueOptions>

export const defaultRequestQueueOptions: ResolvedRequestQueueOptions = Object.freeze({
  maxRequests: 10_000,
  maxEnded: 1_000,
  weights: defaultBandWeights,
  maxAttempts: 16,
  maxWaitMs: 30_000,
  maxEvents: 1_024,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveRequestQueueOptions(options: RequestQueueOptions): ResolvedRequestQueueOptions {
  const resolved = { ...defaultRequestQueueOptions, ...withoutUndefined(options) }
  for (const [name, least] of [
    ['maxRequests', 1],
    ['maxEnded', 0],
    ['maxAttempts', 1],
    ['maxEvents', 1],
  ] as const) {
    if (!Number.isSafeInteger(resolved[name]) || resolved[name] < least) {
      throw invalidArgument(`${name} must be an integer from ${least}, not ${resolved[name]}`)
    }
  }
  checkDurationMs('maxWaitMs', resolved.maxWaitMs, { exclusive: true })
  return Object.freeze({ ...resolved, weights: resolveBandWeights(resolved.weights) })
}

/** The most that one request may cost: 32 turns of the lowest band. */
export const maxRequestCost = 32

export interface SubmitOptions {
  readonly request: ResolvedRequest
  /** Names the request. @default made by the queue */
  readonly requestId?: string
  /** A request with the key of a request that the queue still knows is that request. @default null */
  readonly idempotencyKey?: string | null
  /** After this time the request expires if no worker was found. @default null: it waits without end */
  readonly deadlineMs?: number | null
  /** Whether it waits while no worker fits; otherwise it is refused then. @default true */
  readonly waitForWorker?: boolean
  /** How much of its band's share it takes, 1 … 32. @default 1 */
  readonly cost?: number
}

export type ResolvedSubmitOptions = Required<Omit<SubmitOptions, 'requestId'>> & {
  readonly requestId: string | undefined
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveSubmitOptions(options: SubmitOptions): ResolvedSubmitOptions {
  const defaults = { requestId: undefined, idempotencyKey: null, deadlineMs: null, waitForWorker: true, cost: 1 }
  const resolved = { ...defaults, ...withoutUndefined(options) }
  const { cost, deadlineMs } = resolved
  if (!(cost >= 1 && cost <= maxRequestCost)) {
    throw invalidArgument(`cost must be a number from 1 to ${maxRequestCost}, not ${cost}`)
  }
  if (deadlineMs !== null) checkDurationMs('deadlineMs', deadlineMs, { exclusive: true })
  for (const name of ['requestId', 'idempotencyKey'] as const) {
    if (resolved[name] === '') throw invalidArgument(`${name} must not be empty`)
  }
  return resolved
}
