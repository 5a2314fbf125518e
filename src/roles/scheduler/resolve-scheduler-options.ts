import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { resolveUnreachableDeadAfterMs } from '../../liveliness/unreachable-dead-after.js'
import { defaultPolicies } from '../../placement/policies/default-policies.js'
import { checkNames } from '../../placement/policies/policy-runner.js'
import { resolveJobLedgerOptions } from '../../views/jobs/job-ledger-options.js'
import { defaultSchedulerOptions, type ResolvedSchedulerOptions, type SchedulerOptions } from './scheduler-options.js'

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveSchedulerOptions(options: SchedulerOptions): ResolvedSchedulerOptions {
  const resolved = {
    ...defaultSchedulerOptions,
    policies: defaultPolicies(),
    signal: undefined,
    ...withoutUndefined(options),
  }
  if (resolved.name === '' || resolved.name.length > 256) throw invalidArgument('name must have 1 to 256 characters')
  checkDurationMs('decideIntervalMs', resolved.decideIntervalMs, { exclusive: true, allowInfinity: true })
  checkDurationMs('minViewAgeMs', resolved.minViewAgeMs)
  checkDurationMs('maxAgeMs', resolved.maxAgeMs)
  checkNames(resolved.policies)
  const unreachableDeadAfterMs = resolveUnreachableDeadAfterMs(resolved.unreachableDeadAfterMs)
  const ledger = resolveJobLedgerOptions(resolved.ledger)
  return Object.freeze({ ...resolved, ledger, unreachableDeadAfterMs })
}
