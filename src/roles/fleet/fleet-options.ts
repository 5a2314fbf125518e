import os from 'node:os'
import {
  type FleetViewOptions,
  type ResolvedFleetViewOptions,
  resolveFleetViewOptions,
} from '../../views/fleet-view-options.js'
import {
  type JobLedgerOptions,
  type ResolvedJobLedgerOptions,
  resolveJobLedgerOptions,
} from '../../views/jobs/job-ledger-options.js'
import type { DomainOptions } from '../shared/enter-domain.js'

export interface FleetOptions extends DomainOptions, FleetViewOptions {
  /** Names the issuer of this fleet's intents, for people to read; 1 to 256 characters. @default user@host */
  readonly issuer?: string
  /** How many jobs are remembered, and for how long. @default `defaultJobLedgerOptions` */
  readonly ledger?: JobLedgerOptions
  /** Ends the wait for a plane. The fleet that `openFleet` returns does not use it. */
  readonly signal?: AbortSignal
}

export type ResolvedFleetOptions = DomainOptions &
  ResolvedFleetViewOptions & { readonly issuer: string; readonly ledger: ResolvedJobLedgerOptions }

/**
 * Resolves the options of {@link FleetOptions}.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be
 */
export function resolveFleetOptions({ signal: _, ...options }: FleetOptions): ResolvedFleetOptions {
  const { maxAgeMs, unreachableDeadAfterMs, issuer = defaultIssuer(), ledger, ...domain } = options
  const view = resolveFleetViewOptions({
    ...(maxAgeMs !== undefined && { maxAgeMs }),
    ...(unreachableDeadAfterMs !== undefined && { unreachableDeadAfterMs }),
  })
  return Object.freeze({ ...domain, ...view, issuer, ledger: resolveJobLedgerOptions(ledger) })
}

function defaultIssuer(): string {
  return `${process.env.USER || 'operator'}@${os.hostname()}`.slice(0, 256)
}
