import type { WorkerCondition } from '../../plane/worker-state.js'

/** Whether a worker takes new work, and if not, why. */
export interface Admission {
  readonly open: boolean
  readonly reason: string | null
}

/** Everything that bears on admission, gathered by the worker. */
export interface AdmissionFacts {
  readonly closing: boolean
  /** Who is the worker of its name instead; null while it is itself. */
  readonly replacedReason: string | null
  /** Why the worker declared itself unfit; null while it is fit. */
  readonly unhealthyReason: string | null
  /** Why it must drain; null while it need not. */
  readonly drainReason: string | null
  readonly maintenanceReason: string | null
  readonly pauseReason: string | null
  readonly inFlight: number
  readonly concurrency: number
}

export const openAdmission: Admission = Object.freeze({ open: true, reason: null })

/** The first thing that stands in the way, the most lasting first. */
export function decideAdmission(facts: AdmissionFacts): Admission {
  if (facts.closing) return closed('the worker is closing')
  if (facts.replacedReason !== null) return closed(`replaced: ${facts.replacedReason}`)
  if (facts.unhealthyReason !== null) return closed(`unhealthy: ${facts.unhealthyReason}`)
  if (facts.drainReason !== null) return closed(`draining: ${facts.drainReason}`)
  if (facts.maintenanceReason !== null) return closed(`maintenance: ${facts.maintenanceReason}`)
  if (facts.pauseReason !== null) return closed(`paused: ${facts.pauseReason}`)
  if (facts.inFlight >= facts.concurrency) return closed(`at its limit of ${facts.concurrency} jobs at once`)
  return openAdmission
}

export function conditionOf(facts: AdmissionFacts): WorkerCondition {
  const isUnfit = facts.unhealthyReason !== null || facts.replacedReason !== null
  if (facts.closing || (facts.drainReason !== null && !isUnfit)) return 'draining'
  if (isUnfit) return 'unhealthy'
  return decideAdmission(facts).open ? 'available' : 'busy'
}

function closed(reason: string): Admission {
  return { open: false, reason }
}
