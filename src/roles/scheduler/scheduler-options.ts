import type { Policy } from '../../placement/policies/policy.js'
import {
  defaultJobLedgerOptions,
  type JobLedgerOptions,
  type ResolvedJobLedgerOptions,
} from '../../views/jobs/job-ledger-options.js'
import type { DomainOptions } from '../shared/enter-domain.js'

export interface SchedulerOptions extends DomainOptions {
  /** How it signs its intents. @default 'scheduler' */
  readonly name?: string
  /** What it decides by, each under a name of its own. @default defaultPolicies() */
  readonly policies?: readonly Policy[]
  /** @default 1000 */
  readonly decideIntervalMs?: number
  /**
   * While its view has listened for less than this time, it issues nothing that removes capacity: no pause, drain or
   * limit.
   * @default 3000
   */
  readonly minViewAgeMs?: number
  /**
   * A zone whose last reading is older counts as silent. If most zones are silent, it issues nothing that removes
   * capacity.
   * @default 5000
   */
  readonly maxAgeMs?: number
  /**
   * A worker that is `unreachable` for this long counts as `dead` here, so that its work may be given to others
   * although it may well be working. @default null: never by itself
   */
  readonly unreachableDeadAfterMs?: number | null
  /** Whether it serves nodes of its host while their collectors are away and no other collector can. @default true */
  readonly adopts?: boolean
  /** How many jobs its ledger holds, and for how long. @default `defaultJobLedgerOptions` */
  readonly ledger?: JobLedgerOptions
  /** Ends the start, or closes the scheduler, when it aborts. @default none */
  readonly signal?: AbortSignal
}

export type ResolvedSchedulerOptions = Required<Omit<SchedulerOptions, keyof DomainOptions | 'ledger' | 'signal'>> &
  DomainOptions & { readonly ledger: ResolvedJobLedgerOptions; readonly signal: AbortSignal | undefined }

export const defaultSchedulerOptions = Object.freeze({
  name: 'scheduler',
  decideIntervalMs: 1_000,
  minViewAgeMs: 3_000,
  maxAgeMs: 5_000,
  unreachableDeadAfterMs: null as number | null,
  adopts: true,
  ledger: defaultJobLedgerOptions,
})
